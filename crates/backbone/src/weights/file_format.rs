//! Tells weight formats apart by content, and names what people hand in by mistake.

use super::WeightsError;

/// A format that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileFormat {
    Safetensors,
    TorchZip,
    TorchLegacy,
}

/// So many bytes of a file tell its format.
pub(super) const HEAD: u64 = 4096;

const EMPTY: &str = "the file is empty";
const LFS: &str =
    "this is a Git-LFS pointer, not the weights: run `git lfs pull` where the file was checked out";
const HTML: &str = "this is an HTML page, not weights: the download was answered by a web page";
const TAR: &str =
    "this is a tar archive: if a very old torch.save made it, load and save it again with a current one";
const PICKLE: &str = "this is a plain pickle, not a torch.save file: save the state dict with torch.save";
const GZIP: &str = "this is a gzip file: unpack it first";
const ONNX: &str = "this is an ONNX file: a network of its own, not weights for one";

/// The first pickle of a torch.save file from before version 1.6: protocol 2, then a long magic number.
pub(super) const LEGACY_MAGIC: &[u8] =
    &[0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];

/// The format of a file that starts with these bytes (at least [`HEAD`], if it has as many), or an error that says what
/// it is instead.
pub(super) fn recognise(bytes: &[u8]) -> Result<FileFormat, WeightsError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Ok(FileFormat::TorchZip);
    }
    if bytes.starts_with(LEGACY_MAGIC) {
        return Ok(FileFormat::TorchLegacy);
    }
    if let Some(other) = mistaken_for_weights(bytes) {
        return Err(WeightsError::NotWeights(other));
    }
    if bytes.get(8) == Some(&b'{') {
        return Ok(FileFormat::Safetensors);
    }
    if bytes.len() < 9 {
        return Err(WeightsError::Truncated {
            what: "the smallest weight file",
            expected: 10,
            got: bytes.len() as u64,
        });
    }
    Err(WeightsError::UnknownFormat { start: bytes.iter().take(8).copied().collect() })
}

fn mistaken_for_weights(bytes: &[u8]) -> Option<&'static str> {
    if bytes.is_empty() {
        Some(EMPTY)
    } else if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        Some(LFS)
    } else if looks_like_html(bytes) {
        Some(HTML)
    } else if bytes.get(257..262) == Some(b"ustar") {
        Some(TAR)
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        Some(GZIP)
    } else if matches!(bytes, [0x80, 2..=5, ..]) && bytes.get(8) != Some(&b'{') {
        Some(PICKLE)
    } else if matches!(bytes, [0x08, 1..=0x20, 0x12 | 0x3a | 0x42, ..]) && bytes.get(8) != Some(&b'{') {
        Some(ONNX)
    } else {
        None
    }
}

fn looks_like_html(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let starts = |tag: &[u8]| text.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag));
    starts(b"<!doctype") || starts(b"<html") || starts(b"<?xml") || starts(b"<!--") || starts(b"<head")
}

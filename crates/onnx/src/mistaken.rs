//! Names what people hand in instead of an ONNX file.

use crate::OnnxError;

/// So many bytes tell what a file is.
pub(crate) const HEAD: u64 = 512;

/// An error that says what a file is, if its first bytes are those of a known other thing.
pub(crate) fn check(bytes: &[u8]) -> Result<(), OnnxError> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let head = text.get(..9.min(text.len())).unwrap_or_default().to_ascii_lowercase();
    let found = if bytes.is_empty() {
        "the file is empty"
    } else if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        "this is a Git-LFS pointer, not the network: run `git lfs pull` where the file was checked out"
    } else if [&b"<!doctype"[..], b"<html", b"<?xml", b"<head"].iter().any(|tag| head.starts_with(tag)) {
        "this is an HTML page, not a network: the download was answered by a web page"
    } else if bytes.starts_with(b"PK\x03\x04") {
        "this is a zip archive, perhaps a PyTorch file: export the network with torch.onnx.export"
    } else if bytes.get(8) == Some(&b'{') && bytes.get(4..8) == Some(&[0; 4]) {
        "this is a safetensors file: it has weights and no network; give it as weights, or export to ONNX"
    } else if bytes.starts_with(b"RTEN") {
        "this is an .rten file: give the ONNX file that it was made of"
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        "this is a gzip file: unpack it first"
    } else if bytes.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) {
        "this is a text, not an ONNX file"
    } else {
        return Ok(());
    };
    Err(OnnxError::NotOnnx(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_things_are_named() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "LFS"),
            (b"\xef\xbb\xbf  <!DOCTYPE html>", "HTML"),
            (b"<HTML>", "HTML"),
            (b"PK\x03\x04", "zip"),
            (b"\x10\0\0\0\0\0\0\0{\"a\":", "safetensors"),
            (b"RTEN\0", ".rten"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"hello\n", "text"),
        ] {
            assert!(check(bytes).unwrap_err().to_string().contains(word), "{word}");
        }
        assert!(check(b"\x08\x08\x12\x07pytorch").is_ok());
    }
}

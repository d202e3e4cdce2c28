//! All formats of weight files: good ones, damaged ones, and what people hand in by mistake.

mod disk;
mod header;
mod torch_file;

use std::io::Write;
use std::path::PathBuf;

use patchcore_files::FileError;
use patchcore_testkit::safetensors::file as safetensors;
use patchcore_testkit::torch::{Entry, MATRIX, Pickler, Tensor, entry, floats, pth, state_dict, zip};

use super::*;

const SIX: [f32; 6] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

fn error(bytes: &[u8]) -> WeightsError {
    match Weights::from_bytes(bytes) {
        Ok(weights) => panic!("accepted {} tensors", weights.len()),
        Err(error) => error,
    }
}

/// The message and those of its causes.
fn message(bytes: &[u8]) -> String {
    let error = error(bytes);
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// A file on disk, and its folder, which goes with it.
fn on_disk(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.bin");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn one(tensor: Tensor) -> Vec<u8> {
    pth(&state_dict(&[("w", tensor)]), &[("0", &floats(&SIX))])
}

fn good_pth() -> Vec<u8> {
    let counter = Tensor { class: "LongStorage", key: "1", n_values: 1, offset: 0, shape: &[], strides: &[] };
    let pickle = state_dict(&[("fc.weight", MATRIX), ("bn1.num_batches_tracked", counter)]);
    pth(&pickle, &[("0", &floats(&SIX)), ("1", &7u64.to_le_bytes())])
}

fn good_safetensors() -> Vec<u8> {
    let header = r#"{"__metadata__":{"a:":"{\":"},"fc.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"n":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}"#;
    safetensors(header, &[floats(&SIX), vec![0; 8]].concat())
}

fn good_legacy() -> Vec<u8> {
    legacy("fc.weight")
}

/// A file of torch.save before version 1.6, with one tensor.
fn legacy(name: &str) -> Vec<u8> {
    let version = Pickler::new().raw(&[b'M', 0xe9, 0x03]).stop();
    let machine = Pickler::new().raw(b"}(").text("little_endian").raw(&[0x88]).raw(b"u").stop();
    let keys = Pickler::new().raw(b"](").text("0").raw(b"e").stop();
    let tensors = state_dict(&[(name, MATRIX)]);
    let storage = [6u64.to_le_bytes().to_vec(), floats(&SIX)].concat();
    [file_format::LEGACY_MAGIC, &version, &machine, &tensors, &keys, &storage].concat()
}

#[test]
fn good_files_of_all_formats_agree() {
    for bytes in [good_pth(), good_safetensors(), good_legacy()] {
        let weights = Weights::from_bytes(&bytes).unwrap();
        assert_eq!(weights.names().collect::<Vec<_>>(), ["fc.weight"]);
        assert_eq!(weights.take("fc.weight", &[2, 3]).unwrap().values, SIX);
    }
}

#[test]
fn case_47_every_truncation_is_refused() {
    for whole in [good_pth(), good_safetensors(), good_legacy()] {
        for length in 0..whole.len() {
            assert!(Weights::from_bytes(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn no_changed_byte_makes_a_reader_panic() {
    for whole in [good_pth(), good_safetensors(), good_legacy()] {
        for at in 0..whole.len() {
            for change in [1, 0x10, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                let _ = Weights::from_bytes(&bytes);
            }
        }
    }
}

#[test]
fn case_47_what_people_hand_in_by_mistake_is_named() {
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 46830571\n";
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, expected) in [
        (&b""[..], "empty"),
        (lfs, "Git-LFS pointer"),
        (b"\xef\xbb\xbf \n<!doctype HTML><html>", "HTML page"),
        (b"<html><head><title>Sign in", "HTML page"),
        (&tar, "tar archive"),
        (b"\x80\x04\x95\x10\0\0\0\0\0\0\0}", "plain pickle"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "gzip"),
        (b"short", "truncated"),
        (b"\x08\x08\x12\x07pytorch", "an ONNX file"),
        (b"anything else", "unknown format, starts with bytes [61, 6e"),
        (&zip(&[entry("word/document.xml", b"hello")]), "without data.pkl"),
        (&zip(&[entry("a/data.pkl", b""), entry("a/constants.pkl", b"")]), "TorchScript"),
    ] {
        let text = message(bytes);
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn read_names_the_file_and_whose_fault_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Weights::read(&folder.path().join("none.pth")).unwrap_err();
    assert_eq!(missing.kind(), WeightsErrorKind::Io);
    let is_folder = Weights::read(folder.path()).unwrap_err();
    assert!(matches!(is_folder, WeightsError::File(_)));

    let path = folder.path().join("weights.pth");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&good_pth()).unwrap();
    assert_eq!(Weights::read(&path).unwrap().len(), 1);
    file.write_all(&good_pth()).unwrap();
    std::fs::write(&path, b"PK\x03\x04 half a download").unwrap();
    let damaged = Weights::read(&path).unwrap_err();
    assert_eq!(damaged.kind(), WeightsErrorKind::BadWeights);
    let cut_off = "weights.pth: truncated: this zip archive has no end, as after an interrupted download";
    assert!(damaged.to_string().ends_with(cut_off), "{damaged}");
}

#[test]
fn case_38_take_says_got_and_expected() {
    let mut weights = Weights::from_bytes(&good_pth()).unwrap();
    let text = |name, shape: &[usize]| weights.take(name, shape).unwrap_err().to_string();
    assert_eq!(text("fc.weight", &[3, 2]), "fc.weight: shape [2, 3], expected [3, 2]");
    assert_eq!(text("fc.weigth", &[2, 3]), "fc.weigth: missing, the nearest are fc.weight");
    assert_eq!(
        text("bn1.num_batches_tracked", &[]),
        "bn1.num_batches_tracked: dtype i64, expected f16, bf16, f32 or f64"
    );

    weights.insert("bad", WeightTensor { shape: vec![3], values: vec![0.0, 1.0, f32::NAN] });
    assert_eq!(weights.take("bad", &[3]).unwrap_err().to_string(), "bad: value 2 is not finite");
    weights.insert("lie", WeightTensor { shape: vec![3], values: vec![0.0] });
    assert!(weights.take("lie", &[3]).is_err());
}

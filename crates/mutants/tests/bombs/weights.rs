//! Weight files whose headers lie about what follows.

use crate::{measured, refused};
use patchcore_backbone::weights::Weights;
use patchcore_testkit::safetensors::file as safetensors;
use std::fs;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The error of the bytes in memory, which is that of the same file.
fn error(bytes: &[u8], factor: u64) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.bin");
    fs::write(&path, bytes).unwrap();
    refused(bytes.len(), factor, || {
        let weights = Weights::read(&path)?;
        weights.names().try_for_each(|name| weights.tensor(name).map(drop))
    });
    refused(bytes.len(), factor, || Weights::from_bytes(bytes))
}

#[test]
fn bomb_35_a_header_is_no_longer_than_its_file() {
    for length in [u64::MAX, i64::MAX as u64, 1 << 40, 100_000_001, 1 << 20, 0] {
        let bytes = [&length.to_le_bytes()[..], b"{}", &[b' '; 200]].concat();
        error(&bytes, 8);
    }
}

#[test]
fn bomb_36_a_header_of_any_depth_is_bounded() {
    for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000), format!("{{\"a\":{}", "[".repeat(10_000))] {
        error(&safetensors(&text, &[]), 16);
    }
    // Many tensors without values are many names, and no more.
    let entry = |i: usize| format!("\"{i}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
    let many: Vec<String> = (0..100_000).map(entry).collect();
    let bytes = safetensors(&format!("{{{}}}", many.join(",")), &[]);
    let (_, held) = measured(|| Weights::from_bytes(&bytes).map(drop));
    assert!(held < 16 * bytes.len() as u64, "{held} bytes for {}", bytes.len());
}

#[test]
fn bomb_37_offsets_and_shapes_are_no_sizes() {
    let tensor = |shape: &str, from: u64, to: u64| {
        format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}}}")
    };
    for (shape, from, to) in [
        ("[1]", 0, u64::MAX),
        ("[4611686018427387904]", 0, 0),
        ("[4294967296,4294967296]", 0, 0),
        ("[4611686018427387905]", 0, 4),
        ("[1099511627776]", 0, 4 << 40),
        ("[1]", 4, 0),
        ("[1]", 4, 8),
    ] {
        error(&safetensors(&tensor(shape, from, to), &[0; 4]), 8);
    }
    let twice = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\
                 \"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}";
    error(&safetensors(twice, &[0; 12]), 8);
}

fn zip(entries: &[(&str, CompressionMethod, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, method, bytes) in entries {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(*method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn seed() -> Vec<u8> {
    let target = patchcore_mutants::targets().into_iter().find(|target| target.name == "torch_zip").unwrap();
    (target.seeds)().remove(0)
}

/// Every place where these bytes stand.
fn places(bytes: &[u8], what: &[u8]) -> Vec<usize> {
    (0..bytes.len()).filter(|&at| bytes[at..].starts_with(what)).collect()
}

#[test]
fn bomb_42_a_compressed_entry_is_not_unpacked() {
    // A stored entry that is called deflated, and says that it unpacks to 4 GB.
    let mut bytes = zip(&[("archive/data.pkl", CompressionMethod::Stored, &[0; 100])]);
    for (header, method, size) in [(&b"PK\x03\x04"[..], 8, 22), (b"PK\x01\x02", 10, 24)] {
        let at = places(&bytes, header)[0];
        bytes[at + method] = 8;
        bytes[at + size..at + size + 4].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
    }
    error(&bytes, 64);
}

#[test]
fn bomb_42_sizes_of_64_bits_are_no_more_believed() {
    let sound = seed();
    let tensors = |bytes: &[u8]| {
        let weights = Weights::from_bytes(bytes)?;
        weights.names().map(|name| weights.tensor(name)).collect::<Result<Vec<_>, _>>()
    };
    let expected = tensors(&sound).unwrap();
    let mut changed = 0;
    for value in [u32::MAX, u32::MAX - 1, 0x7fff_ffff] {
        for (header, fields) in [(&b"PK\x01\x02"[..], [20, 24, 42]), (b"PK\x05\x06", [8, 12, 16])] {
            for at in places(&sound, header) {
                for field in fields {
                    let mut bytes = sound.clone();
                    bytes[at + field..at + field + 4].copy_from_slice(&value.to_le_bytes());
                    let (result, held) = measured(|| tensors(&bytes));
                    assert!(held < 64 << 10, "{value:x} at {field}: {held} bytes");
                    // The reader may find its way without the number; then it finds the same.
                    if let Ok(tensors) = result {
                        assert_eq!(tensors, expected, "{value:x} at {field}");
                    }
                    changed += 1;
                }
            }
        }
    }
    assert_eq!(changed, 3 * (5 + 1) * 3);
}

#[test]
fn bomb_42_one_name_twice_is_refused() {
    let mut bytes = zip(&[
        ("archive/data.pkl", CompressionMethod::Stored, b"\x80\x02}."),
        ("archive/data.pkk", CompressionMethod::Stored, b"\x80\x02}."),
    ]);
    for at in places(&bytes, b"data.pkk") {
        bytes[at + 7] = b'l';
    }
    error(&bytes, 64);
}

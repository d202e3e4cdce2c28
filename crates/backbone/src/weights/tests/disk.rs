//! Files that are read by parts from disk.

use super::*;

#[test]
fn files_on_disk_and_bytes_in_memory_agree() {
    for bytes in [good_pth(), good_safetensors(), good_legacy()] {
        let (_folder, path) = on_disk(&bytes);
        let weights = Weights::read(&path).unwrap();
        assert!(weights.contains("fc.weight") && !weights.contains("n"));
        assert_eq!(weights.names().collect::<Vec<_>>(), ["fc.weight"]);
        assert_eq!(weights.take("fc.weight", &[2, 3]).unwrap().values, SIX);
        let memory = Weights::from_bytes(&bytes).unwrap();
        for (name, shape) in [("fc.weight", &[3, 2][..]), ("fc", &[]), ("n", &[])] {
            let errors = [&weights, &memory].map(|w| w.take(name, shape).unwrap_err().to_string());
            assert_eq!(errors[0], errors[1]);
            assert_eq!(weights.check(name, shape).unwrap_err().to_string(), errors[0]);
        }
    }
}

#[test]
fn case_47_every_truncation_on_disk_is_refused() {
    for whole in [good_pth(), good_safetensors(), good_legacy()] {
        let (_folder, path) = on_disk(&[]);
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let in_memory = Weights::from_bytes(&whole[..length]).unwrap_err();
            let on_disk = Weights::read(&path).unwrap_err();
            let WeightsError::InFile { source, .. } = on_disk else { panic!("{on_disk}") };
            assert_eq!(source.to_string(), in_memory.to_string(), "{length} of {} bytes", whole.len());
        }
    }
}

#[test]
fn no_changed_byte_on_disk_makes_a_reader_panic() {
    for whole in [good_pth(), good_safetensors(), good_legacy()] {
        let (_folder, path) = on_disk(&[]);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x81;
            std::fs::write(&path, &bytes).unwrap();
            let Ok(weights) = Weights::read(&path) else { continue };
            for name in weights.names() {
                let _ = weights.tensor(name);
            }
        }
    }
}

#[test]
fn case_48_a_file_that_changes_before_its_values_are_read_is_found() {
    for bytes in [good_pth(), good_safetensors(), good_legacy()] {
        let (_folder, path) = on_disk(&bytes);
        let weights = Weights::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let error = weights.take("fc.weight", &[2, 3]).unwrap_err();
        assert!(matches!(error, WeightsError::File(FileError::Changed { .. })), "{error}");
        assert_eq!(error.kind(), WeightsErrorKind::Io);

        std::fs::write(&path, &bytes).unwrap();
        let weights = Weights::read(&path).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        let error = weights.take("fc.weight", &[2, 3]).unwrap_err();
        assert!(matches!(error, WeightsError::File(FileError::Rewritten { .. })), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn case_48_a_new_file_under_the_old_name_changes_nothing() {
    for bytes in [good_pth(), good_safetensors(), good_legacy()] {
        let (folder, path) = on_disk(&bytes);
        let weights = Weights::read(&path).unwrap();
        let other = folder.path().join("other");
        std::fs::write(&other, vec![0; bytes.len()]).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!(weights.take("fc.weight", &[2, 3]).unwrap().values, SIX);
    }
}

/// On disk the checksum of an entry is looked at when its tensor is taken; the file and the entry are named.
#[test]
fn case_42_a_damaged_entry_is_found_when_it_is_read() {
    let pickle = state_dict(&[("w", MATRIX), ("v", Tensor { key: "1", ..MATRIX })]);
    let bytes = floats(&SIX);
    let damaged = Entry { crc: Some(1), ..entry("a/data/1", &bytes) };
    let (_folder, path) = on_disk(&zip(&[entry("a/data.pkl", &pickle), entry("a/data/0", &bytes), damaged]));
    let weights = Weights::read(&path).unwrap();
    assert_eq!(weights.tensor("w").unwrap().values, SIX);
    let error = weights.tensor("v").unwrap_err();
    assert_eq!(error.kind(), WeightsErrorKind::BadWeights);
    let WeightsError::InFile { path: named, source } = error else { panic!("{error}") };
    assert_eq!(named, path);
    assert_eq!(source.to_string(), "zip entry a/data/1: Invalid checksum");

    let damaged = Entry { crc: Some(1), ..entry("a/data.pkl", &pickle) };
    let (_folder, path) = on_disk(&zip(&[damaged, entry("a/data/0", &bytes)]));
    let error = std::error::Error::source(&Weights::read(&path).unwrap_err()).unwrap().to_string();
    assert_eq!(error, "zip entry a/data.pkl: Invalid checksum");
}

#[test]
fn views_of_one_storage_on_disk_are_read() {
    let turned = Tensor { shape: &[3, 2], strides: &[1, 3], ..MATRIX };
    let tail = Tensor { offset: 4, shape: &[2], strides: &[1], ..MATRIX };
    let (_folder, path) =
        on_disk(&pth(&state_dict(&[("turned", turned), ("tail", tail)]), &[("0", &floats(&SIX))]));
    let weights = Weights::read(&path).unwrap();
    assert_eq!(weights.tensor("turned").unwrap().values, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(weights.tensor("tail").unwrap().values, [5.0, 6.0]);
}

#[test]
fn a_long_beginning_of_an_old_file_is_read() {
    let name = "x".repeat(2 << 20);
    let (_folder, path) = on_disk(&legacy(&name));
    assert_eq!(Weights::read(&path).unwrap().tensor(&name).unwrap().values, SIX);
}

/// More than is read at a time, in every width.
#[test]
fn long_tensors_are_read_piece_by_piece() {
    const N: usize = 100_003;
    let number = |i: usize| (i % 2039) as f32 - 1000.0;
    let expected: Vec<f32> = (0..N).map(number).collect();
    for (dtype, width) in [("F16", 2), ("F32", 4), ("F64", 8)] {
        let data: Vec<u8> = expected
            .iter()
            .flat_map(|&v| match width {
                2 => half::f16::from_f32(v).to_le_bytes().to_vec(),
                4 => v.to_le_bytes().to_vec(),
                _ => f64::from(v).to_le_bytes().to_vec(),
            })
            .collect();
        let header =
            format!(r#"{{"w":{{"dtype":"{dtype}","shape":[{N}],"data_offsets":[0,{}]}}}}"#, data.len());
        let (_folder, path) = on_disk(&safetensors(&header, &data));
        assert!(Weights::read(&path).unwrap().take("w", &[N]).unwrap().values == expected, "{dtype}");
    }
}

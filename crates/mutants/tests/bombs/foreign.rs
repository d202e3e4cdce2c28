//! Saved models of other programs whose sizes wrap.

use crate::refused;
use patchcore_foreign::read_reference;
use std::fs;

#[test]
fn bomb_56_sizes_that_wrap_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let params = include_bytes!("../../seeds/params.pkl");
    fs::write(folder.path().join("patchcore_params.pkl"), params).unwrap();
    let index = folder.path().join("nnscorer_search_index.faiss");
    let target = patchcore_mutants::targets().into_iter().find(|target| target.name == "faiss").unwrap();
    let sound = (target.seeds)().remove(0);
    fs::write(&index, &sound).unwrap();
    assert!(read_reference(folder.path()).is_ok());
    let wrapping: [(i32, i64, u64); 8] = [
        (1 << 16, 1 << 48, 0),
        (1 << 30, 1 << 34, 0),
        (1 << 30, (1 << 34) + 1, 1 << 30),
        (4, 1 << 62, 0),
        (12, i64::MAX, 36),
        (i32::MAX, i64::MAX, u64::MAX),
        (-1, 3, 36),
        (12, -3, 36),
    ];
    for (d, n, count) in wrapping {
        let mut bytes = sound.clone();
        bytes[4..8].copy_from_slice(&d.to_le_bytes());
        bytes[8..16].copy_from_slice(&n.to_le_bytes());
        bytes[37..45].copy_from_slice(&count.to_le_bytes());
        fs::write(&index, &bytes).unwrap();
        let error = refused(bytes.len(), 8, || read_reference(folder.path()));
        assert!(error.contains("nnscorer_search_index.faiss"), "{error}");
    }
}

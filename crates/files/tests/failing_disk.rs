//! The disk itself, with calls that fail: what the simulated one says of the order holds there too.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_faults::inject;
use patchcore_files::{FileError, write_atomic};
use std::fs;

const STEPS: [&str; 6] =
    ["disk.create", "disk.write", "disk.flush", "disk.rename", "disk.flush_folder", "disk.remove"];

#[test]
fn case_64_a_step_that_fails_is_named_and_the_file_is_old_or_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    for (step, word) in STEPS.iter().zip(["beside it", "write it", "flush it", "its name", "its folder", ""])
    {
        for force in [true, false] {
            let _ = fs::remove_file(&path);
            let injected = inject(&format!("{step}=5"));
            if force {
                fs::write(&path, "old").unwrap();
            }
            let result = write_atomic(&path, b"new", force);
            // Nothing is removed where nothing failed.
            assert_eq!(injected.calls(step), u64::from(*step != "disk.remove"), "{step}");
            let found = fs::read_to_string(&path).unwrap_or_default();
            if let Err(error) = result {
                assert!(
                    error.to_string().contains(word) && error.to_string().contains("os error 5"),
                    "{error}"
                );
                let is_new = *step == "disk.flush_folder";
                assert_eq!(
                    found,
                    if is_new {
                        "new"
                    } else if force {
                        "old"
                    } else {
                        ""
                    },
                    "{step}"
                );
            } else {
                assert_eq!((*step, found.as_str()), ("disk.remove", "new"));
            }
            assert!(fs::read_dir(folder.path()).unwrap().count() <= 1, "{step} left something behind");
        }
    }
}

#[test]
fn case_63_a_full_disk_is_told_with_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    for number in [28, 122] {
        for step in ["disk.create", "disk.write", "disk.flush", "disk.rename"] {
            let _injected = inject(&format!("{step}={number}"));
            let error = write_atomic(&path, &vec![7; 2_345_678], true).unwrap_err();
            assert!(matches!(error, FileError::NoSpace { bytes: 2_345_678, .. }), "{error}");
            assert!(error.to_string().contains("part.patchcore: no space left: need ~2.4 MB"), "{error}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn case_64_short_and_interrupted_writes_are_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    let bytes: Vec<u8> = (0..1000u32).map(|i| (i % 251) as u8).collect();
    for plan in
        ["disk.write=short@1..", "disk.write=4@1", "disk.write=short@1; disk.write=4@2; disk.write=short@3"]
    {
        let _injected = inject(plan);
        write_atomic(&path, &bytes, true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes, "{plan}");
    }
    let injected = inject("disk.write=4@1..");
    assert!(
        write_atomic(&path, b"new", true).is_err(),
        "given up after {} calls",
        injected.calls("disk.write")
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    let _injected = inject("disk.write=panic");
    std::panic::catch_unwind(|| write_atomic(&path, b"new", true)).unwrap_err();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

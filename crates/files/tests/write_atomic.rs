//! Files are whole, and nobody's file is lost.

use patchcore_files::{FileError, write_atomic};
use std::error::Error;
use std::fs;
use std::path::Path;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn case_61_an_existing_file_is_kept_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    write_atomic(&path, b"first", false).unwrap();
    let error = write_atomic(&path, b"second", false).unwrap_err();
    assert!(matches!(error, FileError::Exists { .. }));
    assert_eq!(error.to_string(), format!("{}: exists already", path.display()));
    assert_eq!(fs::read(&path).unwrap(), b"first");
    write_atomic(&path, b"second", true).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(names(folder.path()), ["a.png"]);
}

#[test]
fn case_62_a_missing_folder_is_named_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/a.png");
    let error = write_atomic(&path, b"x", true).unwrap_err();
    assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
    assert!(error.source().is_some(), "the system's reason is kept");
}

#[test]
fn case_62_a_failed_write_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("taken");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), b"x").unwrap();
    assert!(matches!(write_atomic(&path, b"x", true), Err(FileError::Write { .. })));
    assert!(matches!(write_atomic(&path, b"x", false), Err(FileError::Exists { .. })));
    assert_eq!(names(folder.path()), ["taken"]);
}

#[cfg(unix)]
#[test]
fn others_may_read_what_the_umask_allows() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
    write_atomic(&ours, b"x", false).unwrap();
    fs::write(&plain, b"x").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&ours), mode(&plain));
}

//! The hash of a cached file, kept beside it in a line as `sha256sum` writes and checks it.

use crate::HubError;
use patchcore_files::{FileError, read_regular, write_atomic};
use std::path::{Path, PathBuf};

/// What a record's name ends in.
pub(crate) const ENDING: &str = ".sha256";

/// A record is shorter than this.
const MOST_BYTES: u64 = 4096;

/// The record of the file at `path`, if there is one.
pub(crate) fn read(path: &Path) -> Result<Option<String>, HubError> {
    let record = place(path);
    let bytes = match read_regular(&record, MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let text = String::from_utf8_lossy(&bytes);
    let digits = text.split_whitespace().next().unwrap_or_default();
    if digits.len() != 64 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(HubError::BadRecord { path: record });
    }
    Ok(Some(digits.to_ascii_lowercase()))
}

/// Records the hash of the file at `path`.
pub(crate) fn write(path: &Path, sha256: &str) -> Result<(), FileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    write_atomic(&place(path), format!("{sha256}  {name}\n").as_bytes(), true)
}

fn place(path: &Path) -> PathBuf {
    with_ending(path, ENDING)
}

/// The path with something behind its whole name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    name.into()
}

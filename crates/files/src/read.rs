//! The bytes of a regular file, read once.

use crate::FileError;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::Path;

/// All bytes of the regular file at `path`, from one descriptor; at most `allowed` of them.
///
/// The kind is looked at before opening, since opening a pipe would wait for a writer, and again on the open descriptor,
/// since the path may have changed hands in between.
///
/// # Errors
/// [`FileError::NotRegular`], [`FileError::TooLong`], [`FileError::Read`], or [`FileError::Changed`] if it grew or shrank
/// meanwhile.
pub fn read_regular(path: &Path, allowed: u64) -> Result<Vec<u8>, FileError> {
    let fail = |source| FileError::Read { path: path.into(), source };
    check_regular(path, &fs::metadata(path).map_err(fail)?)?;
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    check_regular(path, &metadata)?;
    let expected = metadata.len();
    if expected > allowed {
        return Err(FileError::TooLong { path: path.into(), bytes: expected, allowed });
    }
    let mut bytes = Vec::new();
    let room = usize::try_from(expected).unwrap_or(usize::MAX);
    bytes
        .try_reserve_exact(room)
        .map_err(|e| fail(std::io::Error::new(std::io::ErrorKind::OutOfMemory, e)))?;
    file.take(expected.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    let got = bytes.len() as u64;
    if got == expected { Ok(bytes) } else { Err(FileError::Changed { path: path.into(), expected, got }) }
}

fn check_regular(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() { "a folder" } else { "a pipe, socket or device" };
    Err(FileError::NotRegular { path: path.into(), found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_missing_file_are_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read_regular(folder.path(), 10), Err(FileError::NotRegular { .. })));
        let missing = folder.path().join("none");
        assert!(read_regular(&missing, 10).unwrap_err().is_missing());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_read() {
        assert!(matches!(read_regular(Path::new("/dev/zero"), 10), Err(FileError::NotRegular { .. })));
    }

    #[test]
    fn the_limit_holds_at_its_edge() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        fs::write(&path, [7; 10]).unwrap();
        assert_eq!(read_regular(&path, 10).unwrap(), [7; 10]);
        assert!(matches!(read_regular(&path, 9), Err(FileError::TooLong { bytes: 10, allowed: 9, .. })));
    }
}

//! The bytes of a regular file, read once.

use crate::{FileError, RegularFile};
use std::path::Path;

/// All bytes of the regular file at `path`, from one descriptor; at most `allowed` of them.
///
/// # Errors
/// [`FileError::NotRegular`], [`FileError::TooLong`], [`FileError::Read`], or [`FileError::Changed`] if it grew or shrank
/// meanwhile.
pub fn read_regular(path: &Path, allowed: u64) -> Result<Vec<u8>, FileError> {
    let file = RegularFile::open(path)?;
    if file.len() > allowed {
        return Err(FileError::TooLong { path: path.into(), bytes: file.len(), allowed });
    }
    file.read_whole()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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

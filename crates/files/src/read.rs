//! The bytes of a regular file, read once.

use crate::FileError;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// All bytes of the regular file at `path`, from one descriptor.
///
/// The kind is looked at before opening, since opening a pipe would wait for a writer, and again on the open
/// descriptor, since the path may have changed hands in between.
///
/// # Errors
/// [`FileError::NotRegular`], [`FileError::Read`], or [`FileError::Changed`] if it grew or shrank meanwhile.
pub fn read_regular(path: &Path) -> Result<Vec<u8>, FileError> {
    let fail = |source| FileError::Read { path: path.into(), source };
    let regular = |metadata: &fs::Metadata| {
        metadata.is_file().then_some(()).ok_or_else(|| FileError::NotRegular { path: path.into() })
    };
    regular(&fs::metadata(path).map_err(fail)?)?;
    let file = File::open(path).map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    regular(&metadata)?;
    let mut bytes = Vec::new();
    let room = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    bytes
        .try_reserve_exact(room)
        .map_err(|e| fail(std::io::Error::new(std::io::ErrorKind::OutOfMemory, e)))?;
    file.take(metadata.len().saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 != metadata.len() {
        return Err(FileError::Changed { path: path.into() });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_missing_file_are_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read_regular(folder.path()), Err(FileError::NotRegular { .. })));
        let missing = folder.path().join("none");
        assert!(read_regular(&missing).unwrap_err().is_missing());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_read() {
        assert!(matches!(read_regular(Path::new("/dev/zero")), Err(FileError::NotRegular { .. })));
    }
}

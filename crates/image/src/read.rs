//! A file's bytes, read once from one descriptor.

use crate::error::{DecodeError, Exceeded, ImageError};
use crate::limits::Limits;
use std::fs::{File, FileType, Metadata};
use std::io::Read;
use std::path::Path;

/// All bytes of the regular file at `path`.
///
/// The kind is looked at twice: before opening, since opening a pipe would wait for a writer, and on the open
/// descriptor, since the path may have changed hands in between.
pub(crate) fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, ImageError> {
    let io = |fault| ImageError::Io { path: path.to_path_buf(), fault };
    check_regular(path, &std::fs::metadata(path).map_err(io)?)?;
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    check_regular(path, &metadata)?;
    check_length(path, metadata.len(), limits)?;

    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(limits.max_file_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    check_length(path, bytes.len() as u64, limits)?;
    if bytes.len() as u64 != metadata.len() {
        return Err(ImageError::Changed {
            path: path.to_path_buf(),
            expected: metadata.len(),
            got: bytes.len() as u64,
        });
    }
    Ok(bytes)
}

fn check_regular(path: &Path, metadata: &Metadata) -> Result<(), ImageError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(ImageError::NotAFile { path: path.to_path_buf(), found: name(metadata.file_type()) })
}

fn check_length(path: &Path, bytes: u64, limits: &Limits) -> Result<(), ImageError> {
    if bytes <= limits.max_file_bytes {
        return Ok(());
    }
    let fault = DecodeError::Limit(Exceeded::FileBytes { bytes, allowed: limits.max_file_bytes });
    Err(ImageError::Decode { path: path.to_path_buf(), fault })
}

fn name(file_type: FileType) -> &'static str {
    if file_type.is_dir() { "a folder" } else { "a pipe, socket or device" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn folders_and_missing_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = read(dir.path(), &Limits::default()).unwrap_err();
        assert!(error.to_string().ends_with(": not a regular file but a folder"), "{error}");
        let error = read(&dir.path().join("none.png"), &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
    }

    #[test]
    fn the_file_limit_holds_at_its_edge() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.bin");
        std::fs::write(&path, [7; 10]).unwrap();
        let limits = |max_file_bytes| Limits { max_file_bytes, ..Limits::default() };
        assert_eq!(read(&path, &limits(10)).unwrap(), [7; 10]);
        assert_eq!(read(&path, &limits(9)).unwrap_err().kind(), ErrorKind::Limit);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_refused_without_reading() {
        let error = read(Path::new("/dev/zero"), &Limits::default()).unwrap_err();
        assert!(matches!(error, ImageError::NotAFile { .. }), "{error}");
    }
}

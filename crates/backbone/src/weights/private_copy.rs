//! Reads a regular file into memory once, from one descriptor.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::WeightsError;

/// The bytes of the file; a pipe or a device is refused before it is opened, because opening may block.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let io = |source| WeightsError::Io { path: path.to_path_buf(), source };
    let not_a_file = || WeightsError::NotAFile { path: path.to_path_buf() };
    if !fs::metadata(path).map_err(io)?.is_file() {
        return Err(not_a_file());
    }
    let mut file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(not_a_file());
    }
    let n_bytes = metadata.len();
    let mut bytes = Vec::new();
    let room = usize::try_from(n_bytes).unwrap_or(usize::MAX);
    bytes
        .try_reserve_exact(room)
        .map_err(|error| io(std::io::Error::new(std::io::ErrorKind::OutOfMemory, error)))?;
    file.by_ref().take(n_bytes).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 != n_bytes {
        let source =
            std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the file shrank while it was read");
        return Err(io(source));
    }
    Ok(bytes)
}

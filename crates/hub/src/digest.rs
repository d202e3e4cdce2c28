//! SHA-256 of files, as hexadecimal digits.

use crate::{HubError, Pretrained};
use patchcore_files::{FileError, RegularFile};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::Path;

/// Bytes that are read at a time.
pub(crate) const CHUNK: usize = 1 << 18;

/// The SHA-256 of a file: 64 lower-case digits.
pub(crate) fn of_file(path: &Path) -> Result<String, FileError> {
    let file = RegularFile::open(path)?;
    let mut hash = Sha256::new();
    by_chunks(&file, |bytes| {
        hash.update(bytes);
        Ok(())
    })?;
    let mut digits = String::new();
    for byte in hash.finalize() {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    Ok(digits)
}

/// Gives all bytes of a file, a few at a time.
pub(crate) fn by_chunks(
    file: &RegularFile,
    mut each: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let mut chunk = vec![0; CHUNK];
    let mut at = 0;
    while at < file.len() {
        let len = (file.len() - at).min(CHUNK as u64) as usize;
        let Some(part) = chunk.get_mut(..len) else { break };
        file.read_at(at, part)?;
        each(part)?;
        at += len as u64;
    }
    Ok(())
}

/// Whether the hash is the recorded one, and one that the table vouches for; `file` is what an error names.
pub(crate) fn check(
    weights: &Pretrained,
    recorded: Option<&str>,
    got: &str,
    file: String,
) -> Result<(), HubError> {
    let expected = match recorded {
        Some(record) if record != got => record.to_string(),
        _ if !got.starts_with(weights.sha256_start) => format!("{}...", weights.sha256_start),
        _ => return Ok(()),
    };
    Err(HubError::WrongHash { file, expected, got: got.to_string(), looks: None })
}

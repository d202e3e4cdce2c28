//! A file that is there whole or not at all.

use crate::storage::{Disk, Storage};
use crate::{FileError, leftovers};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Names that are tried for a temporary file.
const MOST_NAMES: usize = 100;
/// A write that signals interrupt so often without a byte in between is given up.
const MOST_INTERRUPTIONS: usize = 100;

/// Writes `bytes` to `path` so that no reader ever sees half a file, not even after a crash or a power cut.
///
/// The bytes go to a temporary file in the same folder, are flushed to disk, and only then take the name; then the folder
/// is flushed. A file of that name is refused unless `force`, which replaces it (a symbolic link itself, not what it
/// points to). The folder must exist. What a process that was killed left in it is removed.
///
/// ```
/// # use patchcore_files::{FileError, write_atomic};
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let path = folder.path().join("results.csv");
/// write_atomic(&path, b"first", false)?;
/// assert!(matches!(write_atomic(&path, b"second", false), Err(FileError::Exists { .. })));
/// write_atomic(&path, b"second", true)?;
/// assert_eq!(std::fs::read(&path).expect("readable"), b"second");
/// # Ok::<(), FileError>(())
/// ```
///
/// # Errors
/// [`FileError::Exists`] if the file is there and `force` is false; [`FileError::NoSpace`] if the disk is full;
/// [`FileError::Write`] with the step and the system's reason for all else. No temporary file is left behind. If only the
/// folder could not be flushed, the new file is there, and a power cut may bring the old one back.
pub fn write_atomic(path: &Path, bytes: &[u8], force: bool) -> Result<(), FileError> {
    leftovers::sweep(folder_of(path));
    write(&Disk, path, bytes, force)
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// [`write_atomic`] on any storage.
pub(crate) fn write<S: Storage>(
    storage: &S,
    path: &Path,
    bytes: &[u8],
    force: bool,
) -> Result<(), FileError> {
    let fail = |step| {
        move |source: io::Error| match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                FileError::NoSpace { path: path.into(), bytes: bytes.len() as u64, source }
            }
            _ => FileError::Write { path: path.into(), step, source },
        }
    };
    let folder = folder_of(path);
    let (mut file, temporary) = create(storage, folder).map_err(fail("make a temporary file beside it"))?;
    fill(storage, &mut file, bytes).map_err(fail("write it"))?;
    // Never tried twice: after a failure the system may have dropped the bytes, and would say yes.
    storage.flush(&file).map_err(fail("flush it to disk"))?;
    temporary.rename(path, force).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists if !force => FileError::Exists { path: path.into() },
        _ => fail("give it its name")(error),
    })?;
    storage.flush_folder(folder).map_err(fail("flush its folder to disk"))
}

/// Makes a temporary file.
fn create<'a, S: Storage>(storage: &'a S, folder: &Path) -> io::Result<(S::File, Temporary<'a, S>)> {
    let mut refused = ErrorKind::AlreadyExists.into();
    for _ in 0..MOST_NAMES {
        let path = folder.join(leftovers::temporary_name());
        match storage.create(&path) {
            Ok(file) => return Ok((file, Temporary { storage, path, named: false })),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => refused = error,
            Err(error) => return Err(error),
        }
    }
    Err(refused)
}

/// Writes all bytes.
fn fill<S: Storage>(storage: &S, file: &mut S::File, bytes: &[u8]) -> io::Result<()> {
    let (mut rest, mut interruptions) = (bytes, 0);
    while !rest.is_empty() {
        match storage.write(file, rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => (rest, interruptions) = (&rest[n..], 0),
            Err(error) if error.kind() == ErrorKind::Interrupted && interruptions < MOST_INTERRUPTIONS => {
                interruptions += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A file that goes away unless it gets its name.
struct Temporary<'a, S: Storage> {
    storage: &'a S,
    path: PathBuf,
    named: bool,
}

impl<S: Storage> Temporary<'_, S> {
    fn rename(mut self, to: &Path, force: bool) -> io::Result<()> {
        if force {
            self.storage.rename(&self.path, to)?;
        } else {
            self.storage.rename_to_new(&self.path, to)?;
        }
        self.named = true;
        Ok(())
    }
}

impl<S: Storage> Drop for Temporary<'_, S> {
    fn drop(&mut self) {
        if !self.named {
            // The error that led here says more than one about this would.
            let _ = self.storage.remove(&self.path);
        }
    }
}

/// Refuses a folder that exists and into which no file can be written, by trying it.
///
/// # Errors
/// [`FileError::Write`] with the system's reason.
pub fn check_folder(folder: &Path) -> Result<(), FileError> {
    leftovers::sweep(folder);
    create(&Disk, folder).map(|_| ()).map_err(|source| FileError::Write {
        path: folder.into(),
        step: "write into it",
        source,
    })
}

#[cfg(test)]
mod tests;

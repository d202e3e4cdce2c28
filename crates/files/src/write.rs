//! A file that is there whole or not at all.

use crate::FileError;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::NamedTempFile;

/// The temporary files that exist now.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes `bytes` to `path` so that no reader ever sees half a file, not even after a crash.
///
/// The bytes go to a temporary file in the same folder, are flushed to disk, and only then take the name. A file of
/// that name is refused unless `force`, which replaces it (a symbolic link itself, not what it points to). The folder
/// must exist.
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
/// [`FileError::Exists`] if the file is there and `force` is false; [`FileError::Write`] with the step and the system's
/// reason for all else. No temporary file is left behind.
pub fn write_atomic(path: &Path, bytes: &[u8], force: bool) -> Result<(), FileError> {
    let fail = |step| move |source| FileError::Write { step, path: path.into(), source };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = {
        // Whoever abandons them finds every file that exists.
        let mut all = unfinished();
        let file = temporary_file(folder).map_err(fail("make a temporary file beside it"))?;
        all.push(file.path().to_path_buf());
        file
    };
    let temporary = file.path().to_path_buf();
    let filled = file.write_all(bytes).map_err(fail("write it"));
    let filled = filled.and_then(|()| file.as_file().sync_all().map_err(fail("flush it to disk")));
    let named = filled.and_then(|()| {
        let renamed = if force { file.persist(path) } else { file.persist_noclobber(path) };
        renamed.map_err(|e| match e.error.kind() {
            ErrorKind::AlreadyExists if !force => FileError::Exists { path: path.into() },
            _ => fail("give it its name")(e.error),
        })
    });
    unfinished().retain(|path| *path != temporary);
    named?;
    sync_folder(folder).map_err(fail("flush its folder to disk"))
}

/// Removes what [`write_atomic`] has not finished, and lets it begin nothing more: for a process that is about to end.
///
/// A file that has its name already stays.
pub fn abandon_unfinished() {
    let all = unfinished();
    for path in &*all {
        // It may have its name by now, and nobody is left to hear of anything else.
        let _ = std::fs::remove_file(path);
    }
    std::mem::forget(all);
}

/// A temporary file with the rights of an ordinary new file: the umask decides.
#[cfg(unix)]
fn temporary_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let rights = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(".partial-").permissions(rights).tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".partial-").tempfile_in(folder)
}

/// Makes the new name itself survive a power cut; only Unix lets a folder be opened for that.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

//! A file that is there whole or not at all.

use crate::ReportError;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes `bytes` to `path` so that no reader ever sees half a file, not even after a crash.
///
/// The bytes go to a temporary file in the same folder, are flushed to disk, and only then take the name. A file of that
/// name is refused unless `force`, which replaces it (a symbolic link itself, not what it points to).
/// The folder must exist.
///
/// # Errors
///
/// [`ReportError::Exists`] if the file is there and `force` is false; [`ReportError::Write`] with the step, the path and
/// the system's reason for all else. No temporary file is left behind.
///
/// # Examples
///
/// ```
/// # use patchcore_report::{ReportError, write_atomic};
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// let path = folder.path().join("results.csv");
/// write_atomic(&path, b"first", false)?;
/// assert!(matches!(write_atomic(&path, b"second", false), Err(ReportError::Exists { .. })));
/// write_atomic(&path, b"second", true)?;
/// assert_eq!(std::fs::read(&path).expect("readable"), b"second");
/// # Ok::<(), ReportError>(())
/// ```
pub fn write_atomic(path: &Path, bytes: &[u8], force: bool) -> Result<(), ReportError> {
    let fail = |step| move |source| ReportError::Write { step, path: path.to_path_buf(), source };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };

    let mut file = temporary_file(folder).map_err(fail("make a temporary file beside the file"))?;
    file.write_all(bytes).map_err(fail("write the file"))?;
    file.as_file().sync_all().map_err(fail("flush the file to disk"))?;
    // Refused by the system in one step with the rename: no other writer can slip in between.
    let renamed = if force { file.persist(path) } else { file.persist_noclobber(path) };
    match renamed {
        Ok(_) => {}
        Err(e) if !force && e.error.kind() == ErrorKind::AlreadyExists => {
            return Err(ReportError::Exists { path: path.to_path_buf() });
        }
        Err(e) => return Err(fail("give the file its name")(e.error)),
    }
    sync_folder(folder).map_err(fail("flush the folder of the file to disk"))
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

//! The right to write a file, which no two programs have at once.

use crate::regular::check_regular;
use crate::storage::{Hold, hold};
use crate::write::folder_of;
use crate::{FileError, leftovers, unfinished};
use patchcore_faults as faults;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// How often a lock is tried: whoever clears leftovers away has it for a moment.
const TRIES: usize = 100;
/// A number of a process is shorter.
const MOST_DIGITS: u64 = 10;

/// The right to write the file at `path` while the work for it goes on.
///
/// A locked file beside it marks the right and names the process. It goes away with the claim; after a kill it stays, but
/// its lock does not, so that it hinders nobody.
///
/// ```
/// # use patchcore_files::{Claim, FileError};
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("part.patchcore");
/// let claim = Claim::of(&path)?;
/// let own = std::process::id();
/// assert!(matches!(Claim::of(&path), Err(FileError::InUse { pid: Some(pid), .. }) if pid == own));
/// drop(claim);
/// Claim::of(&path)?;
/// # assert!(std::fs::read_dir(folder.path()).expect("a folder").next().is_none());
/// # Ok::<(), FileError>(())
/// ```
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    mark: PathBuf,
    /// The mark, locked until it is closed.
    file: File,
}

impl Claim {
    /// Claims the file at `path`, which need not exist, and shows thereby that files can be made in its folder.
    ///
    /// # Errors
    /// [`FileError::InUse`] if another process, or this one, has claimed it; [`FileError::NotRegular`] if a folder or a
    /// device stands there; [`FileError::Write`] if its folder takes no file.
    pub fn of(path: &Path) -> Result<Self, FileError> {
        let fail = |source| FileError::Write { path: path.into(), step: "make a file beside it", source };
        check_absent_or_regular(path, fail)?;
        let folder = folder_of(path);
        leftovers::sweep(folder);
        let mark = folder.join(leftovers::claim_name(path.file_name().unwrap_or_default()));
        faults::io("disk.claim").map_err(fail)?;
        for _ in 0..TRIES {
            let mut all = unfinished::all();
            let file = open(&mark).map_err(fail)?;
            match hold(&file, &mark) {
                Hold::Ours | Hold::NoLocks => {
                    all.push(mark.clone());
                    drop(all);
                    let claim = Self { path: path.into(), mark, file };
                    claim.sign().map_err(fail)?;
                    return Ok(claim);
                }
                Hold::Busy | Hold::Gone => {
                    drop(all);
                    std::thread::yield_now();
                }
            }
        }
        Err(FileError::InUse { path: path.into(), pid: pid(&mark) })
    }

    /// Writes into the mark whose it is.
    fn sign(&self) -> io::Result<()> {
        self.file.set_len(0)?;
        (&self.file).write_all(std::process::id().to_string().as_bytes())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a file that is there already, unless `force`.
    ///
    /// # Errors
    /// [`FileError::Exists`].
    pub fn check_new(&self, force: bool) -> Result<(), FileError> {
        if !force && self.path.symlink_metadata().is_ok() {
            return Err(FileError::Exists { path: self.path.clone() });
        }
        Ok(())
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While it is still locked; what cannot be removed hinders nobody.
        let _ = fs::remove_file(&self.mark);
        unfinished::forget(&self.mark);
    }
}

/// Refuses what only looks as if a file could take its place: a folder, a device, a name that the system does not take.
fn check_absent_or_regular(path: &Path, fail: impl Fn(io::Error) -> FileError) -> Result<(), FileError> {
    if path.to_string_lossy().ends_with(std::path::is_separator) {
        return Err(FileError::NotRegular { path: path.into(), found: "a folder" });
    }
    match fs::metadata(path) {
        Ok(metadata) => check_regular(path, &metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(fail(error)),
    }
}

/// Opens a mark, and makes it if need be. A link would lead to a file of someone else's choice.
fn open(mark: &Path) -> io::Result<File> {
    if mark.is_symlink() {
        return Err(io::Error::other("a link stands in place of its lock"));
    }
    File::options().read(true).write(true).create(true).truncate(false).open(mark)
}

/// Who has a claim, as far as that can be read.
fn pid(mark: &Path) -> Option<u32> {
    let mut text = String::new();
    File::open(mark).ok()?.take(MOST_DIGITS).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

//! The steps of which a write consists, and the disk that takes them.

use crate::unfinished;
use patchcore_faults as faults;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use tempfile::TempPath;

/// Something that takes the steps of a write: the disk, and in tests a simulated one.
pub(crate) trait Storage {
    /// A new file that is being filled.
    type File;

    /// Makes a new, empty file of this name; [`ErrorKind::AlreadyExists`] if the name is taken.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Adds bytes at the end of the file: so many as it says.
    fn write(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<usize>;
    /// Brings the bytes of the file to where a power cut does not reach them.
    fn flush(&self, file: &Self::File) -> io::Result<()>;
    /// Gives a file another name, at once, and takes that name from whatever had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// As [`rename`](Self::rename), but [`ErrorKind::AlreadyExists`] if the name is taken.
    fn rename_to_new(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Brings the names in a folder to where a power cut does not reach them.
    fn flush_folder(&self, folder: &Path) -> io::Result<()>;
    /// Takes a file away.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The disk. Files that it makes stay locked while they are open, which tells others that their writer lives.
pub(crate) struct Disk;

impl Storage for Disk {
    type File = File;

    fn create(&self, path: &Path) -> io::Result<File> {
        faults::io("disk.create")?;
        // Whoever abandons what is unfinished finds every file that exists.
        let mut all = unfinished::all();
        let file = File::options().write(true).create_new(true).open(path)?;
        match hold(&file, path) {
            Hold::Ours | Hold::NoLocks => {
                all.push(path.to_path_buf());
                Ok(file)
            }
            // Someone took it for the leftover of a dead process before it was locked.
            Hold::Busy | Hold::Gone => Err(ErrorKind::AlreadyExists.into()),
        }
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        match faults::at("disk.write") {
            None => file.write(bytes),
            Some(faults::Fault::Short) => file.write(&bytes[..bytes.len().div_ceil(2)]),
            Some(fault) => Err(fault.into()),
        }
    }

    fn flush(&self, file: &File) -> io::Result<()> {
        faults::io("disk.flush")?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        faults::io("disk.rename")?;
        fs::rename(from, to)?;
        unfinished::forget(from);
        Ok(())
    }

    fn rename_to_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        faults::io("disk.rename")?;
        TempPath::try_from_path(from)?.persist_noclobber(to).map_err(|failed| {
            // Else it would be removed here and now.
            let _ = failed.path.keep();
            failed.error
        })?;
        unfinished::forget(from);
        Ok(())
    }

    fn flush_folder(&self, folder: &Path) -> io::Result<()> {
        faults::io("disk.flush_folder")?;
        // Only Unix lets a folder be opened for that, and some file systems there have no such thing.
        if cfg!(not(unix)) {
            return Ok(());
        }
        match File::open(folder)?.sync_all() {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            done => done,
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        faults::io("disk.remove")?;
        fs::remove_file(path)?;
        unfinished::forget(path);
        Ok(())
    }
}

/// Whose a file is.
pub(crate) enum Hold {
    /// Locked by this handle until it is closed.
    Ours,
    /// Locked by someone else.
    Busy,
    /// The name does not lead to it: whoever had it before took the name away, or a link stands there.
    Gone,
    /// The file system knows no locks.
    NoLocks,
}

/// Locks the open `file`, which was found at `path`.
pub(crate) fn hold(file: &File, path: &Path) -> Hold {
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Hold::Busy,
        _ if !is_at(file, path) => Hold::Gone,
        Err(fs::TryLockError::Error(_)) => Hold::NoLocks,
        Ok(()) => Hold::Ours,
    }
}

/// Whether `path` leads to the open `file`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: io::Result<fs::Metadata>| metadata.ok().map(|m| (m.dev(), m.ino()));
    let own = identity(file.metadata());
    own.is_some() && own == identity(fs::symlink_metadata(path))
}

#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_by_one_and_only_while_its_name_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let open = || File::options().write(true).create(true).truncate(false).open(&path).unwrap();
        let (first, second) = (open(), open());
        assert!(matches!(hold(&first, &path), Hold::Ours));
        assert!(matches!(hold(&second, &path), Hold::Busy));
        fs::remove_file(&path).unwrap();
        drop(first);
        assert!(matches!(hold(&second, &path), Hold::Gone));
        let third = open();
        assert!(cfg!(not(unix)) || matches!(hold(&second, &path), Hold::Gone));
        assert!(matches!(hold(&third, &path), Hold::Ours));
    }
}

//! A file on its way into the cache: locked, resumable, and named only when its hash is right.

use crate::looks::looks;
use crate::record::{self, with_ending};
use crate::{Cache, HubError, Pretrained, digest};
use patchcore_files::{FileError, read_regular, write_atomic};
use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub(crate) const ENDING: &str = ".part";
pub(crate) const ORIGIN_ENDING: &str = ".part.from";
pub(crate) const LOCK_ENDING: &str = ".lock";

/// An address and a mark of the server's are shorter than this.
const MOST_ORIGIN_BYTES: u64 = 1 << 16;

/// Who wants to know how far a fetch is.
pub trait Watch {
    /// Another program is bringing the same file; this one waits for it.
    fn waits(&self) {}
    /// So many bytes of so many have come.
    fn at(&self, _done: u64, _total: Option<u64>) {}
}

/// Nobody.
impl Watch for () {}

/// A file that lies in the cache under its name now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
    /// Whether it was there before.
    pub already: bool,
    /// Whether its hash was recorded now for the first time.
    pub first: bool,
}

/// The right to put one file into the cache; no two programs have it at once.
pub(crate) struct Turn {
    path: PathBuf,
    /// Locked until it is closed. The file stays: who removes it takes the lock from under another's feet.
    _lock: File,
}

impl Turn {
    /// Makes the cache's folder and waits for the right.
    pub(crate) fn take(cache: &Cache, weights: &Pretrained, watch: &dyn Watch) -> Result<Self, HubError> {
        let folder = cache.folder();
        fs::create_dir_all(folder).map_err(write_error(folder, "make the folder"))?;
        let path = cache.path(weights);
        let lock_path = with_ending(&path, LOCK_ENDING);
        let fail = write_error(&lock_path, "lock it");
        let lock = open(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                watch.waits();
                lock.lock().map_err(fail)?;
            }
            Err(TryLockError::Error(error)) => return Err(fail(error).into()),
        }
        Ok(Self { path, _lock: lock })
    }

    /// What is there already, if it is right.
    pub(crate) fn stored(&self, weights: &Pretrained) -> Result<Option<Stored>, HubError> {
        if !self.path.is_file() {
            return Ok(None);
        }
        let sha256 = digest::of_file(&self.path)?;
        let recorded = record::read(&self.path)?;
        if digest::check(weights, recorded.as_deref(), &sha256, String::new()).is_err() {
            return Ok(None);
        }
        if recorded.is_none() {
            record::write(&self.path, &sha256)?;
        }
        let path = self.path.clone();
        let bytes =
            fs::metadata(&path).map_err(|source| FileError::Read { path: path.clone(), source })?.len();
        Ok(Some(Stored { path, sha256, bytes, already: true, first: recorded.is_none() }))
    }

    /// The unfinished file, with what an earlier fetch from `url` left of it.
    pub(crate) fn part(self, url: &str) -> Result<Part, HubError> {
        let path = with_ending(&self.path, ENDING);
        let mut file = open(&path)?;
        let fail = write_error(&path, "look at it");
        let len = file.seek(SeekFrom::End(0)).map_err(fail)?;
        let mut part = Part { turn: self, path, file, len, url: url.to_string(), mark: None };
        part.mark = part.left_mark();
        Ok(part)
    }
}

/// A file that is being written. What an error leaves of it stays for the next fetch, if the server gave a mark by which
/// it tells whether its own file is still the same.
pub(crate) struct Part {
    turn: Turn,
    path: PathBuf,
    file: File,
    len: u64,
    url: String,
    mark: Option<String>,
}

impl Part {
    /// The bytes that are there.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The server's mark of the file that these bytes are the beginning of.
    #[cfg(feature = "fetch")]
    pub(crate) fn mark(&self) -> Option<&str> {
        self.mark.as_deref()
    }

    /// The bytes that a later fetch can go on from.
    #[cfg(feature = "fetch")]
    pub(crate) fn kept(&self) -> u64 {
        self.mark.as_ref().map_or(0, |_| self.len)
    }

    /// Forgets all bytes; those that come now belong to the file with this mark.
    pub(crate) fn begin(&mut self, mark: Option<&str>) -> Result<(), HubError> {
        let fail = write_error(&self.path, "empty it");
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(fail)?;
        self.len = 0;
        self.mark = mark.map(str::to_string);
        let origin = with_ending(&self.turn.path, ORIGIN_ENDING);
        match mark {
            Some(mark) => Ok(write_atomic(&origin, format!("{}\n{mark}\n", self.url).as_bytes(), true)?),
            None => Ok(remove(&origin)?),
        }
    }

    /// Adds bytes at the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.file.write_all(bytes).map_err(write_error(&self.path, "write it"))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Removes what has come.
    pub(crate) fn discard(&mut self) -> Result<(), FileError> {
        remove(&self.path)?;
        remove(&with_ending(&self.turn.path, ORIGIN_ENDING))
    }

    /// Checks the hash, flushes the file to disk and gives it its name; a wrong file is an error that names `from`, and
    /// is left as it is.
    pub(crate) fn finish(&mut self, weights: &Pretrained, from: &str) -> Result<Stored, HubError> {
        let path = self.turn.path.clone();
        let sha256 = digest::of_file(&self.path)?;
        let recorded = record::read(&path)?;
        digest::check(weights, recorded.as_deref(), &sha256, from.to_string())
            .map_err(|error| self.looked_at(error))?;
        self.file.sync_all().map_err(write_error(&self.path, "flush it to disk"))?;
        fs::rename(&self.path, &path).map_err(write_error(&path, "give it its name"))?;
        remove(&with_ending(&path, ORIGIN_ENDING))?;
        // This flushes the folder too.
        record::write(&path, &sha256)?;
        Ok(Stored { path, sha256, bytes: self.len, already: false, first: recorded.is_none() })
    }

    /// A wrong hash alone does not say that a proxy asked for a password.
    fn looked_at(&self, error: HubError) -> HubError {
        let HubError::WrongHash { file, expected, got, .. } = error else { return error };
        let looks = looks(&self.path);
        HubError::WrongHash { file, expected, got, looks }
    }

    /// The mark that an earlier fetch from the same address left.
    fn left_mark(&self) -> Option<String> {
        let bytes = read_regular(&with_ending(&self.turn.path, ORIGIN_ENDING), MOST_ORIGIN_BYTES).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut lines = text.lines();
        let same = lines.next() == Some(&self.url);
        lines.next().filter(|mark| same && !mark.is_empty()).map(str::to_string)
    }
}

/// Opens a file for reading and writing, and makes it if need be.
fn open(path: &Path) -> Result<File, FileError> {
    let fail = |source| FileError::Write { path: path.into(), step: "open it", source };
    let file =
        File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_file() {
        return Ok(file);
    }
    Err(FileError::NotRegular { path: path.into(), found: "a pipe, socket or device" })
}

fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(path, "remove it")(error)),
        _ => Ok(()),
    }
}

fn write_error(path: &Path, step: &'static str) -> impl Fn(io::Error) -> FileError + use<> {
    let path = path.to_path_buf();
    move |source| FileError::Write { path: path.clone(), step, source }
}

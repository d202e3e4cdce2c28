//! A regular file that stays open and is read by parts.

use crate::FileError;
use patchcore_kernels::memory::may_fail;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// An open regular file of a fixed length, whose bytes are read where they are needed, by several threads if need be.
///
/// Whoever takes the file's name away changes nothing here: the open file stays. Whoever writes into it is found out at
/// the next read, by its length or by the time of its last change.
///
/// ```
/// # use patchcore_files::{FileError, RegularFile};
/// # let folder = tempfile::tempdir().expect("a temporary folder");
/// # let path = folder.path().join("a.bin");
/// std::fs::write(&path, b"header, values").expect("writable");
/// let file = RegularFile::open(&path)?;
/// assert_eq!(file.len(), 14);
/// assert_eq!(file.read_range(8, 6)?, b"values");
///
/// std::fs::write(&path, b"header").expect("writable");
/// assert!(matches!(file.read_range(8, 6), Err(FileError::Changed { expected: 14, .. })));
/// # Ok::<(), FileError>(())
/// ```
#[derive(Debug)]
pub struct RegularFile {
    path: PathBuf,
    file: File,
    len: u64,
    /// The time of the last change, on systems that know it.
    modified: Option<SystemTime>,
    /// Elsewhere a read moves the one position of the file.
    #[cfg(not(unix))]
    turn: std::sync::Mutex<()>,
}

#[expect(clippy::len_without_is_empty, reason = "an empty file is nothing special")]
impl RegularFile {
    /// Opens the regular file at `path`.
    ///
    /// The kind is looked at before opening, since opening a pipe would wait for a writer, and again on the open
    /// descriptor, since the path may have changed hands in between.
    ///
    /// # Errors
    /// [`FileError::NotRegular`] or [`FileError::Read`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let fail = |source| FileError::Read { path: path.into(), source };
        check_regular(path, &fs::metadata(path).map_err(fail)?)?;
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        check_regular(path, &metadata)?;
        Ok(Self {
            path: path.into(),
            file,
            len: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(not(unix))]
            turn: std::sync::Mutex::new(()),
        })
    }

    /// Where the file was found.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes when it was opened.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Fills `to` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`FileError::Read`], also if the range does not lie in the file; [`FileError::Changed`] or
    /// [`FileError::Rewritten`] if the file is no longer the one that was opened.
    pub fn read_at(&self, offset: u64, to: &mut [u8]) -> Result<(), FileError> {
        let now = self.fill(offset, to)?;
        if now.modified().ok() == self.modified {
            return Ok(());
        }
        Err(FileError::Rewritten { path: self.path.clone() })
    }

    /// The `len` bytes from `offset` on.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at); [`FileError::Read`] if there is no memory for them.
    pub fn read_range(&self, offset: u64, len: u64) -> Result<Vec<u8>, FileError> {
        let mut bytes = self.room(offset, len)?;
        self.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// All bytes, of one state of the file.
    ///
    /// # Errors
    /// As [`read_range`](Self::read_range).
    pub fn read_whole(&self) -> Result<Vec<u8>, FileError> {
        let mut bytes = self.room(0, self.len)?;
        let now = self.fill(0, &mut bytes)?;
        self.confirm(&bytes, &now)?;
        Ok(bytes)
    }

    /// Reads the file again if the time of its last change is another now: some file systems set the time of a fresh file
    /// after its writer is done, so that alone tells nothing.
    fn confirm(&self, bytes: &[u8], now: &Metadata) -> Result<(), FileError> {
        if now.modified().ok() == self.modified {
            return Ok(());
        }
        let mut again = self.room(0, self.len)?;
        self.fill(0, &mut again)?;
        if again == bytes { Ok(()) } else { Err(FileError::Rewritten { path: self.path.clone() }) }
    }

    /// Zeros for the bytes of a range.
    fn room(&self, offset: u64, len: u64) -> Result<Vec<u8>, FileError> {
        self.end(offset, len)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let room = may_fail(|| bytes.try_reserve_exact(len));
        room.map_err(|e| self.fail(io::Error::new(ErrorKind::OutOfMemory, e)))?;
        bytes.resize(len, 0);
        Ok(bytes)
    }

    /// Fills `to`, and says how the file looks afterwards, if its length is still the same.
    fn fill(&self, offset: u64, to: &mut [u8]) -> Result<Metadata, FileError> {
        let end = self.end(offset, to.len() as u64)?;
        let mut rest = to;
        while !rest.is_empty() {
            match self.read_some(end - rest.len() as u64, rest) {
                Ok(0) => break,
                Ok(n) => rest = &mut rest[n..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fail(error)),
            }
        }
        let now = self.file.metadata().map_err(|e| self.fail(e))?;
        if rest.is_empty() && now.len() == self.len {
            return Ok(now);
        }
        let got = if now.len() == self.len { end - rest.len() as u64 } else { now.len() };
        Err(FileError::Changed { path: self.path.clone(), expected: self.len, got })
    }

    /// The end of a range that lies in the file.
    fn end(&self, offset: u64, len: u64) -> Result<u64, FileError> {
        let end = offset.checked_add(len).filter(|&end| end <= self.len);
        end.ok_or_else(|| self.fail(ErrorKind::UnexpectedEof.into()))
    }

    fn fail(&self, source: io::Error) -> FileError {
        FileError::Read { path: self.path.clone(), source }
    }

    #[cfg(unix)]
    fn read_some(&self, offset: u64, to: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, to, offset)
    }

    #[cfg(not(unix))]
    fn read_some(&self, offset: u64, to: &mut [u8]) -> io::Result<usize> {
        use std::io::{Read, Seek, SeekFrom};
        let _turn = self.turn.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.read(to)
    }
}

/// Refuses folders, pipes, sockets and devices.
pub(crate) fn check_regular(path: &Path, metadata: &Metadata) -> Result<(), FileError> {
    if metadata.is_file() {
        return Ok(());
    }
    let found = if metadata.is_dir() { "a folder" } else { "a pipe, socket or device" };
    Err(FileError::NotRegular { path: path.into(), found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, RegularFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        fs::write(&path, bytes).unwrap();
        let file = RegularFile::open(&path).unwrap();
        (folder, file)
    }

    #[test]
    fn ranges_hold_at_their_edges() {
        let (_folder, file) = file(&[0, 1, 2, 3, 4]);
        assert_eq!(file.read_range(0, 5).unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(file.read_range(3, 2).unwrap(), [3, 4]);
        assert_eq!(file.read_range(5, 0).unwrap(), []);
        for (offset, len) in [(5, 1), (6, 0), (1, 5), (u64::MAX, 2), (0, u64::MAX)] {
            let error = file.read_range(offset, len).unwrap_err();
            assert!(matches!(&error, FileError::Read { .. }), "{error}");
            assert!(error.to_string().contains("a.bin"));
        }
    }

    #[test]
    fn threads_read_side_by_side() {
        let bytes: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        let (_folder, file) = file(&bytes);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let (file, bytes) = (&file, &bytes);
                scope.spawn(move || {
                    for at in (thread * 1000..190_000).step_by(4000) {
                        let expected = &bytes[at as usize..at as usize + 5000];
                        assert_eq!(file.read_range(at, 5000).unwrap(), expected);
                    }
                });
            }
        });
    }

    #[test]
    fn case_23_a_file_that_shrinks_or_grows_is_found() {
        let (_folder, file) = file(&[7; 100]);
        fs::write(file.path(), [7; 40]).unwrap();
        assert!(matches!(file.read_range(30, 20), Err(FileError::Changed { expected: 100, got: 40, .. })));
        assert!(matches!(file.read_range(0, 20), Err(FileError::Changed { expected: 100, .. })));
        fs::write(file.path(), [7; 101]).unwrap();
        assert!(matches!(file.read_range(0, 20), Err(FileError::Changed { expected: 100, got: 101, .. })));
    }

    #[test]
    fn a_file_that_is_overwritten_is_found() {
        let (_folder, file) = file(&[7; 100]);
        fs::write(file.path(), [8; 100]).unwrap();
        let later = SystemTime::now() + Duration::from_secs(10);
        File::options().write(true).open(file.path()).unwrap().set_modified(later).unwrap();
        assert!(matches!(file.read_range(0, 20), Err(FileError::Rewritten { .. })));
    }

    #[test]
    fn case_23_a_file_read_whole_is_of_one_state() {
        let (_folder, file) = file(&[7; 100]);
        let bytes = file.read_whole().unwrap();
        let touch = || {
            let open = File::options().write(true).open(file.path()).unwrap();
            open.set_modified(SystemTime::now() + Duration::from_secs(10)).unwrap();
            fs::metadata(file.path()).unwrap()
        };
        assert!(file.confirm(&bytes, &touch()).is_ok());
        fs::write(file.path(), [[7; 50], [8; 50]].concat()).unwrap();
        assert!(matches!(file.confirm(&bytes, &touch()), Err(FileError::Rewritten { .. })));
        fs::write(file.path(), [7; 99]).unwrap();
        assert!(matches!(
            file.confirm(&bytes, &touch()),
            Err(FileError::Changed { expected: 100, got: 99, .. })
        ));
        assert!(matches!(file.read_whole(), Err(FileError::Changed { .. })));
    }

    #[test]
    fn case_23_another_file_of_the_same_name_changes_nothing() {
        let (folder, file) = file(&[7; 100]);
        let other = folder.path().join("b.bin");
        fs::write(&other, [8; 100]).unwrap();
        if cfg!(unix) {
            fs::rename(&other, file.path()).unwrap();
            assert_eq!(file.read_range(0, 100).unwrap(), [7; 100]);
        }
    }
}

//! Why a file could not be read or written.

use std::io;
use std::path::PathBuf;

/// A failed file operation; the text names the file and the reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The path is a folder, a pipe or a device.
    #[error("{}: not a regular file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file changed while it was read.
    #[error("{}: changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// There is a file of this name, and it may not be replaced.
    #[error("{}: exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written; nothing of it was left behind.
    #[error("{}: cannot {step}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What failed, as a verb.
        step: &'static str,
        /// The system's reason.
        source: io::Error,
    },
}

impl FileError {
    /// Whether the file was simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

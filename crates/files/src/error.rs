//! Why a file could not be read or written.

use crate::shown;
use std::io;
use std::path::{Path, PathBuf};

/// A failed file operation; prints as `PATH: reason`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// A folder, pipe, socket or device: nothing with a fixed content.
    #[error("{}: not a regular file but {found}", shown(path))]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What stands there.
        found: &'static str,
    },
    /// The file is longer than allowed.
    #[error("{}: file of {bytes} bytes is over the limit of {allowed} bytes", shown(path))]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// The limit.
        allowed: u64,
    },
    /// The file cannot be read.
    #[error("{}: {source}", shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Someone wrote to the file meanwhile.
    #[error("{}: changed while it was read: had {expected} bytes, gave {got}", shown(path))]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its length when it was opened.
        expected: u64,
        /// The bytes that came.
        got: u64,
    },
    /// Someone wrote to the file meanwhile and left its length alone.
    #[error("{}: changed while it was read", shown(path))]
    Rewritten {
        /// The file.
        path: PathBuf,
    },
    /// There is a file of this name, and it may not be replaced.
    #[error("{}: exists already", shown(path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another process is about to write this file.
    #[error("{}: in use by {}", shown(path), process(*pid))]
    InUse {
        /// The file.
        path: PathBuf,
        /// The number of that process, where it is known.
        pid: Option<u32>,
    },
    /// The disk, or the user's part of it, is full; nothing of the file was left behind.
    #[error("{}: no space left: need ~{}: {source}", shown(path), amount(*bytes))]
    NoSpace {
        /// The file.
        path: PathBuf,
        /// How long it is to be.
        bytes: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be written; nothing of it was left behind, unless only its folder could not be flushed.
    #[error("{}: cannot {step}: {source}", shown(path))]
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
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Self::NotRegular { path, .. }
            | Self::TooLong { path, .. }
            | Self::Read { path, .. }
            | Self::Changed { path, .. }
            | Self::Rewritten { path }
            | Self::Exists { path }
            | Self::InUse { path, .. }
            | Self::NoSpace { path, .. }
            | Self::Write { path, .. } => path,
        }
    }

    /// Whether the file was simply not there.
    pub fn is_missing(&self) -> bool {
        let missing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        matches!(self, Self::Read { source, .. } if missing.contains(&source.kind()))
    }
}

fn process(pid: Option<u32>) -> String {
    pid.map_or("another process".into(), |pid| format!("pid {pid}"))
}

/// A number of bytes, rounded up.
fn amount(bytes: u64) -> String {
    if bytes < 1_000_000 {
        format!("{} kB", bytes.div_ceil(1000))
    } else {
        let tenths = bytes.div_ceil(100_000);
        format!("{}.{} MB", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_are_rounded_up() {
        assert_eq!([0, 1, 1000, 999_999].map(amount), ["0 kB", "1 kB", "1 kB", "1000 kB"]);
        assert_eq!([1_000_000, 1_000_001, 24_980_000].map(amount), ["1.0 MB", "1.1 MB", "25.0 MB"]);
    }
}

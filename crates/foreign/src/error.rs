//! Why another program's model cannot be read or written.

use std::path::{Path, PathBuf};

use patchcore_backbone::weights::WeightsError;
use patchcore_files::{FileError, shown};

/// What is wrong, and in which file.
///
/// [`ForeignError::File`] is the machine's fault, everything else the file's or the caller's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),

    /// The folder cannot be listed.
    #[error("{}: {source}", shown(path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },

    /// The files of a folder make no saved model, or contradict each other.
    #[error("{}: {problem}", shown(path))]
    Members {
        /// The file that is missing, surplus or contradictory.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// A file is damaged.
    #[error("{}: byte {offset}: {problem}", shown(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, from the start of the file.
        offset: u64,
        /// What is wrong there.
        problem: String,
    },

    /// A file is whole, and of a kind that is not read; the text says what to do.
    #[error("{}: {problem}", shown(path))]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it is.
        problem: String,
    },

    /// A parameter is missing, unknown, of a wrong type or out of range.
    #[error("{}: {name}: {problem}", shown(path))]
    Parameter {
        /// The file.
        path: PathBuf,
        /// The parameter, as the file calls it.
        name: String,
        /// What is wrong with it.
        problem: String,
    },

    /// A torch.save file, or a tensor in it, is damaged or of another kind.
    #[error(transparent)]
    Torch(#[from] WeightsError),
}

impl ForeignError {
    pub(crate) fn members(path: &Path, problem: impl Into<String>) -> Self {
        Self::Members { path: path.into(), problem: problem.into() }
    }

    pub(crate) fn damaged(path: &Path, offset: u64, problem: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), offset, problem: problem.into() }
    }

    pub(crate) fn unsupported(path: &Path, problem: impl Into<String>) -> Self {
        Self::Unsupported { path: path.into(), problem: problem.into() }
    }

    pub(crate) fn parameter(path: &Path, name: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Parameter { path: path.into(), name: name.into(), problem: problem.into() }
    }
}

//! What can be wrong with a weight file.

use std::path::{Path, PathBuf};

use patchcore_pickle::PickleError;

use super::shape_list;

/// Why a weight file, or one tensor in it, cannot be used.
///
/// [`WeightsError::kind`] tells a machine's fault (retry, check the disk) from the file's (get another file).
///
/// # Examples
///
/// ```
/// use patchcore_backbone::weights::{Weights, WeightsErrorKind};
///
/// let error = Weights::from_bytes(b"<!DOCTYPE html><title>Sign in</title>").unwrap_err();
/// assert_eq!(error.kind(), WeightsErrorKind::BadWeights);
/// assert_eq!(error.to_string(), "this is an HTML page, not weights: the download was answered by a web page");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] patchcore_files::FileError),

    /// The file was read, and the error in `source` was found in it.
    #[error("{}: {source}", patchcore_files::shown(path))]
    InFile {
        /// The file that was read.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<WeightsError>,
    },

    /// The file holds something else; the text says what, and what to do.
    #[error("{0}")]
    NotWeights(&'static str),

    /// The first bytes belong to no format that is read here.
    #[error("unknown format, starts with bytes {start:02x?}: expected .safetensors or a torch.save file")]
    UnknownFormat {
        /// The first bytes, at most eight.
        start: Vec<u8>,
    },

    /// The file ends too early.
    #[error("truncated: {what} needs {expected} bytes, the file has {got}, as after an interrupted download")]
    Truncated {
        /// The part that does not fit.
        what: &'static str,
        /// Bytes up to the end of that part.
        expected: u64,
        /// Bytes in the file.
        got: u64,
    },

    /// The header of a `.safetensors` file does not describe its bytes.
    #[error("bad safetensors header")]
    Safetensors(#[source] safetensors::SafeTensorError),

    /// One name stands twice.
    #[error("{name}: named twice")]
    Duplicate {
        /// The name of the tensor or of the archive entry.
        name: String,
    },

    /// The zip archive around a `.pth` file is damaged.
    #[error("bad zip archive")]
    Zip(#[source] zip::result::ZipError),

    /// An entry of the zip archive is not what torch.save writes.
    #[error("zip entry {entry}: {problem}")]
    ZipEntry {
        /// The name of the entry.
        entry: String,
        /// What is wrong with it.
        problem: String,
    },

    /// The pickle asks for something that a state dict does not need.
    #[error("refuses {name} (pickle byte {offset}): only tensors and dicts are read, nothing is run")]
    Refused {
        /// `module.name` as the pickle says it.
        name: String,
        /// Position of the opcode in the pickle.
        offset: usize,
    },

    /// The pickle is damaged, or uses an opcode that torch.save does not write.
    #[error("bad pickle at byte {offset}: {problem}")]
    Pickle {
        /// Position of the opcode in the pickle.
        offset: usize,
        /// What is wrong with it.
        problem: String,
    },

    /// The pickle is well-formed, and no table of tensors is in it.
    #[error("no state dict: {problem}")]
    NoStateDict {
        /// What was found instead.
        problem: String,
    },

    /// One tensor does not fit its bytes.
    #[error("{name}: {problem}")]
    BadTensor {
        /// The tensor.
        name: String,
        /// What is wrong with it.
        problem: String,
    },

    /// The file would need more memory than its own size justifies.
    #[error("{what}: {got} is over the limit of {limit}")]
    OverLimit {
        /// What was counted.
        what: &'static str,
        /// The count, or the first one over the limit.
        got: u64,
        /// The limit.
        limit: u64,
    },

    /// A tensor that the network needs is not in the file.
    #[error("{name}: missing{}", nearest_text(nearest))]
    Missing {
        /// The tensor asked for.
        name: String,
        /// Up to three names in the file, most similar first.
        nearest: Vec<String>,
    },

    /// A tensor that the network needs holds integers.
    #[error("{name}: dtype {dtype}, expected f16, bf16, f32 or f64")]
    WrongDtype {
        /// The tensor asked for.
        name: String,
        /// Its type in the file.
        dtype: &'static str,
    },

    /// A tensor has another shape than the network needs.
    #[error("{name}: shape {}, expected {}", shape_list(got), shape_list(expected))]
    WrongShape {
        /// The tensor asked for.
        name: String,
        /// Its shape in the file.
        got: Vec<usize>,
        /// The shape asked for.
        expected: Vec<usize>,
    },

    /// Several tensors that the network needs are missing, or not as it needs them.
    #[error("{count} tensors do not fit: {}", few(first, *count))]
    Misfits {
        /// The first of them, in the order of the network.
        first: Vec<WeightsError>,
        /// How many there are.
        count: usize,
    },

    /// A tensor holds NaN or an infinity.
    #[error("{name}: value {index} is not finite")]
    NotFinite {
        /// The tensor asked for.
        name: String,
        /// The first such value, row-major.
        index: usize,
    },
}

impl From<PickleError> for WeightsError {
    fn from(error: PickleError) -> Self {
        match error {
            PickleError::Refused { name, offset } => Self::Refused { name, offset },
            PickleError::Bad { offset, problem } => Self::Pickle { offset, problem },
            PickleError::OverLimit { what, got, limit } => Self::OverLimit { what, got, limit },
            other => Self::NoStateDict { problem: other.to_string() },
        }
    }
}

/// Whose fault a [`WeightsError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightsErrorKind {
    /// The file could not be read at all.
    Io,
    /// The file was read, and cannot be used.
    BadWeights,
}

impl WeightsError {
    /// Whose fault it is: the machine's or the file's.
    pub fn kind(&self) -> WeightsErrorKind {
        match self {
            Self::File(_) => WeightsErrorKind::Io,
            Self::InFile { source, .. } => source.kind(),
            _ => WeightsErrorKind::BadWeights,
        }
    }

    /// The same error with the file named; errors that name it already are left alone.
    #[must_use]
    pub fn in_file(self, path: &Path) -> Self {
        match self {
            Self::File(_) | Self::InFile { .. } => self,
            other => Self::InFile { path: path.to_path_buf(), source: Box::new(other) },
        }
    }
}

/// The first ones, then how many more.
fn few(first: &[WeightsError], count: usize) -> String {
    let named: Vec<String> = first.iter().map(ToString::to_string).collect();
    let more = match count.saturating_sub(first.len()) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{}{more}", named.join("; "))
}

fn nearest_text(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!(", the nearest are {}", nearest.join(", ")) }
}

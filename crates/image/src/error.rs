//! What can be wrong with a picture file, by whose fault it is.

use crate::format::{Format, Misnamed};
use patchcore_files::{FileError, shown};
use std::path::PathBuf;

/// Whose fault an error is; a program chooses its exit code by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is missing or cannot be used: another file is needed.
    Input,
    /// The machine refused: permission, a failing disk.
    Io,
    /// The input is larger than [`Limits`](crate::Limits) allow.
    Limit,
}

/// Why bytes did not become a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no bytes.
    #[error("empty file")]
    Empty,
    /// The bytes end before they say how large the picture is.
    #[error("truncated {format} header: the file ends with its first bytes")]
    TruncatedHeader {
        /// The format that the bytes begin with.
        format: Format,
    },
    /// The bytes end before the picture does.
    #[error("truncated {format}: the data end before the picture does")]
    Truncated {
        /// The format that the bytes begin with.
        format: Format,
    },
    /// The bytes break the rules of their format.
    #[error("corrupt {format}: {reason}")]
    Corrupt {
        /// The format that the bytes begin with.
        format: Format,
        /// What exactly is wrong.
        reason: String,
    },
    /// The bytes may be fine, but they are no picture that this library reads.
    #[error("unsupported: {what}; pictures may be {}", Format::LIST)]
    Unsupported {
        /// What was found.
        what: String,
    },
    /// Samples of a depth for which it was not said what is black and what is white.
    #[error("{what}")]
    Intensity {
        /// What was found, and what is missing.
        what: String,
    },
    /// The picture declares a side of zero pixels.
    #[error("a picture of {width}x{height} pixels shows nothing")]
    TooSmall {
        /// Declared width.
        width: u32,
        /// Declared height.
        height: u32,
    },
    /// The ending of the file's name is that of another format, and [`strict_names`](crate::Limits) are asked for.
    #[error(transparent)]
    Misnamed(Misnamed),
    /// The picture is none that a working camera takes, and the [quality gate](crate::Limits) is asked for.
    #[error("fails the quality gate: {what}")]
    Quality {
        /// What it looks like.
        what: String,
    },
    /// The picture is larger than allowed.
    #[error(transparent)]
    Limit(#[from] Exceeded),
}

/// The limit that a picture goes beyond.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Exceeded {
    /// Too many pixels along a side or in all.
    #[error(
        "picture of {width}x{height} pixels is over the limit of {max_side} a side and {max_pixels} in all"
    )]
    Size {
        /// Declared width.
        width: u32,
        /// Declared height.
        height: u32,
        /// Allowed pixels along a side.
        max_side: u32,
        /// Allowed pixels in all.
        max_pixels: u64,
    },
    /// Decoding would take too much memory.
    #[error("decoding needs more memory than the limit of {allowed} bytes")]
    Memory {
        /// Allowed bytes.
        allowed: u64,
    },
}

/// Why a file did not become a picture; prints as `PATH: reason`, the path [`shown`] safely.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file was read, but its bytes are no usable picture.
    #[error("{}: {fault}", shown(path))]
    Decode {
        /// The file.
        path: PathBuf,
        /// What is wrong with its bytes.
        fault: DecodeError,
    },
    /// A second mask of one picture has another size than the first.
    #[error(
        "{}: the mask is {}x{}, another one of its picture, {}, is {}x{}",
        shown(path), size[0], size[1], shown(first), first_size[0], first_size[1]
    )]
    MaskSizes {
        /// The second mask.
        path: PathBuf,
        /// Its width and height.
        size: [usize; 2],
        /// The first mask.
        first: PathBuf,
        /// Its width and height.
        first_size: [usize; 2],
    },
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl DecodeError {
    /// [`ErrorKind::Limit`] or [`ErrorKind::Input`].
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Limit(_) => ErrorKind::Limit,
            _ => ErrorKind::Input,
        }
    }
}

impl ImageError {
    /// Whose fault it is. A path where nothing stands counts as [`ErrorKind::Input`].
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Decode { fault, .. } => fault.kind(),
            Self::MaskSizes { .. } => ErrorKind::Input,
            Self::File(error) => file_kind(error),
        }
    }

    /// The file or folder that it is about.
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::Decode { path, .. } | Self::MaskSizes { path, .. } => path,
            Self::File(error) => error.path(),
        }
    }
}

pub(crate) fn file_kind(error: &FileError) -> ErrorKind {
    match error {
        FileError::TooLong { .. } => ErrorKind::Limit,
        FileError::Read { source, .. } => io_kind(source),
        _ => ErrorKind::Input,
    }
}

pub(crate) fn io_kind(fault: &std::io::Error) -> ErrorKind {
    match fault.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => ErrorKind::Input,
        _ => ErrorKind::Io,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_path_and_reason() {
        let error = ImageError::Decode {
            path: PathBuf::from("a\n.png"),
            fault: DecodeError::Truncated { format: Format::Png },
        };
        assert_eq!(error.to_string(), r"a\n.png: truncated PNG: the data end before the picture does");
        assert_eq!(error.kind(), ErrorKind::Input);
    }

    #[test]
    fn kinds_follow_the_fault() {
        assert_eq!(DecodeError::Limit(Exceeded::Memory { allowed: 1 }).kind(), ErrorKind::Limit);
        let kind = |kind: std::io::ErrorKind| {
            ImageError::File(FileError::Read { path: PathBuf::new(), source: kind.into() }).kind()
        };
        assert_eq!(kind(std::io::ErrorKind::PermissionDenied), ErrorKind::Io);
        assert_eq!(kind(std::io::ErrorKind::NotFound), ErrorKind::Input);
    }
}

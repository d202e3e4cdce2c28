//! Why a model could not be evaluated.

use patchcore_files::shown;
use patchcore_image::{ErrorKind, ImageError};
use patchcore_metrics::Undefined;
use std::path::PathBuf;

/// An evaluation with gaps would mislead, so it stops.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// There is no test picture.
    #[error("{category}: no test pictures")]
    NoPictures {
        /// The category.
        category: String,
    },
    /// Pictures or masks that cannot be used; all of them.
    #[error("{} test pictures or masks cannot be used", faults.len())]
    Unusable {
        /// One for each.
        faults: Vec<Fault>,
    },
    /// Scores that the original's fusion cannot bring to one scale.
    #[error("{category}: the members' scores cannot be fused over the test set: {reason}")]
    Fusion {
        /// The category.
        category: String,
        /// The reason.
        reason: Undefined,
    },
    /// A picture that has no score.
    #[error("{}: {source}", shown(path))]
    NoScore {
        /// The picture.
        path: PathBuf,
        /// The reason.
        source: Box<patchcore::Error>,
    },
}

/// A test picture or mask that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ImageError),
    /// The mask has another size than its picture.
    #[error(
        "{}: the mask is {}x{}, its picture {} is {}x{}",
        shown(mask), mask_size[0], mask_size[1], shown(picture), picture_size[0], picture_size[1]
    )]
    MaskSize {
        /// The mask.
        mask: PathBuf,
        /// Its width and height.
        mask_size: [usize; 2],
        /// The picture.
        picture: PathBuf,
        /// Its width and height.
        picture_size: [usize; 2],
    },
}

impl Fault {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreadable(error) => error.kind(),
            Self::MaskSize { .. } => ErrorKind::Input,
        }
    }
}

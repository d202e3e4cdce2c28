//! Why a model could not be evaluated.

use patchcore_image::ImageError;
use std::path::PathBuf;

/// A test picture or mask that cannot be used: an evaluation with gaps would mislead, so it stops.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// There is no test picture.
    #[error("{category}: no test pictures")]
    NoPictures {
        /// The category.
        category: String,
    },
    /// Pictures or masks that cannot be read; all of them.
    #[error("{} test pictures or masks cannot be used, first {}", faults.len(), faults.first().map_or(String::new(), ToString::to_string))]
    Unreadable {
        /// One error for each.
        faults: Vec<ImageError>,
    },
    /// A mask has another size than its picture.
    #[error("{}: the mask is {}x{}, its picture {}x{}", mask.display(), got[0], got[1], expected[0], expected[1])]
    MaskSize {
        /// The mask.
        mask: PathBuf,
        /// Its width and height.
        got: [usize; 2],
        /// The picture's width and height.
        expected: [usize; 2],
    },
    /// A picture that has no score.
    #[error("{}: {source}", path.display())]
    NoScore {
        /// The picture.
        path: PathBuf,
        /// The reason.
        source: Box<patchcore::Error>,
    },
}

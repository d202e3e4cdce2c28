//! A fitted model judged on labelled pictures: predictions, masks, metrics.
//!
//! Every test picture is scored, its mask is read, and all metrics are taken from raw scores. Nothing here sets a
//! threshold: what looked at labels to choose one is named an oracle.

mod error;
mod evaluate;
mod fusion;
mod leaks;
mod pixels;

pub use error::{EvaluationError, Fault};
pub use evaluate::{Evaluation, ImageMetrics, Judged, Options, evaluate};
pub use fusion::Fusion;
pub use leaks::leaks;
pub use pixels::{PixelRule, PixelScores};

//! A fitted model judged on labelled pictures: predictions, masks, metrics.
//!
//! Every test picture is scored, its mask is read, and all metrics are taken from raw scores. Nothing here sets a
//! threshold: decisions are judged at the one that the model has from good pictures, or that was asked for, and what looked
//! at labels to choose one is named an oracle.

mod comparison;
mod decisions;
mod error;
mod evaluate;
mod evaluation;
mod figures;
mod fusion;
mod image_metrics;
mod judged;
mod leaks;
mod pixel_metrics;
mod pixels;
mod saturated;

pub use comparison::{Comparison, Discordant, MeanComparison, OtherPictures, Pair, Scored, compare_means};
pub use decisions::{Decisions, PixelDecisions, Rate};
pub use error::{EvaluationError, Fault};
pub use evaluate::{Options, evaluate, judge};
pub use evaluation::{DefectMetrics, Evaluation, ImageMetrics, Judged, PixelMetrics};
pub use figures::Figure;
pub use fusion::Fusion;
pub use leaks::leaks;
pub use pixels::{Grid, MaskRule, PixelRule};

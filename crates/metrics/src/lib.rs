//! Metrics as pure functions: AUROC, average precision, F1-max, AUPRO, rank correlation.
//!
//! Scores are raw `f32`, higher is more anomalous; a picture or pixel counts as anomalous at threshold `t` where
//! `score >= t`. Equal scores are one step of every curve, so the order of the input never matters, and `-0.0` ties
//! with `0.0`. What cannot be computed is an [`Undefined`] with its reason: never 0, never NaN.
//!
//! Per picture: [`auroc`], [`average_precision`], [`f1_max`]. Per pixel, over [`PixelPicture`]s that may differ in
//! size: [`pixel_auroc`] and its sisters, or [`pixel_metrics`] for all of them from one sort. The metrics of the
//! original program that differ from these bear its name: [`reference_f1_max`], [`min_max_fuse_scores`],
//! [`mask_rule`]. Without labels, two models' scores of the same pictures: [`spearman`], [`score_differences`].
//!
//! ```
//! use patchcore_metrics::{Undefined, auroc};
//!
//! assert_eq!(auroc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]), Ok(0.75));
//! assert_eq!(auroc(&[0.1, 0.4], &[false, false]), Err(Undefined::NoAnomalous));
//! ```

mod undefined;

mod labelled;
mod ranking;

mod f1;
mod precision_recall;
mod roc;

mod components;
mod pixel;
mod pixel_picture;
mod pro;

mod agreement;

pub mod mask_rule;
mod reference_f1;
mod reference_fusion;

pub use agreement::{ScoreDifferences, score_differences, spearman};
pub use components::{Components, Connectivity, components};
pub use f1::{F1Max, f1_max};
pub use pixel::{
    AuproAt, PixelMetrics, pixel_auroc, pixel_auroc_anomalous_only, pixel_average_precision, pixel_f1_max,
    pixel_metrics,
};
pub use pixel_picture::PixelPicture;
pub use precision_recall::average_precision;
pub use pro::{ProCurve, aupro, pro_curve};
pub use reference_f1::reference_f1_max;
pub use reference_fusion::{min_max_fuse_maps, min_max_fuse_scores};
pub use roc::{RocCurve, auroc, roc_curve};
pub use undefined::{Metric, Undefined};

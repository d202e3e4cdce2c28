//! Metrics as pure functions: of pictures, of pixels, at a threshold, with intervals, of two models.
//!
//! Scores are raw `f32`, higher is more anomalous; a picture or pixel counts as anomalous at threshold `t` where
//! `score >= t`. Equal scores are one step of every curve, so the order of the input never matters, and `-0.0` ties
//! with `0.0`. What cannot be computed is an [`Undefined`] with its reason: never 0, never NaN. The number of threads
//! changes nothing.
//!
//! | of | over all thresholds | at a threshold |
//! |---|---|---|
//! | pictures | [`auroc`], [`average_precision`], [`aupr_trapezoid`], [`f1_max`], [`iou_max`] | [`confusion`] and its rates, [`presorted_good`], [`presorted_bad`] |
//! | types of defects | [`per_defect_type`] | the same |
//! | pixels | [`pixel_metrics`], all from one sort, and each alone; [`aupro`], [`au_spro`], [`aupimo`] | [`pixel_confusion`] |
//!
//! Curves: [`roc_curve`], [`precision_recall_curve`], [`pro_curve`], [`thinned`] for drawing.
//!
//! Pixels come as [`PixelPicture`]s that may differ in size. Intervals: [`Share::clopper_pearson`] for rates,
//! [`bootstrap`] for any metric of pictures, [`bootstrap_mean`]. Two models on the same pictures: [`delong`],
//! [`paired_bootstrap`], [`paired_bootstrap_of_sets`], [`mcnemar`] of their decisions, and without labels [`spearman`], [`score_differences`]. The metrics of the original program that
//! differ from these bear its name: [`reference_f1_max`], [`min_max_fuse_scores`], [`mask_rule`].
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

mod aupr;
mod f1;
mod iou;
mod precision_recall;
mod roc;
mod thinning;

mod beta;
mod confusion;
mod defect_types;
mod presorted;
mod quantile;
mod share;

mod aupimo;
mod components;
mod pixel;
mod pixel_picture;
mod pro;
mod spro;

mod agreement;
mod bootstrap;
mod delong;
mod mcnemar;
mod normal;
mod random;

pub mod mask_rule;
mod reference_f1;
mod reference_fusion;

pub use agreement::{ScoreDifferences, score_differences, spearman};
pub use aupimo::{AUPIMO_RANGE, Aupimo, aupimo};
pub use aupr::aupr_trapezoid;
pub use bootstrap::{
    Estimate, PairedBootstrap, PairedSet, Resampling, bootstrap, bootstrap_mean, paired_bootstrap,
    paired_bootstrap_of_sets,
};
pub use components::{Components, Connectivity, components};
pub use confusion::{Confusion, confusion, pixel_confusion};
pub use defect_types::{DefectType, per_defect_type};
pub use delong::{Delong, delong};
pub use f1::{F1Max, f1_max};
pub use iou::{IouMax, iou_max};
pub use mcnemar::mcnemar;
pub use pixel::{
    AuproAt, PixelMetrics, pixel_auroc, pixel_auroc_anomalous_only, pixel_average_precision, pixel_f1_max,
    pixel_iou_max, pixel_metrics,
};
pub use pixel_picture::PixelPicture;
pub use precision_recall::{PrecisionRecallCurve, average_precision, precision_recall_curve};
pub use presorted::{Presorted, presorted_bad, presorted_good};
pub use pro::{ProCurve, aupro, aupro_at_limits, pro_curve};
pub use reference_f1::reference_f1_max;
pub use reference_fusion::{min_max_fuse_maps, min_max_fuse_scores};
pub use roc::{RocCurve, auroc, roc_curve};
pub use share::{Bounds, Share};
pub use spro::{RegionPicture, SaturatedRegion, Saturation, au_spro};
pub use thinning::thinned;
pub use undefined::{Metric, Undefined};

//! What an evaluation holds.

use crate::decisions::{Decisions, PixelDecisions};
use crate::pixels::PixelRule;
use patchcore::Verdict;
use patchcore_image::Sample;
use patchcore_metrics::{
    Aupimo, AuproAt, Bounds, F1Max, IouMax, Metric, PrecisionRecallCurve, ProCurve, RocCurve, Undefined,
};

/// What a model does on one category. [`figures`](Self::figures) lists all its numbers under their names.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The category's name.
    pub category: String,
    /// Every test picture, in the data set's order.
    pub pictures: Vec<Judged>,
    /// Metrics of image scores.
    pub image: ImageMetrics,
    /// Metrics of anomaly maps, or why there are none.
    pub pixel: Result<PixelMetrics, String>,
    /// Up to which false positive rates the AUPRO was asked for.
    pub pro_limits: Vec<f64>,
}

/// One test picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// File, defect type, label.
    pub sample: Sample,
    /// The file's path below the data set's root, with `/` between its parts.
    pub name: String,
    /// Its raw image score.
    pub image_score: f32,
    /// What the program says to it; `None` without a threshold.
    pub verdict: Option<Verdict>,
}

/// Metrics of image scores, each with a value or a reason. Bounds hold the middle 95 % of resamples of the test pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageMetrics {
    /// Area under the ROC curve.
    pub auroc: Metric,
    /// Its bounds.
    pub auroc_bounds: Result<Bounds, Undefined>,
    /// Average precision.
    pub average_precision: Metric,
    /// Its bounds.
    pub average_precision_bounds: Result<Bounds, Undefined>,
    /// The mean over the types of defects of each one's AUROC against all good pictures: the image AUROC of MVTec LOCO AD,
    /// whose types are logical and structural anomalies.
    pub auroc_mean_of_types: Metric,
    /// The best F1 over all thresholds: an oracle, it looks at labels.
    pub oracle_f1_max: Result<F1Max, Undefined>,
    /// What the threshold that the model has, or that was asked for, makes of the pictures; or why there is none.
    pub at_threshold: Result<Decisions, String>,
    /// Each type of defect, in the order of their names.
    pub types: Vec<DefectMetrics>,
    /// The ROC curve, in at most 200 points.
    pub roc: Result<RocCurve, Undefined>,
    /// The precision-recall curve, in at most 200 points.
    pub precision_recall: Result<PrecisionRecallCurve, Undefined>,
}

/// One type of defect.
#[derive(Debug, Clone, PartialEq)]
pub struct DefectMetrics {
    /// Its name.
    pub name: String,
    /// How many pictures show it.
    pub pictures: usize,
    /// AUROC of these pictures against all good ones.
    pub auroc: Metric,
    /// How many of them the program calls ok; or why that is not known.
    pub escapes: Result<crate::Rate, String>,
}

/// Metrics of anomaly maps, each with a value or a reason.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelMetrics {
    /// How maps and masks met.
    pub rule: PixelRule,
    /// Area under the ROC curve over all pixels of all pictures.
    pub auroc: Metric,
    /// The same over the pictures whose mask marks anything.
    pub auroc_anomalous_only: Metric,
    /// Average precision over all pixels.
    pub average_precision: Metric,
    /// The best F1 over all thresholds: an oracle.
    pub oracle_f1_max: Result<F1Max, Undefined>,
    /// The best intersection over union over all thresholds: an oracle.
    pub oracle_iou_max: Result<IouMax, Undefined>,
    /// The area under the per-region overlap up to each limit: 0.3, 0.05, and what else was asked for.
    pub aupro: Vec<AuproAt>,
    /// The per-region overlap curve, in at most 200 points.
    pub pro_curve: Result<ProCurve, Undefined>,
    /// The area under the per-image overlap, of every picture in their order, and its mean.
    pub aupimo: Result<Aupimo, Undefined>,
    /// The mean's bounds: the middle 95 % of resamples of the anomalous pictures.
    pub aupimo_bounds: Result<Bounds, Undefined>,
    /// The area under the saturated per-region overlap up to 0.05, or why there is none; `None` for data sets that tell no
    /// saturations.
    pub au_spro: Option<Result<f64, String>>,
    /// What the pixel threshold that the model has, or that was asked for, makes of the pixels; or why there is none.
    pub at_threshold: Result<PixelDecisions, String>,
}

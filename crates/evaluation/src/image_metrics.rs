//! The metrics of image scores.

use crate::decisions::{decide, types};
use crate::evaluation::{DefectMetrics, ImageMetrics, Judged};
use patchcore::Thresholds;
use patchcore_metrics::{
    Metric, PrecisionRecallCurve, Resampling, RocCurve, Undefined, auroc, average_precision, bootstrap,
    f1_max, precision_recall_curve, roc_curve, thinned,
};

/// As many points as a drawing of a curve needs.
const CURVE_POINTS: usize = 200;

/// All of them; `thresholds` are those that the verdicts come from.
pub(crate) fn image_metrics(
    judged: &[Judged],
    thresholds: Result<Thresholds, String>,
    resampling: Resampling,
) -> ImageMetrics {
    let scores: Vec<f32> = judged.iter().map(|j| j.image_score).collect();
    let labels: Vec<bool> = judged.iter().map(|j| j.sample.is_anomalous()).collect();
    let bounds = |metric: fn(&[f32], &[bool]) -> Metric| {
        bootstrap(&scores, &labels, resampling, metric).map(|estimate| estimate.bounds)
    };
    let types = types(judged, thresholds.as_ref().err().map(String::as_str));
    ImageMetrics {
        auroc: auroc(&scores, &labels),
        auroc_bounds: bounds(auroc),
        average_precision: average_precision(&scores, &labels),
        average_precision_bounds: bounds(average_precision),
        auroc_mean_of_types: mean_of_types(&types),
        oracle_f1_max: f1_max(&scores, &labels),
        at_threshold: thresholds.and_then(|t| decide(judged, t).map_err(|reason| reason.to_string())),
        types,
        roc: roc_curve(&scores, &labels).map(|curve| thin_roc(&curve)),
        precision_recall: precision_recall_curve(&scores, &labels).map(|curve| thin_precision_recall(&curve)),
    }
}

fn mean_of_types(types: &[DefectMetrics]) -> Metric {
    if types.is_empty() {
        return Err(Undefined::NoAnomalous);
    }
    let areas: Vec<f64> = types.iter().map(|t| t.auroc.clone()).collect::<Result<_, _>>()?;
    Ok(areas.iter().sum::<f64>() / areas.len() as f64)
}

fn thin_roc(curve: &RocCurve) -> RocCurve {
    let kept = thinned(&curve.fpr, &curve.tpr, CURVE_POINTS);
    let pick = |values: &[f64]| kept.iter().map(|&i| values[i]).collect();
    RocCurve { fpr: pick(&curve.fpr), tpr: pick(&curve.tpr), threshold: pick(&curve.threshold) }
}

fn thin_precision_recall(curve: &PrecisionRecallCurve) -> PrecisionRecallCurve {
    let kept = thinned(&curve.recall, &curve.precision, CURVE_POINTS);
    let pick = |values: &[f64]| kept.iter().map(|&i| values[i]).collect();
    PrecisionRecallCurve {
        recall: pick(&curve.recall),
        precision: pick(&curve.precision),
        threshold: pick(&curve.threshold),
    }
}

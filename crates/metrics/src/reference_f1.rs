//! The threshold of the best F1 as the original program picks it.

use crate::f1::F1Max;
use crate::labelled::Labelled;
use crate::undefined::Undefined;

/// The best F1 of the precision-recall curve, and of equal ones the **lowest** threshold.
///
/// The original computes `2 P R / (P + R)` in `f64` for every distinct score, ascending, and takes the first maximum;
/// [`f1_max`](crate::f1_max) takes the highest threshold and compares without rounding. The two agree unless two
/// thresholds tie. For its pixel metrics, pass all pixels of all pictures in one list.
///
/// # Errors
///
/// As [`f1_max`](crate::f1_max). Where nothing is anomalous the original reports the lowest score, an accident of its
/// `0/0 = 0` rule; that is refused here.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{f1_max, reference_f1_max};
/// let (scores, labels) = ([4.0, 3.0, 2.0, 1.0], [true, false, false, true]);
/// assert_eq!(reference_f1_max(&scores, &labels)?.threshold, 1.0);
/// assert_eq!(f1_max(&scores, &labels)?.threshold, 4.0);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// `patchcore-inspection`, `metrics.py`, over scikit-learn's `precision_recall_curve`.
pub fn reference_f1_max(scores: &[f32], labels: &[bool]) -> Result<F1Max, Undefined> {
    let labelled = Labelled::new(scores, labels)?;
    let (mut hits, mut alarms) = (0, 0);
    let mut best = F1Max { f1: 0.0, threshold: f32::INFINITY, precision: 0.0, recall: 0.0 };
    for step in labelled.steps() {
        hits += step.anomalous;
        alarms += step.anomalous + step.normal;
        let precision = hits as f64 / alarms as f64;
        let recall = hits as f64 / labelled.n_anomalous as f64;
        let f1 = if hits == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
        // We descend where the original ascends: its first maximum is our last.
        if f1 >= best.f1 {
            best = F1Max { f1, threshold: step.score, precision, recall };
        }
    }
    Ok(best)
}

//! The area under precision over recall.

use crate::labelled::Labelled;
use crate::ranking::Step;
use crate::undefined::{Metric, Undefined, both_classes};

/// The mean precision over all anomalous items, each judged at the threshold that just reaches it.
///
/// The sum `(R_i - R_(i-1)) * P_i` over the distinct scores from the highest down, with no interpolation. The value
/// lies in `(0, 1]`; chance is the share of anomalous items.
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, there is nothing, a score is NaN or infinite, or only one
/// class is present (with no normal item every ranking would earn 1).
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::average_precision;
/// // The first hit comes at precision 1/1, the second at 2/3.
/// let ap = average_precision(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert!((ap - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-15);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// scikit-learn, `average_precision_score`.
pub fn average_precision(scores: &[f32], labels: &[bool]) -> Metric {
    let labelled = Labelled::new(scores, labels)?;
    let mut sum = PrecisionSum::default();
    labelled.steps().for_each(|step| sum.push(step));
    sum.finish()
}

/// Adds up, on the way down a ranking, the precision at each anomalous item.
#[derive(Default)]
pub(crate) struct PrecisionSum {
    hits: u64,
    false_alarms: u64,
    sum: f64,
}

impl PrecisionSum {
    pub(crate) fn push(&mut self, step: Step) {
        self.hits += step.anomalous;
        self.false_alarms += step.normal;
        if step.anomalous == 0 {
            return;
        }
        let precision = self.hits as f64 / (self.hits + self.false_alarms) as f64;
        self.sum += step.anomalous as f64 * precision;
    }

    pub(crate) fn finish(self) -> Metric {
        both_classes(self.hits, self.false_alarms)?;
        Ok(self.sum / self.hits as f64)
    }
}

/// The points of a precision-recall curve; the three lists are equally long.
#[derive(Debug, Clone, PartialEq)]
pub struct PrecisionRecallCurve {
    /// Share of the anomalous items with `score >= threshold`, ascending from 0 to 1.
    pub recall: Vec<f64>,
    /// Share of the anomalous among the items with `score >= threshold`; 1 at the first point, where there are none.
    pub precision: Vec<f64>,
    /// Scores, descending; the first is infinite: nothing reaches it.
    pub threshold: Vec<f64>,
}

/// The precision-recall curve with one point per distinct score, from the highest down.
///
/// # Errors
///
/// As [`average_precision`].
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::precision_recall_curve;
/// let curve = precision_recall_curve(&[0.1, 0.4, 0.35], &[false, false, true])?;
/// assert_eq!(curve.recall, [0.0, 0.0, 1.0, 1.0]);
/// assert_eq!(curve.precision, [1.0, 0.0, 1.0 / 2.0, 1.0 / 3.0]);
/// assert_eq!(curve.threshold[1..], [f64::from(0.4_f32), f64::from(0.35_f32), f64::from(0.1_f32)]);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// scikit-learn, `precision_recall_curve`, in the opposite order.
pub fn precision_recall_curve(scores: &[f32], labels: &[bool]) -> Result<PrecisionRecallCurve, Undefined> {
    let labelled = Labelled::new(scores, labels)?;
    let (mut recall, mut precision, mut threshold) = (vec![0.0], vec![1.0], vec![f64::INFINITY]);
    let (mut hits, mut alarms) = (0, 0);
    for step in labelled.steps() {
        hits += step.anomalous;
        alarms += step.anomalous + step.normal;
        recall.push(hits as f64 / labelled.n_anomalous as f64);
        precision.push(hits as f64 / alarms as f64);
        threshold.push(f64::from(step.score));
    }
    Ok(PrecisionRecallCurve { recall, precision, threshold })
}

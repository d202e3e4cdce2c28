//! The area under precision over recall.

use crate::labelled::Labelled;
use crate::ranking::Step;
use crate::undefined::{Metric, both_classes};

/// The mean precision over all anomalous items, each judged at the threshold that just reaches it.
///
/// The sum `(R_i - R_(i-1)) * P_i` over the distinct scores from the highest down, with no interpolation. The value
/// lies in `(0, 1]`; chance is the share of anomalous items.
///
/// # Errors
///
/// [`Undefined`](crate::Undefined) if the lengths differ, there is nothing, a score is NaN or infinite, or only one
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

//! The area under the precision-recall curve by trapezoids.

use crate::labelled::Labelled;
use crate::ranking::Step;
use crate::undefined::{Metric, both_classes};

/// The area under straight lines between the points of the precision-recall curve, which starts at recall 0 with
/// precision 1.
///
/// Straight lines between such points promise more than any threshold keeps, the more the fewer distinct scores there
/// are: [`average_precision`](crate::average_precision) is the honest area, this one is for comparison with tables that
/// print "AUPR". The value lies in `(0, 1]`.
///
/// # Errors
///
/// As [`average_precision`](crate::average_precision).
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{aupr_trapezoid, average_precision};
/// // One tie, half of it anomalous: the line falls from precision 1 to 1/2.
/// let (scores, labels) = ([1.0, 1.0], [true, false]);
/// assert_eq!(aupr_trapezoid(&scores, &labels), Ok(0.75));
/// assert_eq!(average_precision(&scores, &labels), Ok(0.5));
/// ```
///
/// # Source
///
/// anomalib's `AUPR` up to 2.6 (2.7 gives the average precision under this name); scikit-learn's
/// `auc` over `precision_recall_curve`.
pub fn aupr_trapezoid(scores: &[f32], labels: &[bool]) -> Metric {
    let labelled = Labelled::new(scores, labels)?;
    let mut sum = TrapezoidSum::default();
    labelled.steps().for_each(|step| sum.push(step));
    sum.finish()
}

/// Adds up trapezoids on the way down a ranking; recall is measured in items here.
#[derive(Default)]
pub(crate) struct TrapezoidSum {
    hits: u64,
    alarms: u64,
    twice_area: f64,
}

impl TrapezoidSum {
    pub(crate) fn push(&mut self, step: Step) {
        if step.anomalous == 0 {
            self.alarms += step.normal;
            return;
        }
        let before = self.precision();
        self.hits += step.anomalous;
        self.alarms += step.anomalous + step.normal;
        self.twice_area += step.anomalous as f64 * (before + self.precision());
    }

    /// 1 before the first alarm.
    fn precision(&self) -> f64 {
        if self.alarms == 0 { 1.0 } else { self.hits as f64 / self.alarms as f64 }
    }

    pub(crate) fn finish(self) -> Metric {
        both_classes(self.hits, self.alarms - self.hits)?;
        Ok(self.twice_area / (2.0 * self.hits as f64))
    }
}

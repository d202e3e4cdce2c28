//! The receiver operating characteristic and its area.

use crate::labelled::Labelled;
use crate::ranking::Step;
use crate::undefined::{Metric, Undefined, both_classes};

/// The probability that a random anomalous item scores higher than a random normal one; ties count one half.
///
/// `labels[i]` says whether `scores[i]` belongs to an anomalous item. The value lies in `[0, 1]`; 0.5 is chance.
/// Pairs are counted in integers, so the only rounding is the last division.
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, there is nothing, a score is NaN or infinite, or only one class is present.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Undefined, auroc};
/// // Of the four pairs, two are won, one is a tie, one is lost.
/// assert_eq!(auroc(&[0.2, 0.5, 0.5, 0.8, 0.1], &[false, false, true, true, true]), Ok(3.5 / 6.0));
/// assert_eq!(auroc(&[0.2, f32::NAN], &[false, true]), Err(Undefined::NotFinite { index: 1 }));
/// ```
///
/// # Source
///
/// Mann and Whitney 1947; equals the trapezoid area of scikit-learn's `roc_auc_score`.
pub fn auroc(scores: &[f32], labels: &[bool]) -> Metric {
    let labelled = Labelled::new(scores, labels)?;
    let mut area = RocArea::default();
    labelled.steps().for_each(|step| area.push(step));
    area.finish()
}

/// Counts, on the way down a ranking, the pairs that the anomalous item wins.
#[derive(Default)]
pub(crate) struct RocArea {
    anomalous_above: u64,
    normal_above: u64,
    twice_wins: u128,
}

impl RocArea {
    pub(crate) fn push(&mut self, step: Step) {
        let twice_beaten_by = 2 * u128::from(self.anomalous_above) + u128::from(step.anomalous);
        self.twice_wins += u128::from(step.normal) * twice_beaten_by;
        self.anomalous_above += step.anomalous;
        self.normal_above += step.normal;
    }

    pub(crate) fn finish(self) -> Metric {
        both_classes(self.anomalous_above, self.normal_above)?;
        let pairs = u128::from(self.anomalous_above) * u128::from(self.normal_above);
        Ok(self.twice_wins as f64 / (2 * pairs) as f64)
    }
}

/// The points of a ROC curve; the three lists are equally long.
#[derive(Debug, Clone, PartialEq)]
pub struct RocCurve {
    /// Share of normal items with `score >= threshold`, ascending from 0 to 1.
    pub fpr: Vec<f64>,
    /// Share of anomalous items with `score >= threshold`, ascending from 0 to 1.
    pub tpr: Vec<f64>,
    /// Scores, descending; the first is infinite: nothing reaches it.
    pub threshold: Vec<f64>,
}

/// The ROC curve with one point per distinct score, less the points inside straight runs.
///
/// A point is left out where the step to it and the step from it gain the same counts, as in scikit-learn: the curve
/// and its area stay the same, though points on a straight line between unequal steps remain.
///
/// # Errors
///
/// As [`auroc`].
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::roc_curve;
/// let curve = roc_curve(&[1.0, 0.0], &[true, false])?;
/// assert_eq!(curve.fpr, [0.0, 0.0, 1.0]);
/// assert_eq!(curve.tpr, [0.0, 1.0, 1.0]);
/// assert_eq!(curve.threshold, [f64::INFINITY, 1.0, 0.0]);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// scikit-learn 1.9, `roc_curve(drop_intermediate=True)`.
pub fn roc_curve(scores: &[f32], labels: &[bool]) -> Result<RocCurve, Undefined> {
    let labelled = Labelled::new(scores, labels)?;
    let mut curve = RocCurve { fpr: vec![0.0], tpr: vec![0.0], threshold: vec![f64::INFINITY] };
    let (mut anomalous, mut normal) = (0, 0);
    let mut steps = labelled.steps().enumerate().peekable();
    while let Some((i, step)) = steps.next() {
        anomalous += step.anomalous;
        normal += step.normal;
        let straight_on = steps
            .peek()
            .is_some_and(|(_, next)| (next.anomalous, next.normal) == (step.anomalous, step.normal));
        if i == 0 || !straight_on {
            curve.fpr.push(normal as f64 / labelled.n_normal as f64);
            curve.tpr.push(anomalous as f64 / labelled.n_anomalous as f64);
            curve.threshold.push(f64::from(step.score));
        }
    }
    Ok(curve)
}

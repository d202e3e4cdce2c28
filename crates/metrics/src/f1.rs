//! The best F1 that any threshold reaches.

use crate::labelled::Labelled;
use crate::ranking::Step;
use crate::undefined::{Undefined, both_classes};

/// The best F1, and the threshold that reaches it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct F1Max {
    /// `2 TP / (2 TP + FP + FN)`, in `(0, 1]`.
    pub f1: f64,
    /// The score to be reached: items with `score >= threshold` count as anomalous.
    pub threshold: f32,
    /// Share of true alarms among the alarms at this threshold.
    pub precision: f64,
    /// Share of the anomalous items that raise an alarm at this threshold.
    pub recall: f64,
}

/// The largest F1 over all thresholds that are a score of the list.
///
/// Where several thresholds reach it, the highest is reported: the one with the fewest false alarms. F1 values are
/// compared as fractions, so rounding breaks no tie. The threshold was chosen with the labels in hand: the value
/// is an upper bound, not what a deployed threshold will reach.
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, there is nothing, a score is NaN or infinite, or only one class is present.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::f1_max;
/// let best = f1_max(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// assert_eq!((best.f1, best.threshold, best.precision, best.recall), (0.8, 0.35, 2.0 / 3.0, 1.0));
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn f1_max(scores: &[f32], labels: &[bool]) -> Result<F1Max, Undefined> {
    let labelled = Labelled::new(scores, labels)?;
    let mut search = F1Search::new(labelled.n_anomalous);
    labelled.steps().for_each(|step| search.push(step));
    search.finish()
}

/// Keeps, on the way down a ranking, the first threshold with the largest F1.
pub(crate) struct F1Search {
    pub(crate) n_anomalous: u64,
    hits: u64,
    alarms: u64,
    best: Option<Candidate>,
}

/// A threshold with what it alarms at.
#[derive(Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) threshold: f32,
    pub(crate) hits: u64,
    pub(crate) alarms: u64,
}

impl F1Search {
    pub(crate) fn new(n_anomalous: u64) -> Self {
        Self { n_anomalous, hits: 0, alarms: 0, best: None }
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.hits += step.anomalous;
        self.alarms += step.anomalous + step.normal;
        if step.anomalous == 0 {
            return; // false alarms alone only lower F1
        }
        let candidate = Candidate { threshold: step.score, hits: self.hits, alarms: self.alarms };
        if self.best.is_none_or(|best| self.beats(candidate, best)) {
            self.best = Some(candidate);
        }
    }

    /// Whether `a` has the larger `F1 = 2 hits / (alarms + n_anomalous)`, by cross-multiplication.
    fn beats(&self, a: Candidate, b: Candidate) -> bool {
        let weight = |c: Candidate| u128::from(c.alarms) + u128::from(self.n_anomalous);
        u128::from(a.hits) * weight(b) > u128::from(b.hits) * weight(a)
    }

    pub(crate) fn best(&self) -> Result<Candidate, Undefined> {
        both_classes(self.hits, self.alarms - self.hits)?;
        self.best.ok_or(Undefined::NoAnomalous)
    }

    pub(crate) fn finish(&self) -> Result<F1Max, Undefined> {
        let Candidate { threshold, hits, alarms } = self.best()?;
        Ok(F1Max {
            f1: (2 * hits) as f64 / (alarms + self.n_anomalous) as f64,
            threshold,
            precision: hits as f64 / alarms as f64,
            recall: hits as f64 / self.n_anomalous as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_f1_the_highest_threshold_is_taken() {
        // At 4: TP 1, FP 0, FN 1, F1 = 2/3. At 1: TP 2, FP 2, FN 0, F1 = 4/6. The same.
        let best = f1_max(&[4.0, 3.0, 2.0, 1.0], &[true, false, false, true]).unwrap();
        assert_eq!((best.f1, best.threshold), (2.0 / 3.0, 4.0));
        assert_eq!((best.precision, best.recall), (1.0, 0.5));
    }
}

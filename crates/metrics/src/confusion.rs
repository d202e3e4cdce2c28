//! Right and wrong decisions at a threshold that was fixed beforehand, and the rates that follow from them.

use crate::pixel_picture::{PixelPicture, check_pictures};
use crate::share::Share;
use crate::undefined::{Metric, Undefined, check_list};

/// The four counts of a decision; an alarm is a score at or above the threshold.
///
/// Each rate is a [`Share`], whose [`clopper_pearson`](Share::clopper_pearson) gives its bounds. F1 and balanced accuracy
/// are no shares of one count; their intervals come from [`bootstrap`](crate::bootstrap). A rate over nothing is
/// [`Undefined`] with its reason.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Undefined, confusion};
/// let counts = confusion(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true], 0.4)?;
/// assert_eq!((counts.hits, counts.false_alarms, counts.escapes, counts.passes), (1, 1, 1, 1));
/// assert_eq!(counts.escape_rate()?.value(), 0.5);
/// assert_eq!(counts.f1(), Ok(0.5));
/// let silent = confusion(&[0.1, 0.9], &[false, true], 2.0)?;
/// assert_eq!(silent.precision(), Err(Undefined::NoAlarm));
/// # Ok::<(), Undefined>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Confusion {
    /// Anomalous and an alarm: true positives.
    pub hits: u64,
    /// Normal, but an alarm: false positives, overkill.
    pub false_alarms: u64,
    /// Anomalous, but no alarm: false negatives, missed defects.
    pub escapes: u64,
    /// Normal and no alarm: true negatives.
    pub passes: u64,
}

/// Counts the decisions `score >= threshold` against the labels.
///
/// An infinite threshold is fine: nothing, or everything, is an alarm. One class alone is fine too: only the rates over
/// the other are undefined.
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, there is nothing, a score is NaN or infinite, or the threshold is NaN.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::confusion;
/// let counts = confusion(&[1.0, 2.0], &[false, false], 2.0)?;
/// assert_eq!((counts.false_alarms, counts.passes), (1, 1));
/// assert!(counts.recall().is_err());
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn confusion(scores: &[f32], labels: &[bool], threshold: f32) -> Result<Confusion, Undefined> {
    check_list(scores, labels.len())?;
    let mut counts = Confusion::default();
    counts.add(scores, labels, threshold);
    counts.checked(threshold)
}

/// Counts the decisions over all pixels of all pictures; their F1 is the `SegF1` of MVTec AD 2.
///
/// # Errors
///
/// [`Undefined`] if a picture's lengths do not fit its size, a score is NaN or infinite, there are no pixels, or the
/// threshold is NaN.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{PixelPicture, pixel_confusion};
/// let picture = PixelPicture { height: 1, width: 3, scores: &[0.5, 0.6, 0.1], mask: &[true, false, false] };
/// assert_eq!(pixel_confusion(&[picture], 0.5)?.f1(), Ok(2.0 / 3.0));
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn pixel_confusion(pictures: &[PixelPicture<'_>], threshold: f32) -> Result<Confusion, Undefined> {
    check_pictures(pictures)?;
    let mut counts = Confusion::default();
    for picture in pictures {
        counts.add(picture.scores, picture.mask, threshold);
    }
    counts.checked(threshold)
}

impl Confusion {
    fn add(&mut self, scores: &[f32], labels: &[bool], threshold: f32) {
        for (&score, &anomalous) in scores.iter().zip(labels) {
            match (score >= threshold, anomalous) {
                (true, true) => self.hits += 1,
                (true, false) => self.false_alarms += 1,
                (false, true) => self.escapes += 1,
                (false, false) => self.passes += 1,
            }
        }
    }

    fn checked(self, threshold: f32) -> Result<Self, Undefined> {
        if threshold.is_nan() {
            return Err(Undefined::InvalidThreshold);
        }
        if self == Self::default() { Err(Undefined::Empty) } else { Ok(self) }
    }

    /// Hits among the alarms.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoAlarm`] where nothing is an alarm.
    pub fn precision(&self) -> Result<Share, Undefined> {
        Share::new(self.hits, self.hits + self.false_alarms).ok_or(Undefined::NoAlarm)
    }

    /// Hits among the anomalous: the true positive rate.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoAnomalous`] where nothing is anomalous.
    pub fn recall(&self) -> Result<Share, Undefined> {
        Share::new(self.hits, self.hits + self.escapes).ok_or(Undefined::NoAnomalous)
    }

    /// Passes among the normal: the true negative rate.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoNormal`] where nothing is normal.
    pub fn specificity(&self) -> Result<Share, Undefined> {
        Share::new(self.passes, self.passes + self.false_alarms).ok_or(Undefined::NoNormal)
    }

    /// False alarms among the normal: overkill, the false positive rate; 1 less [`specificity`](Self::specificity).
    ///
    /// # Errors
    ///
    /// [`Undefined::NoNormal`] where nothing is normal.
    pub fn false_alarm_rate(&self) -> Result<Share, Undefined> {
        Share::new(self.false_alarms, self.passes + self.false_alarms).ok_or(Undefined::NoNormal)
    }

    /// Missed defects among the anomalous: the false negative rate; 1 less [`recall`](Self::recall).
    ///
    /// # Errors
    ///
    /// [`Undefined::NoAnomalous`] where nothing is anomalous.
    pub fn escape_rate(&self) -> Result<Share, Undefined> {
        Share::new(self.escapes, self.hits + self.escapes).ok_or(Undefined::NoAnomalous)
    }

    /// `2 TP / (2 TP + FP + FN)`, in `[0, 1]`.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoAnomalous`] where nothing is anomalous.
    pub fn f1(&self) -> Metric {
        self.recall()?;
        Ok((2 * self.hits) as f64 / (2 * self.hits + self.false_alarms + self.escapes) as f64)
    }

    /// The mean of [`recall`](Self::recall) and [`specificity`](Self::specificity), in `[0, 1]`; 0.5 is chance.
    ///
    /// # Errors
    ///
    /// [`Undefined`] where a class is missing.
    pub fn balanced_accuracy(&self) -> Metric {
        Ok(f64::midpoint(self.recall()?.value(), self.specificity()?.value()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_itself_is_an_alarm() {
        let counts = confusion(&[1.0, 1.0, -0.0, -1.0], &[true, false, true, false], 0.0).unwrap();
        assert_eq!(counts, Confusion { hits: 2, false_alarms: 1, escapes: 0, passes: 1 });
        assert_eq!(counts.precision().map(Share::value), Ok(2.0 / 3.0));
        assert_eq!(counts.escape_rate().map(Share::value), Ok(0.0));
        assert_eq!(counts.balanced_accuracy(), Ok(0.75));
    }

    #[test]
    fn no_hit_is_zero_and_no_defect_is_undefined() {
        let missed = confusion(&[0.0, 1.0], &[true, false], 1.0).unwrap();
        assert_eq!(missed.f1(), Ok(0.0));
        let good = confusion(&[0.0, 1.0], &[false, false], 1.0).unwrap();
        assert_eq!(good.f1(), Err(Undefined::NoAnomalous));
        assert_eq!(good.balanced_accuracy(), Err(Undefined::NoAnomalous));
        assert_eq!(good.precision().map(Share::value), Ok(0.0));
        let bad = confusion(&[0.0, 1.0], &[true, true], 1.0).unwrap();
        assert_eq!(bad.false_alarm_rate(), Err(Undefined::NoNormal));
        assert_eq!(bad.specificity(), Err(Undefined::NoNormal));
    }

    #[test]
    fn odd_thresholds() {
        let at = |threshold| confusion(&[0.0, 1.0], &[false, true], threshold);
        assert_eq!(at(f32::INFINITY).unwrap().precision(), Err(Undefined::NoAlarm));
        assert_eq!(at(f32::NEG_INFINITY).unwrap().false_alarms, 1);
        assert_eq!(at(f32::NAN), Err(Undefined::InvalidThreshold));
        assert_eq!(confusion(&[f32::NAN], &[true], 0.0), Err(Undefined::NotFinite { index: 0 }));
        assert_eq!(confusion(&[], &[], 0.0), Err(Undefined::Empty));
    }
}

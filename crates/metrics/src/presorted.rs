//! How much sorting a model takes off the inspectors: presorted good (PG) and presorted bad (PB).

use crate::quantile::quantile;
use crate::share::Share;
use crate::undefined::{Undefined, both_classes, check_list};

/// A share of one class that is sorted out, and the score that does it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Presorted {
    /// The share of the class, in `[0, 1]`.
    pub share: Share,
    /// The limit of scores, a quantile of the other class; it may lie between two scores.
    pub threshold: f64,
}

/// `PGn`: the share of good items below the score that lets the share `fnr` of the bad ones slip.
///
/// The threshold is the `fnr`-quantile of the bad scores, linear between them; good items with `score < threshold` count.
/// 0.05 is custom, and then the metric is called PG5. The threshold is chosen with the labels in hand.
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, there is nothing, a score is NaN or infinite, only one class is present, or `fnr`
/// is not in `[0, 1]`.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::presorted_good;
/// let (scores, labels) = ([0.1, 0.2, 0.6, 0.5, 0.9], [false, false, false, true, true]);
/// let good = presorted_good(&scores, &labels, 0.0)?;
/// assert_eq!((good.share.count(), good.share.of(), good.threshold), (2, 3, 0.5));
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// Baitieva et al., CVPR workshops 2025, as anomalib's `PGn`.
pub fn presorted_good(scores: &[f32], labels: &[bool], fnr: f64) -> Result<Presorted, Undefined> {
    let (good, bad) = split(scores, labels, fnr)?;
    let threshold = quantile(&bad, fnr);
    presorted(&good, threshold, |score| score < threshold)
}

/// `PBn`: the share of bad items above the score that accuses the share `fpr` of the good ones.
///
/// The threshold is the `(1 - fpr)`-quantile of the good scores, linear between them; bad items with `score > threshold`
/// count. 0.05 is custom, and then the metric is called PB5. The threshold is chosen with the labels in hand.
///
/// # Errors
///
/// As [`presorted_good`].
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::presorted_bad;
/// let (scores, labels) = ([0.1, 0.2, 0.6, 0.5, 0.9], [false, false, false, true, true]);
/// let bad = presorted_bad(&scores, &labels, 0.0)?;
/// assert_eq!((bad.share.value(), bad.threshold), (0.5, f64::from(0.6_f32)));
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// As [`presorted_good`].
pub fn presorted_bad(scores: &[f32], labels: &[bool], fpr: f64) -> Result<Presorted, Undefined> {
    let (good, bad) = split(scores, labels, fpr)?;
    let threshold = quantile(&good, 1.0 - fpr);
    presorted(&bad, threshold, |score| score > threshold)
}

/// The scores of both classes, ascending.
fn split(scores: &[f32], labels: &[bool], rate: f64) -> Result<(Vec<f64>, Vec<f64>), Undefined> {
    check_list(scores, labels.len())?;
    if !(0.0..=1.0).contains(&rate) {
        return Err(Undefined::InvalidRate { rate });
    }
    let of = |class: bool| {
        let own = scores.iter().zip(labels).filter(|&(_, &anomalous)| anomalous == class);
        let mut own: Vec<f64> = own.map(|(&score, _)| f64::from(score)).collect();
        own.sort_unstable_by(f64::total_cmp);
        own
    };
    let (good, bad) = (of(false), of(true));
    both_classes(bad.len() as u64, good.len() as u64)?;
    Ok((good, bad))
}

fn presorted(class: &[f64], threshold: f64, out: impl Fn(f64) -> bool) -> Result<Presorted, Undefined> {
    let count = class.iter().filter(|&&score| out(score)).count();
    let share = Share::new(count as u64, class.len() as u64).ok_or(Undefined::Empty)?;
    Ok(Presorted { share, threshold })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_itself_is_not_sorted_out() {
        let (scores, labels) = ([1.0, 1.0, 0.0, 1.0], [false, true, false, true]);
        let good = presorted_good(&scores, &labels, 0.05).unwrap();
        assert_eq!((good.share.value(), good.threshold), (0.5, 1.0));
        let bad = presorted_bad(&scores, &labels, 0.0).unwrap();
        assert_eq!((bad.share.value(), bad.threshold), (0.0, 1.0));
    }

    #[test]
    fn the_quantile_may_lie_between_scores() {
        let (scores, labels) = ([0.0, 3.0, 4.0, 2.0, 6.0], [false, false, false, true, true]);
        let good = presorted_good(&scores, &labels, 0.25).unwrap();
        assert_eq!((good.share.count(), good.threshold), (1, 3.0));
        let bad = presorted_bad(&scores, &labels, 0.25).unwrap();
        assert_eq!((bad.share.count(), bad.threshold), (1, 3.5));
    }

    #[test]
    fn what_cannot_be_asked() {
        let refused = presorted_good(&[0.0, 1.0], &[false, true], 1.5);
        assert_eq!(refused, Err(Undefined::InvalidRate { rate: 1.5 }));
        assert_eq!(presorted_bad(&[0.0], &[true], 0.05), Err(Undefined::NoNormal));
        assert_eq!(presorted_good(&[0.0], &[false], 0.05), Err(Undefined::NoAnomalous));
        assert!(presorted_bad(&[0.0, 1.0], &[false, true], f64::NAN).is_err());
    }
}

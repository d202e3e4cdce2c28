//! The area under the per-image overlap (AUPIMO): how much of each defect is found at a handful of false alarms.
//!
//! The x axis is shared: the mean, over the normal pictures, of the share of the picture's pixels that raise an alarm.
//! Each anomalous picture has its own y: the share of its defect pixels that do.

use crate::pixel_picture::{PixelPicture, check_pictures};
use crate::ranking::{Ranking, Tie};
use crate::undefined::{Metric, Undefined};

/// The false positive rates between which the area is taken by custom.
pub const AUPIMO_RANGE: (f64, f64) = (1e-5, 1e-4);

/// AUPIMO of every picture, and their mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Aupimo {
    /// Per picture, in the order given, in `[0, 1]`; [`Undefined::NoAnomalous`] for a normal one.
    pub per_picture: Vec<Metric>,
    /// The mean over the anomalous pictures.
    pub mean: f64,
}

/// For each anomalous picture, the mean of its true positive rate over the logarithm of the shared false positive rate,
/// from `lower` to `upper`: `1 / ln(upper / lower)` times the integral of `TPR d ln(FPR)`.
///
/// Every distinct score is a threshold. TPR is linear over FPR between two of them (as in
/// [`aupro`](crate::aupro)), and that line is integrated over `ln(FPR)` exactly, so ties and their order do not
/// matter: a constant map earns `(upper - lower) / ln(upper / lower)`. A picture is normal if its mask marks nothing;
/// normal pixels of anomalous pictures play no part. [`AUPIMO_RANGE`] is custom.
///
/// A false positive rate below one pixel of a picture says nothing about that picture, so each normal picture needs at
/// least `1 / lower` pixels: 100,000 for the custom range, more than a 224x224 picture has.
///
/// # Errors
///
/// [`Undefined`] unless `0 < lower < upper <= 1`, or if a picture is invalid, a score is NaN or infinite, there are no
/// pixels, no normal or no anomalous picture, or a normal picture is too small.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{PixelPicture, aupimo};
/// let good = PixelPicture { height: 1, width: 4, scores: &[0.4, 0.3, 0.2, 0.1], mask: &[false; 4] };
/// let bad = PixelPicture { height: 1, width: 2, scores: &[0.9, 0.25], mask: &[true, true] };
/// // Half of the defect is above all normal pixels, the other half between FPR 1/2 and 3/4.
/// let found = aupimo(&[good, bad], (0.25, 0.5))?;
/// assert!(found.per_picture[0].is_err());
/// assert_eq!(found.per_picture[1], Ok(0.5));
/// let found = aupimo(&[good, bad], (0.5, 1.0))?;
/// assert_eq!(found.mean, 1.0);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// Bertoldo et al., BMVC 2024. anomalib approximates the same with evenly spaced thresholds, straight lines over the
/// logarithm, and the nearest thresholds for both ends.
pub fn aupimo(pictures: &[PixelPicture<'_>], (lower, upper): (f64, f64)) -> Result<Aupimo, Undefined> {
    if !(lower > 0.0 && lower < upper && upper <= 1.0) {
        return Err(Undefined::InvalidRange { lower, upper });
    }
    check_pictures(pictures)?;
    let defects: Vec<u64> =
        pictures.iter().map(|p| p.mask.iter().filter(|&&defect| defect).count() as u64).collect();
    check_classes(pictures, &defects, lower)?;

    let ranking = ranked(pictures, &defects);
    let mut walk = Walk::new(pictures, &defects, (lower, upper));
    for tie in ranking.ties() {
        walk.advance(&tie);
        if walk.x >= upper {
            break;
        }
    }
    Ok(walk.finish())
}

/// Refuses a set without normal or without anomalous pictures, and normal pictures that are too small for the range.
fn check_classes(pictures: &[PixelPicture<'_>], defects: &[u64], lower: f64) -> Result<(), Undefined> {
    if defects.iter().all(|&n| n == 0) {
        return Err(Undefined::NoAnomalous);
    }
    let mut normal =
        pictures.iter().enumerate().filter(|&(i, p)| defects[i] == 0 && !p.mask.is_empty()).peekable();
    if normal.peek().is_none() {
        return Err(Undefined::NoNormalPicture);
    }
    match normal.find(|(_, p)| (p.mask.len() as f64) * lower < 1.0) {
        Some((picture, p)) => Err(Undefined::UnresolvedRange { picture, pixels: p.mask.len(), lower }),
        None => Ok(()),
    }
}

/// All pixels that count, tagged with their picture: those of normal pictures, and the defects of the others.
fn ranked(pictures: &[PixelPicture<'_>], defects: &[u64]) -> Ranking {
    let of = |i: usize| {
        let PixelPicture { scores, mask, .. } = pictures[i];
        let normal = defects[i] == 0;
        scores.iter().zip(mask).filter(move |&(_, &defect)| normal || defect).map(|(&score, _)| score)
    };
    let mut ranking = Ranking::for_scores((0..pictures.len()).flat_map(of));
    for i in 0..pictures.len() {
        of(i).for_each(|score| ranking.push(score, i as u32));
    }
    ranking.sorted()
}

/// Follows all curves down the ranking.
struct Walk {
    range: (f64, f64),
    /// The shared FPR now, and in fixed point: 2^96 is all pixels of one normal picture.
    x: f64,
    false_alarms: u128,
    n_normal: u64,
    curves: Vec<Curve>,
    /// Memory for the tags of one tie.
    tags: Vec<u32>,
}

/// One picture's part.
enum Curve {
    /// A normal picture: what each of its pixels adds to the false alarms.
    Normal { pixel_share: u128 },
    /// An anomalous picture: TPR has been `found / defects` since the shared FPR was `since`.
    Anomalous { defects: u64, found: u64, since: f64, integral: f64 },
}

const ONE: u128 = 1 << 96;

impl Walk {
    fn new(pictures: &[PixelPicture<'_>], defects: &[u64], range: (f64, f64)) -> Self {
        let curve = |(p, &defects): (&PixelPicture<'_>, &u64)| match defects {
            0 => Curve::Normal { pixel_share: ONE / p.mask.len().max(1) as u128 },
            _ => Curve::Anomalous { defects, found: 0, since: 0.0, integral: 0.0 },
        };
        let n_normal = pictures.iter().zip(defects).filter(|(p, n)| **n == 0 && !p.mask.is_empty()).count();
        Self {
            range,
            x: 0.0,
            false_alarms: 0,
            n_normal: n_normal as u64,
            curves: pictures.iter().zip(defects).map(curve).collect(),
            tags: Vec::new(),
        }
    }

    fn advance(&mut self, tie: &Tie<'_>) {
        let before = self.x;
        for picture in tie.tags() {
            if let Curve::Normal { pixel_share } = self.curves[picture as usize] {
                self.false_alarms += pixel_share;
            }
        }
        self.x = self.false_alarms as f64 / (self.n_normal as f64 * ONE as f64);

        self.tags.clear();
        self.tags.extend(tie.tags());
        self.tags.sort_unstable();
        for same in self.tags.chunk_by(|a, b| a == b) {
            let Curve::Anomalous { defects, found, since, integral } = &mut self.curves[same[0] as usize]
            else {
                continue;
            };
            let level = *found as f64 / *defects as f64;
            *integral += over_logarithm((*since, level), (before, level), self.range);
            *found += same.len() as u64;
            let raised = *found as f64 / *defects as f64;
            *integral += over_logarithm((before, level), (self.x, raised), self.range);
            *since = self.x;
        }
    }

    fn finish(self) -> Aupimo {
        let (lower, upper) = self.range;
        let value = |curve: &Curve| match curve {
            Curve::Normal { .. } => Err(Undefined::NoAnomalous),
            Curve::Anomalous { defects, found, since, integral } => {
                let level = *found as f64 / *defects as f64;
                let rest = over_logarithm((*since, level), (1.0, level), self.range);
                Ok(((integral + rest) / (upper / lower).ln()).clamp(0.0, 1.0))
            }
        };
        let per_picture: Vec<Metric> = self.curves.iter().map(value).collect();
        let values: Vec<f64> = per_picture.iter().filter_map(|value| value.clone().ok()).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Aupimo { per_picture, mean }
    }
}

/// The integral of the line from `(x0, y0)` to `(x1, y1)` over `ln x`, inside the range.
fn over_logarithm((x0, y0): (f64, f64), (x1, y1): (f64, f64), (lower, upper): (f64, f64)) -> f64 {
    let (from, to) = (x0.max(lower), x1.min(upper));
    if from >= to {
        return 0.0;
    }
    let logarithm = ((to - from) / from).ln_1p();
    let slope = (y1 - y0) / (x1 - x0);
    y0 * logarithm + slope * ((to - from) - x0 * logarithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: PixelPicture<'_> = PixelPicture { height: 1, width: 2, scores: &[0.0; 2], mask: &[false; 2] };
    const BAD: PixelPicture<'_> = PixelPicture { height: 1, width: 2, scores: &[0.0; 2], mask: &[true; 2] };

    #[test]
    fn a_constant_map_earns_the_diagonal() {
        let found = aupimo(&[GOOD, BAD], (0.5, 0.75)).unwrap();
        let expected = 0.25 / 1.5_f64.ln();
        assert!((found.mean - expected).abs() < 1e-15, "{found:?}");
    }

    #[test]
    fn what_cannot_be_measured_says_why() {
        let range = (0.5, 1.0);
        assert_eq!(aupimo(&[GOOD], range), Err(Undefined::NoAnomalous));
        assert_eq!(aupimo(&[BAD], range), Err(Undefined::NoNormalPicture));
        assert_eq!(aupimo(&[], range), Err(Undefined::Empty));
        let unresolved = Undefined::UnresolvedRange { picture: 1, pixels: 2, lower: 0.4 };
        assert_eq!(aupimo(&[BAD, GOOD], (0.4, 1.0)), Err(unresolved));
        for (lower, upper) in
            [(0.0, 0.5), (0.5, 0.5), (0.7, 0.6), (0.5, 1.5), (f64::NAN, 1.0), (0.5, f64::NAN)]
        {
            assert!(matches!(aupimo(&[BAD, GOOD], (lower, upper)), Err(Undefined::InvalidRange { .. })));
        }
    }

    #[test]
    fn normal_pixels_of_anomalous_pictures_play_no_part() {
        let mixed = |score| {
            let scores = [0.5, score];
            let bad = PixelPicture { height: 1, width: 2, scores: &scores, mask: &[true, false] };
            aupimo(&[GOOD, bad], (0.5, 1.0)).unwrap()
        };
        assert_eq!(mixed(9.0), mixed(-9.0));
    }
}

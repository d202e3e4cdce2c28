//! The per-region overlap (PRO) curve and its area.
//!
//! At each threshold, FPR is the share of all normal pixels (those of normal pictures included) that raise an alarm, and
//! PRO is the mean over all ground-truth regions of the share of the region that does. A region counts once,
//! however large it is.

use crate::components::Connectivity;
use crate::pixel_picture::{PixelPicture, RankedPixels, Regions};
use crate::ranking::{Step, Tie};
use crate::thinning::Thinning;
use crate::undefined::{Metric, Undefined};

/// The area under PRO over FPR in `[0, limit]`, divided by `limit`.
///
/// `limit` is the largest false positive rate, in `(0, 1]`: 0.3 is the custom for MVTec AD, 0.05 for MVTec AD 2.
/// Every distinct score is a threshold; the curve starts at `(0, 0)` and is linear between its points, also where it
/// is cut at `limit`. The value lies in `[0, 1]`; a constant map earns `limit / 2`.
///
/// # Errors
///
/// [`Undefined`] if a limit or a picture is invalid, a score is NaN or infinite, there are no pixels, no mask
/// marks a region, or no pixel is normal.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Connectivity, PixelPicture, aupro};
/// let picture = PixelPicture {
///     height: 1,
///     width: 4,
///     scores: &[0.9, 0.2, 0.5, 0.1],
///     mask: &[true, true, false, false],
/// };
/// // PRO is 1/2 until the false alarm at 0.5 has brought FPR to 1/2, then 1.
/// assert_eq!(aupro(&[picture], 0.25, Connectivity::Eight), Ok(0.5));
/// assert_eq!(aupro(&[picture], 1.0, Connectivity::Eight), Ok(0.75));
/// ```
///
/// # Source
///
/// Bergmann et al., IJCV 2021, section 5.2.1; MVTec AD evaluation code.
pub fn aupro(pictures: &[PixelPicture<'_>], limit: f64, connectivity: Connectivity) -> Metric {
    check_limit(limit)?;
    let areas = areas(pictures, &[limit], connectivity)?;
    Ok(areas[0])
}

/// The area under PRO up to each of several limits, for the price of one; see [`aupro`].
///
/// The values come in the order of `limits`; each equals that of [`aupro`], bit by bit.
///
/// # Errors
///
/// As [`aupro`]; one invalid limit spoils all. [`pixel_metrics`](crate::pixel_metrics) gives each limit its own reason.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Connectivity, PixelPicture, aupro_at_limits};
/// let (scores, mask) = ([0.9, 0.2, 0.5, 0.1], [true, true, false, false]);
/// let picture = PixelPicture { height: 1, width: 4, scores: &scores, mask: &mask };
/// assert_eq!(aupro_at_limits(&[picture], &[1.0, 0.25], Connectivity::Eight), Ok(vec![0.75, 0.5]));
/// ```
pub fn aupro_at_limits(
    pictures: &[PixelPicture<'_>],
    limits: &[f64],
    connectivity: Connectivity,
) -> Result<Vec<f64>, Undefined> {
    limits.iter().try_for_each(|&limit| check_limit(limit))?;
    areas(pictures, limits, connectivity)
}

fn areas(
    pictures: &[PixelPicture<'_>],
    limits: &[f64],
    connectivity: Connectivity,
) -> Result<Vec<f64>, Undefined> {
    let pixels = RankedPixels::new(pictures, Regions::Labelled(connectivity))?;
    let walk = ProWalk::over(&pixels)?;
    Ok(walk.areas(pixels.ties(), limits, pixels.n_normal))
}

/// The points of a PRO curve; both lists are equally long.
#[derive(Debug, Clone, PartialEq)]
pub struct ProCurve {
    /// Share of all normal pixels that raise an alarm, ascending from 0 to 1.
    pub fpr: Vec<f64>,
    /// Mean share of a region that raises an alarm, ascending from 0 to 1.
    pub pro: Vec<f64>,
}

/// The whole PRO curve: `(0, 0)`, one point per distinct score from the highest down, `(1, 1)`.
///
/// The last score's point is `(1, 1)` already; the closing point repeats it, as in the MVTec evaluation.
///
/// # Errors
///
/// As [`aupro`], less the limit.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Connectivity, PixelPicture, pro_curve};
/// let picture = PixelPicture { height: 1, width: 2, scores: &[0.9, 0.2], mask: &[true, false] };
/// let curve = pro_curve(&[picture], Connectivity::Eight)?;
/// assert_eq!(curve.fpr, [0.0, 0.0, 1.0, 1.0]);
/// assert_eq!(curve.pro, [0.0, 1.0, 1.0, 1.0]);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn pro_curve(pictures: &[PixelPicture<'_>], connectivity: Connectivity) -> Result<ProCurve, Undefined> {
    let pixels = RankedPixels::new(pictures, Regions::Labelled(connectivity))?;
    let mut walk = ProWalk::over(&pixels)?;
    let mut curve = ProCurve { fpr: vec![0.0], pro: vec![0.0] };
    for tie in pixels.ties() {
        let point = walk.advance(&tie, tie.step());
        curve.fpr.push(point.false_alarms / pixels.n_normal as f64);
        curve.pro.push(point.pro);
    }
    curve.fpr.push(1.0);
    curve.pro.push(1.0);
    Ok(curve)
}

/// Draws the curve while a walk goes down, with about so many points as can be seen.
pub(crate) struct ProSketch {
    n_normal: f64,
    thinning: Thinning,
    curve: ProCurve,
    last: [f64; 2],
}

impl ProSketch {
    /// At most `most` points between the ends. Both axes ascend from 0 to 1, so the way is at most 2 long.
    pub(crate) fn new(n_normal: u64, most: usize) -> Self {
        let start = ProCurve { fpr: vec![0.0], pro: vec![0.0] };
        let thinning = Thinning::new(2.0, most, [0.0; 2]);
        Self { n_normal: n_normal as f64, thinning, curve: start, last: [0.0; 2] }
    }

    pub(crate) fn push(&mut self, point: ProPoint) {
        self.last = [point.false_alarms / self.n_normal, point.pro];
        if self.thinning.keeps(self.last) {
            self.keep(self.last);
        }
    }

    fn keep(&mut self, [fpr, pro]: [f64; 2]) {
        self.curve.fpr.push(fpr);
        self.curve.pro.push(pro);
    }

    pub(crate) fn finish(mut self) -> ProCurve {
        if self.curve.fpr.last() != Some(&self.last[0]) || self.curve.pro.last() != Some(&self.last[1]) {
            self.keep(self.last);
        }
        self.curve
    }
}

/// Refuses a limit outside `(0, 1]`, NaN included.
pub(crate) fn check_limit(limit: f64) -> Result<(), Undefined> {
    if limit > 0.0 && limit <= 1.0 { Ok(()) } else { Err(Undefined::InvalidLimit { limit }) }
}

/// One point of the curve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProPoint {
    /// Normal pixels that raise an alarm; a whole number.
    false_alarms: f64,
    pro: f64,
}

/// Follows the curve down a ranking.
///
/// Overlap is added in fixed point, so that neither the order of pixels nor rounding drift can change it: a whole
/// region is `ONE`, and the sum of `2^32` of them still fits.
pub(crate) struct ProWalk {
    regions: Vec<Region>,
    overlap: u128,
    false_alarms: u64,
    pro: f64,
}

/// What one pixel adds to its region's overlap, and what the region can still take.
struct Region {
    pixel_share: u128,
    left: u128,
}

const ONE: u128 = 1 << 96;

impl ProWalk {
    /// Every region is whole when all its pixels are found.
    pub(crate) fn over(pixels: &RankedPixels) -> Result<Self, Undefined> {
        let shares = pixels.region_areas.iter().map(|&area| ONE / u128::from(area));
        Self::new(shares, pixels.n_normal)
    }

    /// Region `r` is whole once `saturations[r]` of its pixels are found, which is above 0 and not always whole; one pixel
    /// adds no more than the whole.
    pub(crate) fn saturated(saturations: &[f64], n_normal: u64) -> Result<Self, Undefined> {
        let shares = saturations.iter().map(|&pixels| (ONE as f64 / pixels).ceil() as u128);
        Self::new(shares, n_normal)
    }

    fn new(pixel_shares: impl Iterator<Item = u128>, n_normal: u64) -> Result<Self, Undefined> {
        let regions: Vec<Region> =
            pixel_shares.map(|pixel_share| Region { pixel_share, left: ONE }).collect();
        if regions.is_empty() {
            return Err(Undefined::NoRegion);
        }
        if n_normal == 0 {
            return Err(Undefined::NoNormal);
        }
        Ok(Self { regions, overlap: 0, false_alarms: 0, pro: 0.0 })
    }

    /// Takes one tie, of which `step` is the count, and says where the curve now stands.
    pub(crate) fn advance(&mut self, tie: &Tie<'_>, step: Step) -> ProPoint {
        self.false_alarms += step.normal;
        if step.anomalous > 0 {
            for region in tie.regions() {
                let region = &mut self.regions[region];
                let gain = region.pixel_share.min(region.left);
                region.left -= gain;
                self.overlap += gain;
            }
            let whole = self.regions.len() as f64 * ONE as f64;
            self.pro = self.overlap as f64 / whole;
        }
        ProPoint { false_alarms: self.false_alarms as f64, pro: self.pro }
    }

    /// The areas up to several limits, once the walk has ended.
    pub(crate) fn areas<'a>(
        mut self,
        ties: impl Iterator<Item = Tie<'a>>,
        limits: &[f64],
        n_normal: u64,
    ) -> Vec<f64> {
        let mut areas: Vec<_> = limits.iter().map(|&limit| ProArea::new(limit, n_normal)).collect();
        for tie in ties {
            let point = self.advance(&tie, tie.step());
            for area in &mut areas {
                area.push(point);
            }
        }
        areas.into_iter().map(ProArea::finish).collect()
    }
}

/// Adds up trapezoids until the limit; FPR is measured in pixels here.
pub(crate) struct ProArea {
    limit: f64,
    last: ProPoint,
    twice_area: f64,
}

impl ProArea {
    pub(crate) fn new(limit: f64, n_normal: u64) -> Self {
        let origin = ProPoint { false_alarms: 0.0, pro: 0.0 };
        Self { limit: limit * n_normal as f64, last: origin, twice_area: 0.0 }
    }

    pub(crate) fn push(&mut self, point: ProPoint) {
        let room = self.limit - self.last.false_alarms;
        if room <= 0.0 {
            return;
        }
        let run = point.false_alarms - self.last.false_alarms;
        self.twice_area += if run <= room {
            run * (self.last.pro + point.pro)
        } else {
            let cut = self.last.pro + (point.pro - self.last.pro) * (room / run);
            room * (self.last.pro + cut)
        };
        self.last = point;
    }

    pub(crate) fn finish(self) -> f64 {
        self.twice_area / (2.0 * self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_checked_at_their_edges() {
        for good in [f64::MIN_POSITIVE, 0.3, 1.0] {
            assert_eq!(check_limit(good), Ok(()));
        }
        for bad in [0.0, -0.3, 1.0 + f64::EPSILON, f64::INFINITY] {
            assert_eq!(check_limit(bad), Err(Undefined::InvalidLimit { limit: bad }));
        }
        assert!(check_limit(f64::NAN).is_err());
    }

    #[test]
    fn a_jump_past_the_limit_is_cut_not_dropped() {
        // One hit, then one tie of everything else: PRO runs from 1/2 to 1 while FPR runs from 0 to 1.
        let picture = PixelPicture {
            height: 2,
            width: 2,
            scores: &[1.0, 0.0, 0.0, 0.0],
            mask: &[true, true, false, false],
        };
        let area = aupro(&[picture], 0.2, Connectivity::Eight).unwrap();
        assert!((area - f64::midpoint(0.5, 0.6)).abs() < 1e-15, "{area}");
    }
}

//! The metrics of lists, taken over the pixels of all pictures together.

use crate::aupr::TrapezoidSum;
use crate::components::Connectivity;
use crate::f1::{F1Max, F1Search};
use crate::iou::{IouMax, best_iou};
use crate::pixel_picture::{PixelPicture, RankedPixels, Regions};
use crate::precision_recall::PrecisionSum;
use crate::pro::{ProArea, ProCurve, ProSketch, ProWalk, check_limit};
use crate::roc::RocArea;
use crate::undefined::{Metric, Undefined};

/// The AUROC over all pixels of all pictures, normal pictures included.
///
/// # Errors
///
/// [`Undefined`] if a picture's lengths do not fit its size, a score is NaN or infinite, there are no pixels,
/// or all pixels are of one class.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{PixelPicture, pixel_auroc};
/// let good = PixelPicture { height: 1, width: 2, scores: &[0.1, 0.6], mask: &[false, false] };
/// let bad = PixelPicture { height: 2, width: 1, scores: &[0.5, 0.2], mask: &[true, false] };
/// assert_eq!(pixel_auroc(&[good, bad]), Ok(2.0 / 3.0));
/// ```
pub fn pixel_auroc(pictures: &[PixelPicture<'_>]) -> Metric {
    let pixels = RankedPixels::new(pictures, Regions::Ignored)?;
    let mut area = RocArea::default();
    pixels.ties().for_each(|tie| area.push(tie.step()));
    area.finish()
}

/// The AUROC over all pixels of the pictures whose mask marks anything.
///
/// Leaving the normal pictures out costs easy wins, so the value is mostly below [`pixel_auroc`]. To choose the
/// pictures by another rule, filter the list and call [`pixel_auroc`]; the original's rule is in
/// [`mask_rule`](crate::mask_rule).
///
/// # Errors
///
/// As [`pixel_auroc`].
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{PixelPicture, pixel_auroc_anomalous_only};
/// let good = PixelPicture { height: 1, width: 2, scores: &[0.1, 0.6], mask: &[false, false] };
/// let bad = PixelPicture { height: 2, width: 1, scores: &[0.5, 0.2], mask: &[true, false] };
/// assert_eq!(pixel_auroc_anomalous_only(&[good, bad]), Ok(1.0));
/// ```
pub fn pixel_auroc_anomalous_only(pictures: &[PixelPicture<'_>]) -> Metric {
    let pixels = RankedPixels::new(pictures, Regions::Ignored)?;
    let mut area = RocArea::default();
    pixels.ties().for_each(|tie| area.push(tie.step().beside_defects()));
    area.finish().map_err(nothing_is_anomalous)
}

/// The average precision over all pixels of all pictures; see [`average_precision`](crate::average_precision).
///
/// # Errors
///
/// As [`pixel_auroc`].
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{PixelPicture, pixel_average_precision};
/// let picture = PixelPicture { height: 1, width: 3, scores: &[0.5, 0.6, 0.1], mask: &[true, false, false] };
/// assert_eq!(pixel_average_precision(&[picture]), Ok(0.5));
/// ```
pub fn pixel_average_precision(pictures: &[PixelPicture<'_>]) -> Metric {
    let pixels = RankedPixels::new(pictures, Regions::Ignored)?;
    let mut sum = PrecisionSum::default();
    pixels.ties().for_each(|tie| sum.push(tie.step()));
    sum.finish()
}

/// The best F1 over all pixels of all pictures; see [`f1_max`](crate::f1_max).
///
/// # Errors
///
/// As [`pixel_auroc`].
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{PixelPicture, pixel_f1_max};
/// let picture = PixelPicture { height: 1, width: 3, scores: &[0.5, 0.6, 0.1], mask: &[true, true, false] };
/// let best = pixel_f1_max(&[picture])?;
/// assert_eq!((best.f1, best.threshold), (1.0, 0.5));
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn pixel_f1_max(pictures: &[PixelPicture<'_>]) -> Result<F1Max, Undefined> {
    let pixels = RankedPixels::new(pictures, Regions::Ignored)?;
    let mut search = F1Search::new(pixels.n_anomalous);
    pixels.ties().for_each(|tie| search.push(tie.step()));
    search.finish()
}

/// The best intersection over union over all pixels of all pictures; see [`iou_max`](crate::iou_max).
///
/// # Errors
///
/// As [`pixel_auroc`].
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{PixelPicture, pixel_iou_max};
/// let picture = PixelPicture { height: 1, width: 3, scores: &[0.5, 0.6, 0.1], mask: &[true, false, false] };
/// let best = pixel_iou_max(&[picture])?;
/// assert_eq!((best.iou, best.threshold), (0.5, 0.5));
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn pixel_iou_max(pictures: &[PixelPicture<'_>]) -> Result<IouMax, Undefined> {
    let pixels = RankedPixels::new(pictures, Regions::Ignored)?;
    let mut search = F1Search::new(pixels.n_anomalous);
    pixels.ties().for_each(|tie| search.push(tie.step()));
    best_iou(&search)
}

/// All pixel metrics of one set of pictures, each with a value or its own reason.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelMetrics {
    /// See [`pixel_auroc`].
    pub auroc: Metric,
    /// See [`pixel_auroc_anomalous_only`].
    pub auroc_anomalous_only: Metric,
    /// See [`pixel_average_precision`].
    pub average_precision: Metric,
    /// See [`aupr_trapezoid`](crate::aupr_trapezoid), over all pixels.
    pub aupr_trapezoid: Metric,
    /// See [`pixel_f1_max`].
    pub f1_max: Result<F1Max, Undefined>,
    /// See [`pixel_iou_max`].
    pub iou_max: Result<IouMax, Undefined>,
    /// See [`aupro`](crate::aupro), with [`Connectivity::Eight`]; one per limit asked for, in that order.
    pub aupro: Vec<AuproAt>,
    /// See [`pro_curve`](crate::pro_curve), thinned to at most 200 points; its ends are those of the whole curve.
    pub pro_curve: Result<ProCurve, Undefined>,
}

/// About as many points of a curve as can be told apart in a drawing of it.
const CURVE_POINTS: usize = 200;

/// An AUPRO and the limit it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct AuproAt {
    /// The largest false positive rate.
    pub limit: f64,
    /// The area up to it, divided by it.
    pub value: Metric,
}

/// All pixel metrics at once: the pixels are sorted once and walked once.
///
/// Each value equals that of the single function, bit by bit; the curve has fewer points. Takes 8 bytes a pixel beyond the input.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{PixelPicture, Undefined, pixel_metrics};
/// let picture = PixelPicture { height: 1, width: 3, scores: &[0.5, 0.6, 0.1], mask: &[true, true, false] };
/// let metrics = pixel_metrics(&[picture], &[0.3, 2.0]);
/// assert_eq!(metrics.auroc, Ok(1.0));
/// assert_eq!(metrics.aupro[0].value, Ok(1.0));
/// assert_eq!(metrics.aupro[1].value, Err(Undefined::InvalidLimit { limit: 2.0 }));
/// ```
pub fn pixel_metrics(pictures: &[PixelPicture<'_>], pro_limits: &[f64]) -> PixelMetrics {
    match RankedPixels::new(pictures, Regions::Labelled(Connectivity::Eight)) {
        Ok(pixels) => walk_once(&pixels, pro_limits),
        Err(reason) => PixelMetrics {
            auroc: Err(reason.clone()),
            auroc_anomalous_only: Err(reason.clone()),
            average_precision: Err(reason.clone()),
            aupr_trapezoid: Err(reason.clone()),
            f1_max: Err(reason.clone()),
            iou_max: Err(reason.clone()),
            aupro: pro_limits.iter().map(|&limit| AuproAt { limit, value: Err(reason.clone()) }).collect(),
            pro_curve: Err(reason),
        },
    }
}

fn walk_once(pixels: &RankedPixels, pro_limits: &[f64]) -> PixelMetrics {
    let (mut area, mut area_anomalous_only) = (RocArea::default(), RocArea::default());
    let mut precision = PrecisionSum::default();
    let mut trapezoids = TrapezoidSum::default();
    let mut f1 = F1Search::new(pixels.n_anomalous);
    let mut pro = ProWalk::over(pixels);
    let mut sketch = ProSketch::new(pixels.n_normal, CURVE_POINTS);
    let mut pro_areas: Vec<_> =
        pro_limits.iter().map(|&limit| ProArea::new(limit, pixels.n_normal)).collect();

    for tie in pixels.ties() {
        let step = tie.step();
        area.push(step);
        area_anomalous_only.push(step.beside_defects());
        precision.push(step);
        trapezoids.push(step);
        f1.push(step);
        if let Ok(walk) = &mut pro {
            let point = walk.advance(&tie, step);
            for area in &mut pro_areas {
                area.push(point);
            }
            sketch.push(point);
        }
    }

    let aupro = |(&limit, area): (&f64, ProArea)| AuproAt {
        limit,
        value: check_limit(limit).and_then(|()| pro.as_ref().map_err(Clone::clone)).map(|_| area.finish()),
    };
    PixelMetrics {
        auroc: area.finish(),
        auroc_anomalous_only: area_anomalous_only.finish().map_err(nothing_is_anomalous),
        average_precision: precision.finish(),
        aupr_trapezoid: trapezoids.finish(),
        f1_max: f1.finish(),
        iou_max: best_iou(&f1),
        aupro: pro_limits.iter().zip(pro_areas).map(aupro).collect(),
        pro_curve: pro.as_ref().map_err(Clone::clone).map(|_| sketch.finish()),
    }
}

/// Where no picture has a defect, nothing is left to rank: name the cause, not the empty list.
fn nothing_is_anomalous(reason: Undefined) -> Undefined {
    if reason == Undefined::Empty { Undefined::NoAnomalous } else { reason }
}

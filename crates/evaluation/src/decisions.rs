//! Right and wrong decisions at the threshold that a model is used with.

use crate::evaluation::{DefectMetrics, Judged};
use crate::pixels::PixelScores;
use patchcore::{Thresholds, Verdict};
use patchcore_metrics::{
    Bounds, Confusion, Metric, PixelPicture, Share, Undefined, confusion, per_defect_type, pixel_confusion,
};

/// The confidence of all bounds.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// What the thresholds make of the test pictures. They were set without looking at them. A defective picture for review is
/// no escape, and a good one no overkill.
#[derive(Debug, Clone, PartialEq)]
pub struct Decisions {
    /// Image scores at or above this are a defect.
    pub threshold: f32,
    /// Image scores at or above this are not ok; at most the threshold.
    pub review_threshold: f32,
    /// How many good and how many defective pictures are for review.
    pub for_review: [u64; 2],
    /// Scores at or above the threshold of a defect against labels.
    pub counts: Confusion,
    /// Defective pictures among those called a defect.
    pub precision: Result<Rate, Undefined>,
    /// Pictures called a defect among the defective ones.
    pub recall: Result<Rate, Undefined>,
    /// `2 TP / (2 TP + FP + FN)`.
    pub f1: Metric,
    /// Pictures called ok among the defective ones.
    pub escape_rate: Result<Rate, Undefined>,
    /// Pictures called a defect among the good ones.
    pub overkill_rate: Result<Rate, Undefined>,
}

/// What a pixel threshold makes of all pixels. Neighbouring pixels are alike, so there are no bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelDecisions {
    /// Map values at or above this are a defect.
    pub threshold: f32,
    /// Map values at or above it against masks.
    pub counts: Confusion,
    /// Defective pixels among those at or above the threshold.
    pub precision: Metric,
    /// Pixels at or above the threshold among the defective ones.
    pub recall: Metric,
    /// `2 TP / (2 TP + FP + FN)`: the `SegF1` of MVTec AD 2.
    pub f1: Metric,
}

/// A share of pictures, with the bounds of Clopper and Pearson for 95 %.
///
/// ```
/// use patchcore_evaluation::Rate;
/// use patchcore_metrics::Share;
///
/// let none_of_thirty = Share::new(0, 30).and_then(|share| Rate::of(share).ok()).unwrap();
/// assert_eq!((none_of_thirty.share.value(), none_of_thirty.bounds.lower), (0.0, 0.0));
/// assert!((none_of_thirty.bounds.upper - 0.1157).abs() < 1e-4);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How many of how many.
    pub share: Share,
    /// Where the share lies in the long run.
    pub bounds: Bounds,
}

impl Rate {
    /// A share with its bounds.
    ///
    /// # Errors
    /// None in fact: the confidence is a fixed one.
    pub fn of(share: Share) -> Result<Self, Undefined> {
        Ok(Self { share, bounds: share.clopper_pearson(CONFIDENCE)? })
    }
}

/// The decisions on all pictures; their verdicts come from these thresholds.
pub(crate) fn decide(judged: &[Judged], thresholds: Thresholds) -> Result<Decisions, Undefined> {
    let scores: Vec<f32> = judged.iter().map(|j| j.image_score).collect();
    let labels: Vec<bool> = judged.iter().map(|j| j.sample.is_anomalous()).collect();
    let counts = confusion(&scores, &labels, thresholds.defect)?;
    let called = |anomalous, verdict| called(judged, verdict, |j| j.sample.is_anomalous() == anomalous);
    let for_review = |anomalous: bool| {
        let of_class = judged.iter().filter(|j| j.sample.is_anomalous() == anomalous);
        of_class.filter(|j| j.verdict == Some(Verdict::Review)).count() as u64
    };
    Ok(Decisions {
        threshold: thresholds.defect,
        review_threshold: thresholds.review,
        for_review: [for_review(false), for_review(true)],
        counts,
        precision: counts.precision().and_then(Rate::of),
        recall: counts.recall().and_then(Rate::of),
        f1: counts.f1(),
        escape_rate: called(true, Verdict::Ok).unwrap_or(Err(Undefined::NoAnomalous)),
        overkill_rate: called(false, Verdict::Defect).unwrap_or(Err(Undefined::NoNormal)),
    })
}

/// The share of the pictures that `among` picks to which the program says `verdict`; `None` where it picks none.
fn called(
    judged: &[Judged],
    verdict: Verdict,
    among: impl Fn(&Judged) -> bool,
) -> Option<Result<Rate, Undefined>> {
    let (mut count, mut of) = (0, 0);
    for judged in judged.iter().filter(|judged| among(judged)) {
        of += 1;
        count += u64::from(judged.verdict == Some(verdict));
    }
    Share::new(count, of).map(Rate::of)
}

/// Each type of defect; `no_threshold` says why there is no verdict, if there is none.
pub(crate) fn types(judged: &[Judged], no_threshold: Option<&str>) -> Vec<DefectMetrics> {
    let scores: Vec<f32> = judged.iter().map(|j| j.image_score).collect();
    let types: Vec<Option<&str>> =
        judged.iter().map(|j| j.sample.is_anomalous().then_some(j.sample.defect.as_str())).collect();
    // Only their AUROCs are taken from here, which ask for no threshold.
    let found = per_defect_type(&scores, &types, f32::INFINITY).unwrap_or_default();
    let of_type = |t: patchcore_metrics::DefectType| {
        let is_own = |j: &Judged| j.sample.is_anomalous() && j.sample.defect == t.name;
        let escapes = match no_threshold {
            Some(reason) => Err(reason.to_string()),
            None => called(judged, Verdict::Ok, is_own)
                .unwrap_or(Err(Undefined::NoAnomalous))
                .map_err(|reason| reason.to_string()),
        };
        DefectMetrics { auroc: t.auroc, pictures: t.pictures, escapes, name: t.name }
    };
    found.into_iter().map(of_type).collect()
}

/// The decisions on all pixels.
pub(crate) fn decide_pixels(pixels: &[PixelScores], threshold: f32) -> Result<PixelDecisions, Undefined> {
    let pictures: Vec<PixelPicture<'_>> = pixels.iter().map(PixelScores::picture).collect();
    let counts = pixel_confusion(&pictures, threshold)?;
    Ok(PixelDecisions {
        threshold,
        counts,
        precision: counts.precision().map(Share::value),
        recall: counts.recall().map(Share::value),
        f1: counts.f1(),
    })
}

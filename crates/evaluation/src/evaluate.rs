//! One category: every test picture scored, all metrics taken.

use crate::error::{EvaluationError, Fault};
use crate::fusion::{Fusion, fuse_over_set};
use crate::pixels::{PixelRule, PixelScores, metrics};
use patchcore::{Model, Prediction, Progress, Stage, read_ahead};
use patchcore_backbone::FeatureExtractor;
use patchcore_image::{Category, Limits, Mask, Picture, Sample, decode};
use patchcore_metrics::{F1Max, Metric, PixelMetrics, Undefined, auroc, average_precision, f1_max};

/// What a model does on one category.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The category's name.
    pub category: String,
    /// Every test picture, in the data set's order.
    pub pictures: Vec<Judged>,
    /// Metrics of image scores.
    pub image: ImageMetrics,
    /// Metrics of anomaly maps, or why there are none.
    pub pixel: Result<PixelMetrics, String>,
}

/// One test picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// File, defect type, label.
    pub sample: Sample,
    /// Its raw image score.
    pub image_score: f32,
}

/// Metrics of image scores, each with a value or a reason.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageMetrics {
    /// Area under the ROC curve.
    pub auroc: Metric,
    /// Average precision.
    pub average_precision: Metric,
    /// The best F1 over all thresholds: an oracle, it looks at labels.
    pub oracle_f1_max: Result<F1Max, Undefined>,
}

/// How a category is evaluated.
#[derive(Debug, Clone)]
pub struct Options {
    /// How maps and masks are brought together.
    pub rule: PixelRule,
    /// How the members of an ensemble become one.
    pub fusion: Fusion,
    /// What pictures may take.
    pub limits: Limits,
}

/// A test picture with its mask, read.
type Loaded = (Picture, Option<Mask>);

/// Scores all test pictures of `category`; `each` sees every prediction once, in order.
///
/// # Errors
/// [`EvaluationError`]: no test picture; files that cannot be read and masks of another size than their picture, all of
/// them; a picture without a finite score; scores that cannot be fused.
pub fn evaluate<E: FeatureExtractor>(
    model: &Model<E>,
    category: &Category,
    options: &Options,
    progress: &dyn Progress,
    mut each: impl FnMut(&Sample, &Picture, &Prediction) + Send,
) -> Result<Evaluation, EvaluationError> {
    let samples = &category.test;
    let Some(first) = model.members().next().filter(|_| !samples.is_empty()) else {
        return Err(EvaluationError::NoPictures { category: category.name.clone() });
    };
    let preprocess = &first.member().params.preprocess;
    let mut fused = match options.fusion {
        Fusion::Calibrated => None,
        Fusion::Reference => Some(fused_over_all(model, category, options, progress)?.into_iter()),
    };
    let (mut judged, mut pixels) = (Vec::new(), Vec::new());
    walk(samples, &options.limits, progress, |sample, picture, mask| {
        let prediction = match &mut fused {
            None => model.predict(picture),
            Some(all) => all.next().ok_or(patchcore::Error::PicturesChanged),
        };
        let prediction = prediction.map_err(|source| no_score(sample, source))?;
        each(sample, picture, &prediction);
        pixels.push(PixelScores::new(options.rule, preprocess, picture, &prediction.anomaly_map, mask));
        judged.push(Judged { sample: sample.clone(), image_score: prediction.image_score });
        Ok(())
    })?;
    let image = image_metrics(&judged);
    let without_mask = samples.iter().filter(|s| s.is_anomalous() && s.masks.is_empty()).count();
    let pixel = match without_mask {
        0 => Ok(metrics(&pixels)),
        n => Err(format!("{n} anomalous pictures have no mask")),
    };
    Ok(Evaluation { category: category.name.clone(), pictures: judged, image, pixel })
}

/// Every picture's prediction, fused as the original fuses: that takes all of them first.
fn fused_over_all<E: FeatureExtractor>(
    model: &Model<E>,
    category: &Category,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Prediction>, EvaluationError> {
    let mut all = Vec::new();
    walk(&category.test, &options.limits, progress, |sample, picture, _| {
        all.push(model.predict_members(picture).map_err(|source| no_score(sample, source))?);
        Ok(())
    })?;
    fuse_over_set(all).map_err(|reason| EvaluationError::Fusion { category: category.name.clone(), reason })
}

/// Reads all samples, a few ahead, and hands them on until one cannot be used; then reads on to name all such.
fn walk(
    samples: &[Sample],
    limits: &Limits,
    progress: &dyn Progress,
    mut visit: impl FnMut(&Sample, &Picture, Option<&Mask>) -> Result<(), EvaluationError> + Send,
) -> Result<(), EvaluationError> {
    progress.begin(Stage::Evaluate, samples.len());
    let mut faults = Vec::new();
    read_ahead(
        samples.len(),
        |i| load(&samples[i], limits),
        |numbers, loaded| {
            for (sample, loaded) in samples[numbers.clone()].iter().zip(loaded) {
                match loaded {
                    Ok((picture, mask)) if faults.is_empty() => visit(sample, &picture, mask.as_ref())?,
                    Ok(_) => {}
                    Err(fault) => faults.push(fault),
                }
            }
            progress.advance(numbers.len());
            Ok(())
        },
    )?;
    progress.end();
    if faults.is_empty() { Ok(()) } else { Err(EvaluationError::Unusable { faults }) }
}

fn no_score(sample: &Sample, source: patchcore::Error) -> EvaluationError {
    EvaluationError::NoScore { path: sample.path.clone(), source: Box::new(source) }
}

fn load(sample: &Sample, limits: &Limits) -> Result<Loaded, Fault> {
    let mask = sample.mask(limits)?;
    let picture = decode(&sample.path, limits)?;
    let picture_size = [picture.width(), picture.height()];
    match (&mask, sample.masks.first()) {
        (Some(mask), Some(path)) if [mask.width(), mask.height()] != picture_size => Err(Fault::MaskSize {
            mask: path.clone(),
            mask_size: [mask.width(), mask.height()],
            picture: sample.path.clone(),
            picture_size,
        }),
        _ => Ok((picture, mask)),
    }
}

fn image_metrics(judged: &[Judged]) -> ImageMetrics {
    let scores: Vec<f32> = judged.iter().map(|j| j.image_score).collect();
    let labels: Vec<bool> = judged.iter().map(|j| j.sample.is_anomalous()).collect();
    ImageMetrics {
        auroc: auroc(&scores, &labels),
        average_precision: average_precision(&scores, &labels),
        oracle_f1_max: f1_max(&scores, &labels),
    }
}

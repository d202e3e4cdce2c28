//! One category: every test picture scored, all metrics taken.

use crate::error::{EvaluationError, Fault};
use crate::pixels::{PixelRule, PixelScores, metrics};
use patchcore::{Model, Prediction, Progress, Stage, read_ahead};
use patchcore_backbone::FeatureExtractor;
use patchcore_image::{Category, Limits, Mask, Picture, Sample, decode, read_mask};
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

/// A test picture with its mask, read.
type Loaded = (Picture, Option<Mask>);

/// Scores all test pictures of `category`; `each` sees every prediction once, in order.
///
/// # Errors
/// [`EvaluationError`]: no test picture; files that cannot be read and masks of another size than their picture, all of
/// them; a picture without a finite score.
pub fn evaluate<E: FeatureExtractor>(
    model: &Model<E>,
    category: &Category,
    rule: PixelRule,
    limits: &Limits,
    progress: &dyn Progress,
    mut each: impl FnMut(&Sample, &Picture, &Prediction) + Send,
) -> Result<Evaluation, EvaluationError> {
    let samples = &category.test;
    if samples.is_empty() {
        return Err(EvaluationError::NoPictures { category: category.name.clone() });
    }
    progress.begin(Stage::Evaluate, samples.len());
    let (mut judged, mut pixels, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    read_ahead(
        samples.len(),
        |i| load(&samples[i], limits),
        |numbers, loaded| {
            for (sample, loaded) in samples[numbers.clone()].iter().zip(loaded) {
                let (picture, mask) = match loaded {
                    Ok(loaded) => loaded,
                    Err(fault) => {
                        faults.push(fault);
                        continue;
                    }
                };
                if faults.is_empty() {
                    let prediction = model.predict(&picture).map_err(|source| EvaluationError::NoScore {
                        path: sample.path.clone(),
                        source: Box::new(source),
                    })?;
                    each(sample, &picture, &prediction);
                    let preprocess = &model.fitted().params.preprocess;
                    pixels.push(PixelScores::new(
                        rule,
                        preprocess,
                        &picture,
                        &prediction.anomaly_map,
                        mask.as_ref(),
                    ));
                    judged.push(Judged { sample: sample.clone(), image_score: prediction.image_score });
                }
            }
            progress.advance(numbers.len());
            Ok(())
        },
    )?;
    progress.end();
    if !faults.is_empty() {
        return Err(EvaluationError::Unusable { faults });
    }
    let image = image_metrics(&judged);
    let without_mask = samples.iter().filter(|s| s.anomalous && s.mask.is_none()).count();
    let pixel = match without_mask {
        0 => Ok(metrics(&pixels)),
        n => Err(format!("{n} anomalous pictures have no mask")),
    };
    Ok(Evaluation { category: category.name.clone(), pictures: judged, image, pixel })
}

fn load(sample: &Sample, limits: &Limits) -> Result<Loaded, Fault> {
    let mask = sample.mask.as_ref().map(|path| read_mask(path, limits)).transpose()?;
    let picture = decode(&sample.path, limits)?;
    let picture_size = [picture.width(), picture.height()];
    match (&mask, &sample.mask) {
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
    let labels: Vec<bool> = judged.iter().map(|j| j.sample.anomalous).collect();
    ImageMetrics {
        auroc: auroc(&scores, &labels),
        average_precision: average_precision(&scores, &labels),
        oracle_f1_max: f1_max(&scores, &labels),
    }
}

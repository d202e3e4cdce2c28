//! One category: every test picture scored, all metrics taken.

use crate::error::{EvaluationError, Fault};
use crate::evaluation::{Evaluation, Judged, PixelMetrics};
use crate::fusion::{Fusion, fuse_over_set};
use crate::image_metrics::image_metrics;
use crate::judged::InUse;
use crate::pixel_metrics::pixel_metrics;
use crate::pixels::{Grid, PixelRule, PixelScores};
use crate::saturated::{self, Region, regions};
use patchcore::{Model, Prediction, Progress, Stage, read_ahead};
use patchcore_backbone::FeatureExtractor;
use patchcore_image::{Category, Intensity, Limits, Mask, Picture, Sample, Saturation, decode_as};
use patchcore_metrics::Resampling;
use std::path::PathBuf;

/// How a category is evaluated.
///
/// ```
/// use patchcore_evaluation::{Options, PixelRule};
///
/// let options = Options { rule: PixelRule::REFERENCE, ..Options::default() };
/// assert_eq!(options.pro_limits, [0.3, 0.05]);
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the data set lies: pictures are named by their path below it. A manifest's own path, where it is one.
    pub root: PathBuf,
    /// How maps and masks are brought together.
    pub rule: PixelRule,
    /// How the members of an ensemble become one.
    pub fusion: Fusion,
    /// Image scores at or above this are a defect, instead of the model's threshold.
    pub threshold: Option<f32>,
    /// Map values at or above this are a defect, instead of the model's threshold.
    pub pixel_threshold: Option<f32>,
    /// Up to which false positive rates the AUPRO is taken.
    pub pro_limits: Vec<f64>,
    /// When a region counts as found whole, or why that is not known; none in data sets that do not tell:
    /// [`Dataset::saturations`](patchcore_image::Dataset::saturations).
    pub saturations: Result<Vec<Saturation>, String>,
    /// How intervals are drawn.
    pub resampling: Resampling,
    /// What pictures may take.
    pub limits: Limits,
}

/// At the original picture's size, fused as in every prediction, with the model's thresholds.
impl Default for Options {
    fn default() -> Self {
        Self {
            root: PathBuf::new(),
            rule: PixelRule::ORIGINAL,
            fusion: Fusion::Calibrated,
            threshold: None,
            pixel_threshold: None,
            pro_limits: vec![0.3, 0.05],
            saturations: Ok(Vec::new()),
            resampling: Resampling::default(),
            limits: Limits::default(),
        }
    }
}

/// A test picture with its mask, read.
struct Loaded {
    picture: Picture,
    mask: Option<Mask>,
    /// Regions with a saturation, in data sets that tell; or why they cannot be had.
    regions: Result<Vec<Region>, String>,
}

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
    let in_use = InUse::of(model, options);
    let (mut judged, mut pixels) = (Vec::new(), Vec::new());
    let mut regions: Result<Vec<Vec<Region>>, String> = Ok(Vec::new());
    let intensity = model.fitted().training.intensity;
    let load = |sample: &Sample| load(sample, options, intensity);
    walk(samples, Stage::Evaluate, load, progress, |sample, loaded| {
        let Loaded { picture, mask, regions: own } = loaded;
        let prediction = match &mut fused {
            None => model.predict(&picture),
            Some(all) => all.next().ok_or(patchcore::Error::PicturesChanged),
        };
        let prediction = prediction.map_err(|source| no_score(sample, source))?;
        each(sample, &picture, &prediction);
        let map = &prediction.anomaly_map;
        pixels.push(PixelScores::new(options.rule, preprocess, &picture, map, mask.as_ref()));
        match (&mut regions, own) {
            (Ok(all), Ok(own)) => all.push(own),
            (Ok(_), Err(reason)) => regions = Err(reason),
            (Err(_), _) => {}
        }
        judged.push(Judged::new(sample, options, &in_use, prediction.image_score));
        Ok(())
    })?;
    let without_mask = samples.iter().filter(|s| s.is_anomalous() && s.masks.is_empty()).count();
    let pixel = match without_mask {
        0 => Ok(all_pixel_metrics(&pixels, regions, in_use.pixel, options)),
        n => Err(format!("{n} anomalous pictures have no mask")),
    };
    let image = image_metrics(&judged, in_use.image, options.resampling);
    Ok(Evaluation {
        category: category.name.clone(),
        pictures: judged,
        image,
        pixel,
        pro_limits: options.pro_limits.clone(),
    })
}

/// Scores all test pictures of `category` as every prediction does, without a look at any mask: for a
/// [comparison](crate::Pair) of models.
///
/// # Errors
/// [`EvaluationError`]: no test picture; pictures that cannot be read, all of them; a picture without a finite score.
pub fn judge<E: FeatureExtractor>(
    model: &Model<E>,
    category: &Category,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Judged>, EvaluationError> {
    if category.test.is_empty() {
        return Err(EvaluationError::NoPictures { category: category.name.clone() });
    }
    let in_use = InUse::of(model, options);
    let mut judged = Vec::new();
    let intensity = model.fitted().training.intensity;
    let load = |sample: &Sample| Ok(decode_as(&sample.path, &options.limits, intensity)?);
    walk(&category.test, Stage::Evaluate, load, progress, |sample, picture| {
        let prediction = model.predict(&picture).map_err(|source| no_score(sample, source))?;
        judged.push(Judged::new(sample, options, &in_use, prediction.image_score));
        Ok(())
    })?;
    Ok(judged)
}

fn all_pixel_metrics(
    pixels: &[PixelScores],
    regions: Result<Vec<Vec<Region>>, String>,
    threshold: Result<f32, String>,
    options: &Options,
) -> PixelMetrics {
    let mut found = pixel_metrics(pixels, options.rule, &options.pro_limits, threshold, options.resampling);
    found.au_spro = match (&options.saturations, options.rule.grid) {
        (Ok(none), _) if none.is_empty() => None,
        (Err(reason), _) => Some(Err(reason.clone())),
        (Ok(_), Grid::Picture) => Some(regions.and_then(|regions| saturated::area(pixels, &regions))),
        (Ok(_), _) => Some(Err("saturations hold at the pictures' own size only".into())),
    };
    found
}

/// Every picture's prediction, fused as the original fuses: that takes all of them first.
fn fused_over_all<E: FeatureExtractor>(
    model: &Model<E>,
    category: &Category,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Prediction>, EvaluationError> {
    let mut all = Vec::new();
    let intensity = model.fitted().training.intensity;
    let load = |sample: &Sample| Ok(decode_as(&sample.path, &options.limits, intensity)?);
    walk(&category.test, Stage::Evaluate, load, progress, |sample, picture| {
        all.push(model.predict_members(&picture).map_err(|source| no_score(sample, source))?);
        Ok(())
    })?;
    fuse_over_set(all).map_err(|reason| EvaluationError::Fusion { category: category.name.clone(), reason })
}

/// Reads all samples, a few ahead, and hands them on until one cannot be used; then reads on to name all such.
pub(crate) fn walk<T: Send>(
    samples: &[Sample],
    stage: Stage,
    load: impl Fn(&Sample) -> Result<T, Fault> + Sync,
    progress: &dyn Progress,
    mut visit: impl FnMut(&Sample, T) -> Result<(), EvaluationError> + Send,
) -> Result<(), EvaluationError> {
    progress.begin(stage, samples.len());
    let mut faults = Vec::new();
    read_ahead(
        samples.len(),
        |i| load(&samples[i]),
        |numbers, loaded| {
            for (sample, loaded) in samples[numbers.clone()].iter().zip(loaded) {
                match loaded {
                    Ok(loaded) if faults.is_empty() => visit(sample, loaded)?,
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

fn load(sample: &Sample, options: &Options, intensity: Intensity) -> Result<Loaded, Fault> {
    let (picture, mask) = read(sample, &options.limits, intensity)?;
    let regions = match &options.saturations {
        Ok(saturations) if !saturations.is_empty() => regions(sample, saturations, &options.limits),
        _ => Ok(Vec::new()),
    };
    Ok(Loaded { picture, mask, regions })
}

/// A test picture and its mask, which have one size.
pub(crate) fn read(
    sample: &Sample,
    limits: &Limits,
    intensity: Intensity,
) -> Result<(Picture, Option<Mask>), Fault> {
    let mask = sample.mask(limits)?;
    let picture = decode_as(&sample.path, limits, intensity)?;
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

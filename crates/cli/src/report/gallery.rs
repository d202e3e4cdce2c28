//! The pictures that came nearest to a wrong verdict, kept while all are judged.

use super::training::TrainingFiles;
use crate::args::FusionName;
use crate::commands::evaluate::Measuring;
use crate::exit::Failure;
use crate::pictures::{Look, overlay};
use crate::regions::{Asked, Nearest, find};
use patchcore::{Fitted, Prediction};
use patchcore_image::{Category, Limits, Picture, Sample};
use patchcore_regions::regions;
use patchcore_report::{Budget, Example, RegionRow, TestPicture, Thumbnail};
use patchcore_tensor::AnomalyMap;
use std::cmp::Ordering;
use std::path::PathBuf;

/// Pictures of each label that are shown of a category, at most.
const OF_A_LABEL: usize = 4;
/// Thumbnails of an example: picture, overlay, training picture.
const THUMBNAILS: usize = 3;
/// Regions that are listed of a picture.
const REGIONS: usize = 4;

/// Keeps the defects with the lowest scores and the good pictures with the highest.
pub(crate) struct Gallery<'a> {
    fitted: &'a Fitted,
    training: TrainingFiles,
    look: Look,
    pixel_threshold: Option<f32>,
    budget: Budget,
    defects: Hall,
    good: Hall,
}

/// Some places for pictures, the best first.
struct Hall {
    places: usize,
    /// Whether a score deserves its place before another.
    before: fn(f32, f32) -> Ordering,
    kept: Vec<Kept>,
}

/// A picture that has a place for now.
struct Kept {
    path: PathBuf,
    score: f32,
    size: [usize; 2],
    thumbnail: Thumbnail,
    overlay: Thumbnail,
    truth: Vec<[usize; 4]>,
    regions: Vec<RegionRow>,
    n_regions: Option<usize>,
    nearest: Option<patchcore_report::Nearest>,
}

impl<'a> Gallery<'a> {
    /// For one of `categories` categories that share a page.
    pub(crate) fn new(
        fitted: &'a Fitted,
        category: &Category,
        categories: usize,
        measuring: &Measuring<'_>,
    ) -> Self {
        let [_, given] = measuring.thresholds;
        let own = fitted.calibration.as_ref().map(|c| c.pixel_threshold);
        // On a test set's own scale the model's threshold means nothing.
        let (look, pixel_threshold) = match measuring.asked.fusion {
            FusionName::Calibrated => (Look::Model, given.or(own)),
            FusionName::Reference => (Look::TestSet, given),
        };
        let places = super::EXAMPLES / categories.max(1);
        let hall = |places: usize, before| Hall { places: places.min(OF_A_LABEL), before, kept: Vec::new() };
        Self {
            fitted,
            training: TrainingFiles::of_category(category, fitted, measuring.limits),
            look,
            pixel_threshold,
            budget: Budget::for_thumbnails(super::EXAMPLES * THUMBNAILS),
            defects: hall(places.div_ceil(2), |a, b| a.total_cmp(&b)),
            good: hall(places / 2, |a, b| b.total_cmp(&a)),
        }
    }

    /// What is refused of the pictures.
    pub(super) fn limits(&self) -> Limits {
        self.training.limits()
    }

    /// Looks at a judged picture.
    pub(crate) fn see(
        &mut self,
        sample: &Sample,
        picture: &Picture,
        prediction: &Prediction,
    ) -> Result<(), Failure> {
        let hall = if sample.is_anomalous() { &self.defects } else { &self.good };
        let Some(place) = hall.place(prediction.image_score) else { return Ok(()) };
        let kept = self.keep(sample, picture, prediction)?;
        let hall = if sample.is_anomalous() { &mut self.defects } else { &mut self.good };
        hall.kept.insert(place, kept);
        hall.kept.truncate(hall.places);
        Ok(())
    }

    fn keep(&self, sample: &Sample, picture: &Picture, prediction: &Prediction) -> Result<Kept, Failure> {
        let (width, height) = (picture.width(), picture.height());
        let thumbnail = |rgb: &[u8]| Thumbnail::of(rgb, width, height, self.budget);
        let asked = |threshold| Asked { threshold, least_area: 1 };
        let found = self.pixel_threshold.map(|t| find(self.fitted, picture, prediction, asked(t)));
        let n_regions = found.as_ref().map(Vec::len);
        let mut found = found.unwrap_or_default();
        found.truncate(REGIONS);
        let nearest = found.first_mut().and_then(|region| region.nearest.take());
        let row = |r: &crate::regions::Found| RegionRow { bounds: r.bounds, area: r.area, peak: r.peak };
        Ok(Kept {
            path: sample.path.clone(),
            score: prediction.image_score,
            size: [width, height],
            thumbnail: thumbnail(picture.rgb())?,
            overlay: thumbnail(&overlay(self.fitted, self.look, picture, prediction)?)?,
            truth: truth(sample, &self.limits())?,
            regions: found.iter().map(row).collect(),
            n_regions,
            nearest: nearest.map(|nearest| self.nearest(nearest, picture, prediction)),
        })
    }

    /// The training picture with the patch marked, where the picture is at hand and as large as the one that is judged, so
    /// that its patches lie on the same grid.
    fn nearest(
        &self,
        nearest: Nearest,
        judged: &Picture,
        prediction: &Prediction,
    ) -> patchcore_report::Nearest {
        let Nearest { picture: name, patch } = nearest;
        let picture = self.training.picture(&name);
        let thumbnail =
            picture.as_ref().and_then(|p| Thumbnail::of(p.rgb(), p.width(), p.height(), self.budget).ok());
        let same_size = picture.is_some_and(|p| (p.width(), p.height()) == (judged.width(), judged.height()));
        let place = same_size.then(|| self.place(patch, judged, prediction)).flatten();
        patchcore_report::Nearest { picture: super::safe(&name), patch, thumbnail, place }
    }

    /// Where a patch lies, with those around it that its description takes in, in shares of the picture.
    fn place(&self, [row, column]: [u32; 2], picture: &Picture, prediction: &Prediction) -> Option<[f64; 4]> {
        let (member, patches) = (self.fitted.members.first()?, prediction.patches.first()?);
        let (width, height) = (picture.width(), picture.height());
        let [y0, y1, x0, x1] = member.params.preprocess.visible(width, height);
        let along = |at: u32, from: usize, to: usize, patches: usize, whole: usize| {
            let share = |patch: f64| {
                let inside = (patch / patches as f64).clamp(0.0, 1.0);
                (from as f64 + (to - from) as f64 * inside) / whole as f64
            };
            let (start, end) = (share(f64::from(at) - 1.0), share(f64::from(at) + 2.0));
            [start, end - start]
        };
        let [y, h] = along(row, y0, y1, patches.scores.height(), height);
        let [x, w] = along(column, x0, x1, patches.scores.width(), width);
        Some([x, y, w, h])
    }

    /// Defects, then good pictures; `told` gives what is said about the picture of a file.
    pub(super) fn examples(self, told: impl Fn(&PathBuf) -> Option<TestPicture>) -> [Vec<Example>; 2] {
        let example = |kept: Kept| {
            let Kept { path, size, thumbnail, overlay, truth, regions, n_regions, nearest, .. } = kept;
            Some(Example {
                picture: told(&path)?,
                size,
                thumbnail,
                overlay,
                truth,
                regions,
                n_regions,
                nearest,
            })
        };
        [self.defects, self.good].map(|hall| hall.kept.into_iter().filter_map(example).collect())
    }
}

/// Boxes around the largest parts of a picture's mask.
fn truth(sample: &Sample, limits: &Limits) -> Result<Vec<[usize; 4]>, Failure> {
    let Some(mask) = sample.mask(limits)? else { return Ok(Vec::new()) };
    let marked = mask.binary().into_iter().map(|on| f32::from(u8::from(on))).collect();
    let map = AnomalyMap::from_vec(mask.height(), mask.width(), marked).unwrap_or_default();
    let mut parts = regions(&map, 1.0, 1);
    parts.sort_by_key(|part| std::cmp::Reverse(part.area));
    Ok(parts.into_iter().take(REGIONS).map(|part| part.bounds).collect())
}

impl Hall {
    /// Where a picture with this score goes, behind its equals; `None` if others deserve all places more.
    fn place(&self, score: f32) -> Option<usize> {
        let place = self.kept.partition_point(|kept| (self.before)(kept.score, score) != Ordering::Greater);
        (place < self.places).then_some(place)
    }
}

//! Where pictures are defective, for programs: regions with the normal patch that comes nearest, and COCO.

use crate::exit::Failure;
use crate::pictures::map_of;
use patchcore::{Fitted, Prediction};
use patchcore_files::write_atomic;
use patchcore_image::Picture;
use patchcore_regions::{Region, regions};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;

/// What counts as a region.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// Map values at or above this.
    pub(crate) threshold: f32,
    /// Fewer pixels are passed over.
    pub(crate) least_area: usize,
}

/// A region in the picture's own pixels.
#[derive(Serialize)]
pub(crate) struct Found {
    /// `[x, y, width, height]`
    pub(crate) bounds: [usize; 4],
    pub(crate) area: usize,
    pub(crate) peak: f32,
    /// `[x, y]`
    peak_at: [usize; 2],
    mean: f32,
    /// `[x, y]`
    centroid: [f64; 2],
    outline: Vec<[usize; 2]>,
    /// What the model compares the peak with, where it knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) nearest: Option<Nearest>,
}

/// The normal patch that is nearest to a region's peak.
#[derive(Serialize)]
pub(crate) struct Nearest {
    /// The training picture.
    pub(crate) picture: String,
    /// Row and column on that picture's patch grid.
    pub(crate) patch: [u32; 2],
}

/// The regions of one picture, the highest peak first.
pub(crate) fn find(fitted: &Fitted, picture: &Picture, prediction: &Prediction, asked: Asked) -> Vec<Found> {
    let map = map_of(fitted, picture, prediction);
    let found = regions(&map, asked.threshold, asked.least_area).into_iter();
    found
        .map(|region| {
            let nearest = nearest(fitted, picture, prediction, region.peak_at);
            let Region { bounds, area, peak, peak_at, mean, centroid, outline } = region;
            Found { bounds, area, peak, peak_at, mean, centroid, outline, nearest }
        })
        .collect()
}

/// What the first member found nearest to the patch under a pixel.
fn nearest(
    fitted: &Fitted,
    picture: &Picture,
    prediction: &Prediction,
    [x, y]: [usize; 2],
) -> Option<Nearest> {
    let (member, patches) = (fitted.members.first()?, prediction.patches.first()?);
    let [y0, y1, x0, x1] = member.params.preprocess.visible(picture.width(), picture.height());
    // The patch whose share of what the network sees the pixel lies in.
    let along = |at: usize, from: usize, to: usize, patches: usize| {
        (at.clamp(from, to - 1) - from) * patches / (to - from)
    };
    let (height, width) = (patches.scores.height(), patches.scores.width());
    let patch = along(y, y0, y1, height) * width + along(x, x0, x1, width);
    let origin = member.bank.origins.get(*patches.nearest.get(patch)? as usize)?;
    let picture = fitted.training.pictures.get(origin.picture as usize)?.clone();
    Some(Nearest { picture, patch: [origin.y, origin.x] })
}

/// All pictures and their regions in COCO's form.
#[derive(Default)]
pub(crate) struct Coco {
    images: Vec<Value>,
    annotations: Vec<Value>,
}

impl Coco {
    /// Adds a judged picture.
    pub(crate) fn add(&mut self, path: &str, picture: &Picture, found: &[Found]) {
        let image = self.images.len() + 1;
        let (width, height) = (picture.width(), picture.height());
        self.images.push(json!({ "id": image, "file_name": path, "width": width, "height": height }));
        for region in found {
            let outline: Vec<usize> = region.outline.iter().flatten().copied().collect();
            self.annotations.push(json!({
                "id": self.annotations.len() + 1,
                "image_id": image,
                "category_id": 1,
                "bbox": region.bounds,
                "area": region.area,
                "segmentation": [outline],
                "iscrowd": 0,
                "score": crate::output::score_json(region.peak),
            }));
        }
    }

    pub(crate) fn save(&self, path: &Path, force: bool) -> Result<(), Failure> {
        let all = json!({
            "images": self.images,
            "annotations": self.annotations,
            "categories": [{ "id": 1, "name": "defect" }],
        });
        Ok(write_atomic(path, all.to_string().as_bytes(), force)?)
    }
}

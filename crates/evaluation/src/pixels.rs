//! Which pixels are compared with which mask.

use patchcore_image::{Geometry, Mask, Picture, Preprocess};
use patchcore_metrics::mask_rule::{equal_one, non_zero};
use patchcore_metrics::{Metric, PixelMetrics, PixelPicture, pixel_auroc, pixel_metrics};
use patchcore_tensor::AnomalyMap;

/// The largest false positive rate of the AUPRO.
const PRO_LIMIT: f64 = 0.3;

/// How maps and masks are brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelRule {
    /// Maps are brought to the original picture's pixels; every non-zero mask pixel is a defect. Pixels that the crop
    /// hides count with the map's smallest value.
    Original,
    /// Masks are brought to the network's input, as the published code does: only pixels that are exactly one after
    /// bilinear resizing are positive, and a defect outside the crop does not count.
    Reference,
}

impl PixelRule {
    /// The rule that belongs to a geometry: the original's for crops, ours for whole pictures.
    pub fn of(preprocess: &Preprocess) -> Self {
        match preprocess.geometry {
            Geometry::ResizeCrop { .. } | Geometry::Stretch { .. } => Self::Reference,
            Geometry::Whole { .. } => Self::Original,
        }
    }
}

/// The scores and the mask of one picture's pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelScores {
    map: AnomalyMap,
    mask: Vec<bool>,
    /// Whether the mask marks anything at all, be it only half a pixel.
    touched: bool,
}

impl PixelScores {
    pub(crate) fn new(
        rule: PixelRule,
        preprocess: &Preprocess,
        picture: &Picture,
        map: &AnomalyMap,
        mask: Option<&Mask>,
    ) -> Self {
        match rule {
            PixelRule::Original => {
                let (width, height) = (picture.width(), picture.height());
                let mask = mask.map_or_else(|| vec![false; width * height], Mask::binary);
                let touched = mask.contains(&true);
                Self { map: preprocess.map_to_picture(map, width, height), mask, touched }
            }
            PixelRule::Reference => {
                let none = || vec![0.0; map.data().len()];
                let values = mask.map_or_else(none, |mask| preprocess.mask(mask).into_vec());
                let touched = non_zero(&values).contains(&true);
                Self { map: map.clone(), mask: equal_one(&values), touched }
            }
        }
    }

    fn picture(&self) -> PixelPicture<'_> {
        let (height, width) = (self.map.height(), self.map.width());
        PixelPicture { height, width, scores: self.map.data(), mask: &self.mask }
    }
}

/// All pixel metrics; the area over anomalous pictures alone is taken over pictures whose mask marks anything.
pub(crate) fn metrics(pictures: &[PixelScores]) -> PixelMetrics {
    let all: Vec<PixelPicture<'_>> = pictures.iter().map(PixelScores::picture).collect();
    let touched: Vec<PixelPicture<'_>> =
        pictures.iter().filter(|p| p.touched).map(PixelScores::picture).collect();
    let anomalous_only: Metric = pixel_auroc(&touched);
    PixelMetrics { auroc_anomalous_only: anomalous_only, ..pixel_metrics(&all, &[PRO_LIMIT]) }
}

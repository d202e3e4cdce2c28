//! Which pixels are compared with which mask.

use patchcore::{MapStyle, anomaly_map};
use patchcore_image::{Geometry, Mask, Picture, Preprocess};
use patchcore_metrics::PixelPicture;
use patchcore_metrics::mask_rule::{equal_one, non_zero, over_half};
use patchcore_tensor::AnomalyMap;

/// How maps and masks are brought together.
///
/// ```
/// use patchcore_evaluation::{Grid, MaskRule, PixelRule};
/// use patchcore_image::Preprocess;
///
/// let whole = PixelRule::of(&Preprocess::whole(224, 16));
/// assert_eq!(whole, PixelRule { grid: Grid::Picture, mask: MaskRule::Any });
/// assert_eq!(PixelRule::of(&Preprocess::reference(256, 224)), PixelRule::REFERENCE);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelRule {
    /// The pixels in which they meet.
    pub grid: Grid,
    /// Which values of a mask are a defect there.
    pub mask: MaskRule,
}

/// The pixels in which maps and masks meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grid {
    /// The original picture's. Pixels that the crop hides count with the map's smallest value.
    Picture,
    /// The network's input. A defect outside the crop does not count.
    Input,
    /// Height and width of one's own, as other programs measure at 256x256. Masks are resized like pictures, maps bilinearly.
    Size([usize; 2]),
}

/// Which values of a mask are a defect, where 1 is the brightest; resizing makes fractions at the edge of a defect. Masks of
/// classes or of 0 and 1 in 8 bits have small values and need [`Any`](Self::Any).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskRule {
    /// All but 0.
    Any,
    /// Those above 0.5.
    Half,
    /// 1 alone.
    One,
}

impl PixelRule {
    /// Ours: at the original picture's size, where every non-zero mask pixel is a defect.
    pub const ORIGINAL: Self = Self { grid: Grid::Picture, mask: MaskRule::Any };
    /// The published code's: at the network's input, where only pixels that are exactly one after resizing are a defect.
    pub const REFERENCE: Self = Self { grid: Grid::Input, mask: MaskRule::One };

    /// The rule that belongs to a geometry: the published code's for crops, ours for whole pictures.
    pub fn of(preprocess: &Preprocess) -> Self {
        match preprocess.geometry {
            Geometry::ResizeCrop { .. } | Geometry::Stretch { .. } => Self::REFERENCE,
            Geometry::Whole { .. } => Self::ORIGINAL,
        }
    }
}

impl MaskRule {
    fn read(self, values: &[f32]) -> Vec<bool> {
        match self {
            Self::Any => non_zero(values),
            Self::Half => over_half(values),
            Self::One => equal_one(values),
        }
    }
}

/// The scores and the mask of one picture's pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PixelScores {
    map: AnomalyMap,
    mask: Vec<bool>,
    /// Whether the mask marks anything at all, be it only half a pixel.
    pub(crate) touched: bool,
}

impl PixelScores {
    pub(crate) fn new(
        rule: PixelRule,
        preprocess: &Preprocess,
        picture: &Picture,
        map: &AnomalyMap,
        mask: Option<&Mask>,
    ) -> Self {
        let size = [picture.height(), picture.width()];
        let map = match rule.grid {
            Grid::Picture => preprocess.map_to_picture(map, size[1], size[0]),
            Grid::Input => map.clone(),
            Grid::Size(wanted) => brought_to(wanted, preprocess, size, map),
        };
        let Some(mask) = mask else {
            let mask = vec![false; map.data().len()];
            return Self { map, mask, touched: false };
        };
        let values = match rule.grid {
            Grid::Picture => mask.values().iter().map(|&value| f32::from(value) / 255.0).collect(),
            Grid::Input => preprocess.mask(mask).into_vec(),
            Grid::Size(size) => {
                let geometry = Geometry::Stretch { size, crop: size };
                Preprocess { geometry, ..preprocess.clone() }.mask(mask).into_vec()
            }
        };
        let touched = values.iter().any(|&value| value != 0.0);
        Self { map, mask: rule.mask.read(&values), touched }
    }

    pub(crate) fn picture(&self) -> PixelPicture<'_> {
        let (height, width) = (self.map.height(), self.map.width());
        PixelPicture { height, width, scores: self.map.data(), mask: &self.mask }
    }

    /// The map's values, row by row.
    pub(crate) fn scores(&self) -> &[f32] {
        self.map.data()
    }

    /// Whether the mask, as it was read, marks a pixel.
    pub(crate) fn has_defect(&self) -> bool {
        self.mask.contains(&true)
    }
}

/// A map of the input as a map of `wanted` pixels of the picture, `[h, w]`: at once where the input shows all of it, else by
/// way of the picture's own pixels.
fn brought_to(
    wanted: [usize; 2],
    preprocess: &Preprocess,
    [h, w]: [usize; 2],
    map: &AnomalyMap,
) -> AnomalyMap {
    let resampled = |map: &AnomalyMap| anomaly_map(map, wanted, 0.0, MapStyle::Bilinear);
    if preprocess.visible(w, h) == [0, h, 0, w] {
        resampled(map)
    } else {
        resampled(&preprocess.map_to_picture(map, w, h))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(rule: PixelRule, preprocess: &Preprocess, mask: [u8; 16]) -> PixelScores {
        let picture = Picture::from_rgb(4, 4, vec![0; 48]).unwrap();
        let [h, w] = preprocess.input_size(4, 4);
        let map = AnomalyMap::from_vec(h, w, (0..h * w).map(|i| i as f32).collect()).unwrap();
        let mask = Mask::from_values(4, 4, mask.to_vec()).unwrap();
        PixelScores::new(rule, preprocess, &picture, &map, Some(&mask))
    }

    #[test]
    fn which_values_are_a_defect() {
        let whole = Preprocess::whole(4, 4);
        let mask = [0, 1, 127, 128, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let marked = |mask_rule| {
            let found = scores(PixelRule { grid: Grid::Picture, mask: mask_rule }, &whole, mask);
            assert!(found.touched);
            found.mask.iter().filter(|&&defect| defect).count()
        };
        assert_eq!([MaskRule::Any, MaskRule::Half, MaskRule::One].map(marked), [5, 3, 1]);
    }

    #[test]
    fn a_size_of_ones_own() {
        let whole = Preprocess::whole(4, 4);
        let mask = [255, 255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let at =
            |size, mask_rule| scores(PixelRule { grid: Grid::Size(size), mask: mask_rule }, &whole, mask);
        // The input itself: nothing is resampled.
        assert_eq!(at([4, 4], MaskRule::Any).map.data()[..5], [0.0, 1.0, 2.0, 3.0, 4.0]);
        let half = at([2, 2], MaskRule::Half);
        assert_eq!((half.map.height(), half.map.width(), half.mask.len()), (2, 2, 4));
        assert_eq!(half.mask, [true, false, false, false]);
        assert!(at([2, 2], MaskRule::Any).mask.iter().filter(|&&defect| defect).count() > 1);
        // A crop hides the frame, which gets the least value: by way of the picture.
        let cropped = Preprocess::reference(4, 2);
        let found = scores(PixelRule { grid: Grid::Size([4, 4]), mask: MaskRule::Any }, &cropped, mask);
        assert_eq!((found.map.data()[0], found.map.data()[15]), (0.0, 0.0));
        assert!(found.map.data()[10] > 2.5);
    }
}

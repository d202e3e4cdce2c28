//! From a picture to the backbone's input, and from a map of that input back to the picture.
//!
//! ```text
//! picture [h, w, 3] u8 -> resize -> crop -> / 255 -> - mean -> / std -> tensor [1, h', w', 3]
//! map [h', w'] -> bilinear -> map [h, w] of the picture's own pixels
//! ```

mod axis;
mod nearest;
mod resize;
mod to_picture;

use crate::mask::Mask;
use crate::picture::Picture;
use axis::Axis;
use patchcore_tensor::{AnomalyMap, Tensor};
use resize::resize;
use serde::{Deserialize, Serialize};

/// Means of the ImageNet training pictures, per channel, of values in 0..=1.
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviations that belong to [`IMAGENET_MEAN`].
const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];
/// More pixels than this along an input side serve no backbone; a larger number is a broken file.
const MAX_INPUT_SIDE: usize = 1 << 14;

/// How a picture becomes the backbone's input; part of a model, since fit and predict must agree on it.
///
/// # Examples
///
/// ```
/// use patchcore_image::{Geometry, Picture, Preprocess};
///
/// let preprocess = Preprocess::reference(256, 224);
/// assert_eq!(preprocess.geometry, Geometry::ResizeCrop { resize: 256, crop: [224, 224] });
/// assert_eq!(preprocess.input_size(320, 240), [224, 224]);
///
/// let white = Picture::from_rgb(320, 240, vec![255; 320 * 240 * 3])?;
/// let tensor = preprocess.apply(&white);
/// assert_eq!(tensor.pixel(0, 100, 100)[0], (1.0 - 0.485) / 0.229);
/// # Ok::<(), patchcore_image::PictureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Which part of the picture is seen, at which size.
    pub geometry: Geometry,
    /// Subtracted from each channel's values in 0..=1.
    pub mean: [f32; 3],
    /// Each channel's values are divided by it after that.
    pub std: [f32; 3],
}

/// Which part of a picture the backbone sees, at which size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Geometry {
    /// As the original does it: the shorter side becomes `resize`, then the centre is cut out. What lies outside the
    /// cut is never inspected. A side that is shorter than the cut is padded with black.
    ResizeCrop {
        /// Pixels of the shorter side before the cut.
        resize: usize,
        /// Size of the cut, `[h, w]`.
        crop: [usize; 2],
    },
    /// As anomalib does it: both sides are brought to `size`, whatever the aspect, then the centre is cut out.
    Stretch {
        /// Size before the cut, `[h, w]`.
        size: [usize; 2],
        /// Size of the cut, `[h, w]`; the same as `size` cuts nothing away.
        crop: [usize; 2],
    },
    /// The whole picture, its aspect kept up to rounding: an area of about `area_side` squared, both sides multiples
    /// of `multiple` (and at least that).
    Whole {
        /// Side of the square that has the wanted area.
        area_side: usize,
        /// What the sides are multiples of: the backbone's stride.
        multiple: usize,
    },
}

/// A [`Preprocess`] that cannot run, met in a model or configuration file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PreprocessError {
    /// A size is zero or absurdly large.
    #[error("{name} is {got}, must be in 1..={MAX_INPUT_SIDE}")]
    Size {
        /// The field.
        name: &'static str,
        /// Its value.
        got: usize,
    },
    /// A mean is not finite, or a standard deviation is not above zero.
    #[error("{name} is {got:?}, must be finite{}", if *.name == "std" { " and above 0" } else { "" })]
    Normalisation {
        /// The field.
        name: &'static str,
        /// Its value.
        got: [f32; 3],
    },
}

impl Preprocess {
    /// The original's preprocessing: shorter side to `resize`, square cut of `image_size`, ImageNet mean and deviation.
    ///
    /// The published models use (256, 224) and (366, 320).
    pub fn reference(resize: usize, image_size: usize) -> Self {
        Self::imagenet(Geometry::ResizeCrop { resize, crop: [image_size, image_size] })
    }

    /// The whole picture at an area of about `area_side` squared, ImageNet mean and deviation.
    ///
    /// ```
    /// use patchcore_image::Preprocess;
    ///
    /// let whole = Preprocess::whole(224, 16);
    /// assert_eq!(whole.input_size(1024, 1024), [224, 224]);
    /// assert_eq!(whole.input_size(700, 1000), [272, 192]);
    /// assert_eq!(whole.input_size(5000, 200), [48, 1120]);
    /// ```
    pub fn whole(area_side: usize, multiple: usize) -> Self {
        Self::imagenet(Geometry::Whole { area_side, multiple })
    }

    fn imagenet(geometry: Geometry) -> Self {
        Self { geometry, mean: IMAGENET_MEAN, std: IMAGENET_STD }
    }

    /// Checks values that came from a file; the other methods take them as sound.
    ///
    /// # Errors
    /// [`PreprocessError`] that names the first bad field.
    pub fn check(&self) -> Result<(), PreprocessError> {
        let sizes = match self.geometry {
            Geometry::ResizeCrop { resize, crop: [h, w] } => {
                vec![("resize", resize), ("crop height", h), ("crop width", w)]
            }
            Geometry::Stretch { size: [h, w], crop } => {
                vec![("height", h), ("width", w), ("crop height", crop[0]), ("crop width", crop[1])]
            }
            Geometry::Whole { area_side, multiple } => vec![("area_side", area_side), ("multiple", multiple)],
        };
        if let Some(&(name, got)) = sizes.iter().find(|(_, size)| !(1..=MAX_INPUT_SIDE).contains(size)) {
            return Err(PreprocessError::Size { name, got });
        }
        if !self.mean.iter().all(|v| v.is_finite()) {
            return Err(PreprocessError::Normalisation { name: "mean", got: self.mean });
        }
        if !self.std.iter().all(|v| v.is_finite() && *v > 0.0) {
            return Err(PreprocessError::Normalisation { name: "std", got: self.std });
        }
        Ok(())
    }

    /// The size `[h, w]` of the input that a picture of `width` x `height` pixels becomes.
    ///
    /// # Panics
    /// If a side is zero.
    pub fn input_size(&self, width: usize, height: usize) -> [usize; 2] {
        let [rows, columns] = self.axes(width, height);
        [rows.output, columns.output]
    }

    /// The backbone's input for a picture: a tensor `[1, h, w, 3]`.
    ///
    /// Resizing works in 8 bits, horizontally first, as in the original; for the same decoded pixels the result is
    /// the original's, bit for bit.
    pub fn apply(&self, picture: &Picture) -> Tensor {
        let [h, w] = self.input_size(picture.width(), picture.height());
        let mut tensor = Tensor::zeros([1, h, w, 3]);
        self.apply_to(picture, tensor.data_mut());
        tensor
    }

    /// [`apply`](Self::apply) into a picture's place in a batch: `input` is `[h, w, 3]` of the
    /// [`input_size`](Self::input_size).
    ///
    /// # Panics
    /// If `input` has not that length.
    pub fn apply_to(&self, picture: &Picture, input: &mut [f32]) {
        let [rows, columns] = self.axes(picture.width(), picture.height());
        assert_eq!(input.len(), rows.output * columns.output * 3, "not the size of the input");
        let seen = resize::<3>(picture.rgb(), rows, columns);
        let tables = self.normalised();
        for (out, pixel) in input.as_chunks_mut::<3>().0.iter_mut().zip(seen.as_chunks::<3>().0) {
            for c in 0..3 {
                out[c] = tables[c][usize::from(pixel[c])];
            }
        }
        patchcore_faults::spoil("resize", input);
    }

    /// A mask brought to the input's size as the original does it, values in 0..=1.
    ///
    /// Grey masks are blended like pictures, so that edges hold fractions; masks of classes (1 bit, palette) take the
    /// nearest pixel. This serves comparison with the original's pixel metrics only: prefer
    /// [`map_to_picture`](Self::map_to_picture) and the mask as it is.
    pub fn mask(&self, mask: &Mask) -> AnomalyMap {
        let [rows, columns] = self.axes(mask.width(), mask.height());
        let seen = if mask.nearest() {
            nearest::resize(mask.values(), rows, columns)
        } else {
            resize::<1>(mask.values(), rows, columns)
        };
        let values = seen.iter().map(|&v| f32::from(v) / 255.0).collect();
        to_picture::map_of(rows.output, columns.output, values)
    }

    /// A map of the input's size brought back to the pixels of the picture, `height` x `width`.
    ///
    /// Bilinear between the centres of the map's pixels, constant beyond the outermost ones. Pixels that the crop hides
    /// (see [`visible`](Self::visible)) were not inspected; they get the smallest value of the map and so count as
    /// least anomalous.
    ///
    /// # Panics
    /// If a side is zero or the map has not the [`input_size`](Self::input_size) of such a picture.
    pub fn map_to_picture(&self, map: &AnomalyMap, width: usize, height: usize) -> AnomalyMap {
        let [rows, columns] = self.axes(width, height);
        to_picture::map_to_picture(map, rows, columns)
    }

    /// The rectangle `[y0, y1, x0, x1]` of the picture's pixels (ends excluded) that the input shows, in part or whole.
    ///
    /// ```
    /// use patchcore_image::Preprocess;
    ///
    /// assert_eq!(Preprocess::reference(256, 224).visible(1024, 1024), [64, 960, 64, 960]);
    /// assert_eq!(Preprocess::whole(224, 16).visible(1024, 700), [0, 700, 0, 1024]);
    /// ```
    ///
    /// # Panics
    /// If a side is zero.
    pub fn visible(&self, width: usize, height: usize) -> [usize; 4] {
        let [rows, columns] = self.axes(width, height);
        let ([y0, y1], [x0, x1]) = (rows.visible(), columns.visible());
        [y0, y1, x0, x1]
    }

    /// What happens to the rows and the columns of a picture.
    fn axes(&self, width: usize, height: usize) -> [Axis; 2] {
        assert!(width > 0 && height > 0, "a picture of {width}x{height} pixels shows nothing");
        match self.geometry {
            Geometry::ResizeCrop { resize, crop: [h, w] } => {
                let short = width.min(height);
                let resized = |side: usize| if side == short { resize } else { resize * side / short };
                [Axis::cropped(height, resized(height), h), Axis::cropped(width, resized(width), w)]
            }
            Geometry::Stretch { size, crop: [h, w] } => {
                [Axis::cropped(height, size[0], h), Axis::cropped(width, size[1], w)]
            }
            Geometry::Whole { area_side, multiple } => {
                let scale = area_side as f64 / (width as f64 * height as f64).sqrt();
                let side = |n: usize| {
                    let multiples = (n as f64 * scale / multiple as f64).round().max(1.0);
                    multiples as usize * multiple
                };
                [Axis::whole(height, side(height)), Axis::whole(width, side(width))]
            }
        }
    }

    /// What each 8-bit value becomes in each channel. The order of operations is the original's, rounding included.
    fn normalised(&self) -> [[f32; 256]; 3] {
        std::array::from_fn(|c| std::array::from_fn(|v| (v as f32 / 255.0 - self.mean[c]) / self.std[c]))
    }
}

/// A picture brought to `[h, w]` whatever its aspect, `[h, w, 3]`.
pub(crate) fn shrunk(picture: &Picture, [h, w]: [usize; 2]) -> Vec<u8> {
    resize::<3>(picture.rgb(), Axis::whole(picture.height(), h), Axis::whole(picture.width(), w))
}

#[cfg(test)]
mod tests;

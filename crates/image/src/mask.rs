//! Ground-truth masks: which pixels are defective.

use crate::decode::{Raster, mask_raster};
use crate::error::{DecodeError, ImageError};
use crate::intensity::Intensity;
use crate::limits::Limits;
use crate::picture::PictureError;
use patchcore_files::read_regular;
use std::path::Path;

/// A ground-truth mask in the pixels of its picture, `[h, w]`; a pixel other than zero is defective.
///
/// ```
/// use patchcore_image::Mask;
///
/// let mask = Mask::from_values(3, 1, vec![0, 255, 1])?;
/// assert_eq!(mask.binary(), [false, true, true]);
/// assert!(mask.is_defect(0, 1));
/// # Ok::<(), patchcore_image::PictureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    width: usize,
    height: usize,
    values: Vec<u8>,
    nearest: bool,
}

/// Reads a mask file.
///
/// Grey values are taken as they are (255 in most data sets, a class number in some), a palette's pixels as their
/// numbers. Alpha is ignored. An RGB file is taken if all its pixels are grey.
///
/// # Errors
///
/// [`ImageError`] as for [`decode`](crate::decode()), and for coloured masks and JPEG, whose losses would invent
/// defective pixels.
pub fn read_mask(path: &Path, limits: &Limits) -> Result<Mask, ImageError> {
    let bytes = read_regular(path, limits.max_file_bytes)?;
    let mask = mask_raster(&bytes, limits).and_then(Mask::from_raster);
    mask.map_err(|fault| ImageError::Decode { path: path.to_path_buf(), fault })
}

impl Mask {
    /// Takes `values`, `[height, width]`, as a mask of blendable grey values.
    ///
    /// # Errors
    /// [`PictureError`] if a side is zero or the length is not `width * height`.
    pub fn from_values(width: usize, height: usize, values: Vec<u8>) -> Result<Self, PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::NoPixels { width, height });
        }
        if width.checked_mul(height) != Some(values.len()) {
            return Err(PictureError::MaskLength { width, height, got: values.len() });
        }
        Ok(Self { width, height, values, nearest: false })
    }

    /// Both masks as one: the larger value at every pixel. Classes stay classes only if both hold classes.
    /// `None` if their sizes differ.
    pub(crate) fn join(mut self, other: &Self) -> Option<Self> {
        if [self.width, self.height] != [other.width, other.height] {
            return None;
        }
        for (value, &second) in self.values.iter_mut().zip(&other.values) {
            *value = second.max(*value);
        }
        self.nearest &= other.nearest;
        Some(self)
    }

    fn from_raster(raster: Raster) -> Result<Self, DecodeError> {
        let Raster { width, height, samples, classes } = raster;
        // As the original reads them: grey of 16 bits keeps all that is not zero.
        let values = match samples.into_bytes(Intensity::Original)? {
            (grey, true, _) => grey,
            (rgb, false, _) => grey_of(&rgb, width)?,
        };
        Ok(Self { width, height, values, nearest: classes })
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The values of the file, `[h, w]` in memory order.
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// Whether the file held classes (1 bit or a palette), which are resized without blending.
    pub fn nearest(&self) -> bool {
        self.nearest
    }

    /// Whether the pixel at row `y`, column `x` is defective.
    ///
    /// # Panics
    /// If the place is outside the mask.
    pub fn is_defect(&self, y: usize, x: usize) -> bool {
        assert!(
            y < self.height && x < self.width,
            "({y}, {x}) outside a {}x{} mask",
            self.width,
            self.height
        );
        self.values[y * self.width + x] != 0
    }

    /// Whether each pixel is defective, `[h, w]` in memory order.
    pub fn binary(&self) -> Vec<bool> {
        self.values.iter().map(|&v| v != 0).collect()
    }
}

/// The first channel of pixels whose channels are all equal.
fn grey_of(rgb: &[u8], width: usize) -> Result<Vec<u8>, DecodeError> {
    let pixels = rgb.as_chunks::<3>().0;
    if let Some(i) = pixels.iter().position(|[r, g, b]| r != g || g != b) {
        let what =
            format!("a coloured mask (pixel {},{} is {:?}, not grey)", i % width, i / width, pixels[i]);
        return Err(DecodeError::Unsupported { what });
    }
    Ok(pixels.iter().map(|p| p[0]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat};

    fn saved(picture: &DynamicImage, format: ImageFormat) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mask");
        picture.save_with_format(&path, format).unwrap();
        (dir, path)
    }

    #[test]
    fn case_28_grey_in_three_channels_is_grey() {
        let grey = image::GrayImage::from_raw(2, 1, vec![0, 255]).unwrap();
        for picture in [DynamicImage::from(grey.clone()), DynamicImage::from(grey).to_rgb8().into()] {
            let (_dir, path) = saved(&picture, ImageFormat::Bmp);
            let mask = read_mask(&path, &Limits::default()).unwrap();
            assert_eq!((mask.values(), mask.nearest()), (&[0, 255][..], false));
        }
    }

    #[test]
    fn case_28_colours_are_refused_with_their_place() {
        let (_dir, path) = saved(
            &image::RgbImage::from_raw(2, 1, vec![0, 0, 0, 255, 0, 0]).unwrap().into(),
            ImageFormat::Png,
        );
        let error = read_mask(&path, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains("pixel 1,0 is [255, 0, 0]"), "{error}");
    }

    #[test]
    fn joined_masks_mark_what_either_marks() {
        let mask = |values: [u8; 3]| Mask::from_values(3, 1, values.to_vec()).unwrap();
        assert_eq!(mask([0, 1, 7]).join(&mask([2, 0, 3])).unwrap().values(), [2, 1, 7]);
        assert_eq!(mask([0; 3]).join(&Mask::from_values(1, 3, vec![0; 3]).unwrap()), None);
    }

    #[test]
    fn a_wrong_length_is_refused() {
        assert!(Mask::from_values(2, 2, vec![0; 3]).is_err());
        assert!(Mask::from_values(0, 2, vec![]).is_err());
    }
}

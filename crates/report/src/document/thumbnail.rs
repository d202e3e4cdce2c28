//! A picture made small enough to lie inside a page.

use crate::ReportError;
use crate::picture::{check_rgb, file_size};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Rgb};
use serde::Serialize;

/// The longer side of a thumbnail, at most, in pixels.
const SIDE: usize = 360;
/// Bytes of all thumbnails of a report together, at most.
const ALL: usize = 3_300_000;
/// Bytes of one, at most.
const ONE: usize = 60_000;
/// JPEG qualities, tried in this order.
const QUALITIES: [u8; 3] = [86, 65, 40];

/// How large the thumbnails of a report may be, so that its page stays small however large the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    bytes: usize,
}

impl Budget {
    /// What each of so many thumbnails may take.
    pub fn for_thumbnails(number: usize) -> Self {
        Self { bytes: (ALL / number.max(1)).min(ONE) }
    }
}

/// A picture made small, as JPEG. In JSON only its size is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thumbnail {
    width: usize,
    height: usize,
    #[serde(skip)]
    jpeg: Vec<u8>,
}

impl Thumbnail {
    /// Makes a picture of `height * width` pixels of 3 bytes, row by row, small enough for the budget; it is never
    /// enlarged.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if there are no pixels or they do not fill the size.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patchcore_report::{Budget, Thumbnail};
    /// let small = Thumbnail::of(&vec![90; 3 * 720 * 540], 720, 540, Budget::for_thumbnails(24))?;
    /// assert_eq!((small.width(), small.height()), (360, 270));
    /// assert_eq!(small.jpeg()[..2], [0xff, 0xd8]);
    /// # Ok::<(), patchcore_report::ReportError>(())
    /// ```
    pub fn of(rgb: &[u8], width: usize, height: usize, budget: Budget) -> Result<Self, ReportError> {
        check_rgb(rgb, width, height)?;
        let (w, h) = file_size(width, height)?;
        let picture = ImageBuffer::<Rgb<u8>, &[u8]>::from_raw(w, h, rgb)
            .ok_or(ReportError::TooLarge { width, height })?;
        let mut side = SIDE.min(width.max(height));
        loop {
            let [w, h] = fitted([width, height], side);
            let small = resize(&picture, w, h, FilterType::Triangle);
            for quality in QUALITIES {
                let mut jpeg = Vec::new();
                JpegEncoder::new_with_quality(&mut jpeg, quality)
                    .encode_image(&small)
                    .map_err(ReportError::Jpeg)?;
                if jpeg.len() <= budget.bytes || side <= 16 {
                    return Ok(Self { width: w as usize, height: h as usize, jpeg });
                }
            }
            side = side * 2 / 3;
        }
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The file.
    pub fn jpeg(&self) -> &[u8] {
        &self.jpeg
    }
}

/// Both sides, so that the longer one is `side`; none is zero.
fn fitted(sides: [usize; 2], side: usize) -> [u32; 2] {
    let longer = sides[0].max(sides[1]) as f64;
    sides.map(|s| ((s as f64 * side as f64 / longer).round() as u32).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise is what JPEG makes least of.
    #[test]
    fn noise_stays_within_the_budget() {
        let mut state = 1u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(3 * 400 * 300)
        .collect();
        for number in [1, 24, 150] {
            let budget = Budget::for_thumbnails(number);
            let small = Thumbnail::of(&noise, 400, 300, budget).unwrap();
            assert!(small.jpeg.len() <= budget.bytes, "{} of {}", small.jpeg.len(), budget.bytes);
            assert!(number * budget.bytes <= ALL);
        }
    }

    #[test]
    fn sides_keep_their_shape_and_are_never_zero() {
        assert_eq!(fitted([4000, 10], 360), [360, 1]);
        assert_eq!(fitted([30, 60], 60), [30, 60]);
        let line = Thumbnail::of(&[7; 3 * 5000], 5000, 1, Budget::for_thumbnails(1)).unwrap();
        assert_eq!((line.width(), line.height()), (360, 1));
    }

    #[test]
    fn the_original_is_still_to_be_seen_in_it() {
        let mut rgb = vec![20; 3 * 64 * 64];
        rgb[..3 * 64 * 32].fill(220);
        let small = Thumbnail::of(&rgb, 64, 64, Budget::for_thumbnails(24)).unwrap();
        let read = image::load_from_memory(&small.jpeg).unwrap().to_rgb8();
        assert!(read.get_pixel(30, 8)[0] > 200 && read.get_pixel(30, 56)[0] < 40);
    }
}

//! The decoded picture.

use crate::format::Misnamed;

/// A picture of 8-bit RGB values, `[h, w, 3]` in memory order, with at least one pixel.
///
/// ```
/// use patchcore_image::Picture;
///
/// let red = Picture::from_rgb(2, 1, vec![255, 0, 0, 255, 0, 0])?;
/// assert_eq!((red.width(), red.height()), (2, 1));
/// assert!(Picture::from_rgb(2, 2, vec![0; 6]).is_err());
/// # Ok::<(), patchcore_image::PictureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    clipped: usize,
    misnamed: Option<Misnamed>,
}

/// A buffer that is not the picture it was said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// One side is zero.
    #[error("a picture of {width}x{height} pixels shows nothing")]
    NoPixels {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The buffer does not hold three values per pixel.
    #[error("a picture of {width}x{height} pixels needs three values for each, got {got} values")]
    Length {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Length of the buffer.
        got: usize,
    },
    /// The buffer does not hold one value per pixel of a mask.
    #[error("a mask of {width}x{height} pixels needs one value for each, got {got} values")]
    MaskLength {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Length of the buffer.
        got: usize,
    },
}

impl Picture {
    /// Takes `rgb`, `[height, width, 3]`, as a picture.
    ///
    /// # Errors
    /// [`PictureError`] if a side is zero or the length is not `width * height * 3`.
    pub fn from_rgb(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self, PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::NoPixels { width, height });
        }
        let expected = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3));
        if expected != Some(rgb.len()) {
            return Err(PictureError::Length { width, height, got: rgb.len() });
        }
        Ok(Self { width, height, rgb, clipped: 0, misnamed: None })
    }

    /// With the number of values that were outside the declared window.
    pub(crate) fn with_clipped(self, clipped: usize) -> Self {
        Self { clipped, ..self }
    }

    /// How many of the values were outside the window that is declared for the pictures, and stand at its edge now; 0 where
    /// none is.
    pub fn clipped(&self) -> usize {
        self.clipped
    }

    /// With what is wrong about its file's name.
    pub(crate) fn with_name_judged(self, misnamed: Option<Misnamed>) -> Self {
        Self { misnamed, ..self }
    }

    /// What is wrong about the ending of the file that it was read from, if something is.
    pub fn misnamed(&self) -> Option<Misnamed> {
        self.misnamed
    }

    /// Whether no pixel has a colour: red, green and blue are equal everywhere, however the file stored them.
    pub fn is_grey(&self) -> bool {
        self.rgb.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b)
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All values, `[h, w, 3]` in memory order.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_coloured_pixel_makes_a_picture_coloured() {
        let mut rgb = [7, 7, 7, 250, 250, 250].to_vec();
        assert!(Picture::from_rgb(2, 1, rgb.clone()).unwrap().is_grey());
        rgb[5] = 249;
        assert!(!Picture::from_rgb(2, 1, rgb).unwrap().is_grey());
    }

    #[test]
    fn wrong_lengths_and_empty_sides_are_refused() {
        assert_eq!(Picture::from_rgb(0, 3, vec![]), Err(PictureError::NoPixels { width: 0, height: 3 }));
        assert_eq!(
            Picture::from_rgb(2, 1, vec![0; 5]),
            Err(PictureError::Length { width: 2, height: 1, got: 5 })
        );
        assert!(Picture::from_rgb(usize::MAX, 2, vec![]).is_err());
    }
}

//! A picture in memory, and its way into PNG.

use crate::ReportError;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

/// Red, green, blue, `width * height` pixels, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

impl Picture {
    /// A picture of one colour.
    pub(crate) fn filled(width: usize, height: usize, colour: [u8; 3]) -> Self {
        Self { width, height, rgb: colour.repeat(width * height) }
    }

    /// Paints one pixel; outside the picture nothing happens.
    pub(crate) fn set(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        if x < self.width && y < self.height {
            let at = (y * self.width + x) * 3;
            self.rgb[at..at + 3].copy_from_slice(&colour);
        }
    }

    /// Encodes the picture as 8-bit RGB PNG.
    pub(crate) fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        let (width, height) = file_size(self.width, self.height)?;
        patchcore_faults::io("encode").map_err(|e| ReportError::Png(e.into()))?;
        let mut png = Vec::new();
        PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::Adaptive)
            .write_image(&self.rgb, width, height, ExtendedColorType::Rgb8)
            .map_err(ReportError::Png)?;
        Ok(png)
    }
}

/// Refuses a buffer that does not fill its picture.
pub(crate) fn check_rgb(rgb: &[u8], width: usize, height: usize) -> Result<(), ReportError> {
    let expected = width.checked_mul(height).and_then(|n| n.checked_mul(3));
    if expected == Some(rgb.len()) {
        return Ok(());
    }
    let expected = expected.unwrap_or(usize::MAX);
    Err(ReportError::PictureSize { width, height, expected, got: rgb.len() })
}

/// Width and height as file formats hold them.
pub(crate) fn file_size(width: usize, height: usize) -> Result<(u32, u32), ReportError> {
    if width == 0 || height == 0 {
        return Err(ReportError::NoPixels { width, height });
    }
    // PNG's own limit; TIFF allows twice as much.
    match (i32::try_from(width), i32::try_from(height)) {
        (Ok(w), Ok(h)) => Ok((w.unsigned_abs(), h.unsigned_abs())),
        _ => Err(ReportError::TooLarge { width, height }),
    }
}

/// `over` laid on `under`; `alpha` 0 leaves `under`, 255 hides it.
pub(crate) fn blend(under: u8, over: u8, alpha: u8) -> u8 {
    let (under, over, alpha) = (u32::from(under), u32::from(over), u32::from(alpha));
    ((under * (255 - alpha) + over * alpha + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blending_is_exact_at_its_ends() {
        for value in 0..=255 {
            assert_eq!(blend(value, 77, 0), value);
            assert_eq!(blend(77, value, 255), value);
            assert_eq!(blend(value, value, 131), value);
        }
    }

    #[test]
    fn sizes_that_no_file_holds() {
        assert!(matches!(file_size(0, 3), Err(ReportError::NoPixels { width: 0, height: 3 })));
        assert!(matches!(file_size(1 << 31, 3), Err(ReportError::TooLarge { .. })));
        assert_eq!(file_size(i32::MAX as usize, 1).unwrap(), (i32::MAX as u32, 1));
    }
}

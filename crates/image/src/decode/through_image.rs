//! The way through the `image` crate: size first, pixels second.

use super::Format;
use super::raster::{Raster, Samples};
use crate::error::{DecodeError, Exceeded};
use crate::limits::Limits;
use image::{DynamicImage, ImageDecoder, ImageReader};
use std::io::Cursor;

pub(super) fn decode(format: Format, bytes: &[u8], limits: &Limits) -> Result<Raster, DecodeError> {
    let fault = |error| fault(format, limits, error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.of_image_crate());
    let mut memory = image::Limits::no_limits();
    memory.max_alloc = Some(limits.max_alloc);
    reader.limits(memory);
    let decoder = reader.into_decoder().map_err(fault)?;
    let (width, height) = decoder.dimensions();
    limits.check_size(width, height)?;
    limits.check_memory(decoder.total_bytes())?;
    let pixels = DynamicImage::from_decoder(decoder).map_err(fault)?;
    Ok(Raster { width: width as usize, height: height as usize, samples: samples(pixels)?, classes: false })
}

fn samples(pixels: DynamicImage) -> Result<Samples, DecodeError> {
    use DynamicImage as D;
    Ok(match pixels {
        D::ImageLuma8(p) => Samples::Grey(p.into_raw()),
        D::ImageLumaA8(p) => Samples::Grey(p.as_raw().iter().step_by(2).copied().collect()),
        D::ImageRgb8(p) => Samples::Rgb(p.into_raw()),
        D::ImageRgba8(p) => Samples::Rgb(without_alpha(p.into_raw())),
        D::ImageLuma16(p) => Samples::WideGrey(p.into_raw()),
        D::ImageLumaA16(p) => Samples::WideGreyAlpha(p.as_raw().iter().step_by(2).copied().collect()),
        D::ImageRgb16(p) => Samples::WideRgb(p.into_raw()),
        D::ImageRgba16(p) => {
            let pixels = p.as_raw().as_chunks::<4>().0;
            Samples::WideRgb(pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect())
        }
        _ => {
            return Err(DecodeError::Unsupported {
                what: "floating-point samples (which value is white is not defined)".into(),
            });
        }
    })
}

/// RGB of RGBA, within the same buffer.
fn without_alpha(mut rgba: Vec<u8>) -> Vec<u8> {
    let pixels = rgba.len() / 4;
    for i in 1..pixels {
        rgba.copy_within(4 * i..4 * i + 3, 3 * i);
    }
    rgba.truncate(3 * pixels);
    rgba
}

/// A foreign error in our words.
fn fault(format: Format, limits: &Limits, error: image::ImageError) -> DecodeError {
    use image::ImageError as E;
    let at_end = matches!(&error, E::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof);
    if at_end || ends_early(&error) {
        return DecodeError::Truncated { format };
    }
    match error {
        E::Limits(_) => DecodeError::Limit(Exceeded::Memory { allowed: limits.max_alloc }),
        E::Unsupported(e) => DecodeError::Unsupported { what: e.to_string() },
        other => DecodeError::Corrupt { format, reason: other.to_string() },
    }
}

/// Whether the end of the data lies behind the error.
fn ends_early(error: &(dyn std::error::Error + 'static)) -> bool {
    let is_end = |e: &(dyn std::error::Error + 'static)| {
        e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::UnexpectedEof)
    };
    std::iter::successors(Some(error), |e| e.source()).any(is_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_is_dropped_and_colours_stay() {
        assert_eq!(without_alpha(vec![1, 2, 3, 0, 4, 5, 6, 9, 7, 8, 9, 255]), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert!(without_alpha(vec![]).is_empty());
    }

    #[test]
    fn sixteen_bits_stay_and_alpha_goes() {
        let rgba =
            DynamicImage::ImageRgba16(image::ImageBuffer::from_raw(1, 1, vec![256, 512, 768, 1]).unwrap());
        assert_eq!(samples(rgba), Ok(Samples::WideRgb(vec![256, 512, 768])));
        let grey = DynamicImage::ImageLumaA16(image::ImageBuffer::from_raw(1, 1, vec![900, 1]).unwrap());
        assert_eq!(samples(grey), Ok(Samples::WideGreyAlpha(vec![900])));
    }

    #[test]
    fn floats_are_refused() {
        let float = DynamicImage::ImageRgb32F(image::ImageBuffer::from_raw(1, 1, vec![f32::NAN; 3]).unwrap());
        assert!(matches!(samples(float), Err(DecodeError::Unsupported { .. })));
    }
}

//! JPEG through `zune-jpeg` in strict mode.
//!
//! Its inverse cosine transform and chroma upsampling differ from libjpeg's by at most a few levels. A file that ends
//! early is always refused, and so is one whose data are too few for its pixels. Other damage mostly stays unseen, since
//! the format has no checksums.

use super::Format;
use super::cmyk::{rgb_of_cmyk, rgb_of_ycck};
use super::jpeg_markers::{Layout, MAX_SCANS, layout};
use super::raster::{Raster, Samples};
use crate::error::DecodeError;
use crate::limits::Limits;
use std::borrow::Cow;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raster, DecodeError> {
    let layout = layout(bytes)?;
    limits.check_size(layout.width, layout.height)?;
    limits.check_memory(bytes_to_decode(layout))?;
    let data = data(bytes, layout);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(limits.max_side as usize)
        .set_max_height(limits.max_side as usize)
        .jpeg_set_max_scans(MAX_SCANS);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&*data), options);
    decoder.decode_headers().map_err(|e| corrupt(e.to_string()))?;

    let stored_as = decoder.input_colorspace().unwrap_or(ColorSpace::Unknown);
    let wanted = match stored_as {
        ColorSpace::YCbCr => ColorSpace::RGB,
        same => same,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let pixels = decoder.decode().map_err(|e| corrupt(e.to_string()))?;
    let samples = match stored_as {
        ColorSpace::Luma => Samples::Grey(pixels),
        ColorSpace::YCbCr | ColorSpace::RGB => Samples::Rgb(pixels),
        ColorSpace::CMYK => Samples::Rgb(rgb_of_cmyk(&pixels)),
        ColorSpace::YCCK => Samples::Rgb(rgb_of_ycck(&pixels)),
        other => return Err(DecodeError::Unsupported { what: format!("JPEG with colours as {other:?}") }),
    };
    Ok(Raster { width: layout.width as usize, height: layout.height as usize, samples, classes: false })
}

/// Bytes that the decoder may read ahead.
const AHEAD: usize = 8;

/// What the decoder is given. In front of the marker of the end it takes missing data for grey; where the bytes end, it fails.
fn data(bytes: &[u8], layout: Layout) -> Cow<'_, [u8]> {
    if layout.in_several_scans() {
        return Cow::Borrowed(&bytes[..layout.end]);
    }
    Cow::Owned([&bytes[..layout.end - 2], &[0; AHEAD]].concat())
}

/// The samples of the result, and for several scans the 16-bit coefficients of all of them.
fn bytes_to_decode(layout: Layout) -> u64 {
    let samples = u64::from(layout.width) * u64::from(layout.height) * u64::from(layout.components);
    if layout.in_several_scans() { 3 * samples } else { samples }
}

fn corrupt(reason: String) -> DecodeError {
    DecodeError::Corrupt { format: Format::Jpeg, reason }
}

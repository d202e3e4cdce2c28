//! PNM: depth and completeness are looked at here, the pixels come from the `image` crate.

use super::raster::Raster;
use super::{Format, through_image};
use crate::error::DecodeError;
use crate::limits::Limits;
use image::codecs::pnm::PnmDecoder;
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raster, DecodeError> {
    let bitmap = matches!(bytes.get(1), Some(b'1' | b'4'));
    if !bitmap {
        check_depth(bytes)?;
    }
    let plain_text = matches!(bytes.get(1), Some(b'1'..=b'3'));
    // A number at the very end of the text may have lost digits: 25 of 255 is a valid value.
    if plain_text && !bytes.last().is_some_and(u8::is_ascii_whitespace) {
        return Err(DecodeError::Truncated { format: Format::Pnm });
    }
    let mut raster = through_image::decode(Format::Pnm, bytes, limits)?;
    raster.classes = bitmap;
    Ok(raster)
}

/// Refuses samples that are neither 8 nor 16 bits, which would come out too dark.
fn check_depth(bytes: &[u8]) -> Result<(), DecodeError> {
    let Ok(decoder) = PnmDecoder::new(Cursor::new(bytes)) else {
        return Ok(()); // the way through the image crate will say what is wrong
    };
    match decoder.into_inner().1.maximal_sample() {
        255 | 65_535 => Ok(()),
        other => {
            Err(DecodeError::Unsupported { what: format!("PNM with {other} as white (not 255 or 65535)") })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::raster::Samples;
    use super::*;

    #[test]
    fn black_and_white_is_zero_and_255() {
        let raster = decode(b"P1\n3 1\n1 0 1\n", &Limits::default()).unwrap();
        assert_eq!((raster.samples, raster.classes), (Samples::Grey(vec![0, 255, 0]), true));
    }

    #[test]
    fn an_odd_white_is_refused() {
        let error = decode(b"P5 1 1 15\n\x0f", &Limits::default()).unwrap_err();
        assert!(error.to_string().contains("15 as white"), "{error}");
    }

    #[test]
    fn text_must_end_with_a_line_break() {
        assert!(decode(b"P2 1 1 255\n255\n", &Limits::default()).is_ok());
        let error = decode(b"P2 1 1 255\n25", &Limits::default()).unwrap_err();
        assert_eq!(error, DecodeError::Truncated { format: Format::Pnm });
    }
}

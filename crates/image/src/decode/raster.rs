//! Pixels as a decoder hands them over: 8 or 16 bits, grey or RGB.

use super::Format;
use crate::error::DecodeError;
use crate::intensity::Intensity;
use crate::picture::Picture;

/// Decoded pixels before it is known whether they are a picture or a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) samples: Samples,
    /// The file held classes, not light: 1-bit grey or palette numbers. Such pixels must not be blended.
    pub(crate) classes: bool,
}

/// Samples in memory order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Samples {
    /// `[h, w]`.
    Grey(Vec<u8>),
    /// `[h, w, 3]`.
    Rgb(Vec<u8>),
    /// 16 bits, `[h, w]`.
    WideGrey(Vec<u16>),
    /// 16 bits, `[h, w]`, where the file had an alpha channel too.
    WideGreyAlpha(Vec<u16>),
    /// 16 bits, `[h, w, 3]`.
    WideRgb(Vec<u16>),
}

impl Samples {
    /// 8 bits: the values, whether they are grey, and how many were outside the declared window.
    pub(crate) fn into_bytes(self, intensity: Intensity) -> Result<(Vec<u8>, bool, usize), DecodeError> {
        let (bytes, grey, outside) = match self {
            Self::Grey(mut values) => {
                let outside = intensity.of_bytes(&mut values)?;
                (values, true, outside)
            }
            Self::Rgb(mut values) => {
                let outside = intensity.of_bytes(&mut values)?;
                (values, false, outside)
            }
            Self::WideGrey(values) => with_kind(intensity.of_words(&values, true)?, true),
            Self::WideGreyAlpha(values) => with_kind(intensity.of_words(&values, false)?, true),
            Self::WideRgb(values) => with_kind(intensity.of_words(&values, false)?, false),
        };
        Ok((bytes, grey, outside))
    }
}

fn with_kind((bytes, outside): (Vec<u8>, usize), grey: bool) -> (Vec<u8>, bool, usize) {
    (bytes, grey, outside)
}

impl Raster {
    /// The pixels as a picture; grey is repeated for each channel.
    pub(super) fn into_picture(self, format: Format, intensity: Intensity) -> Result<Picture, DecodeError> {
        let (bytes, grey, outside) = self.samples.into_bytes(intensity)?;
        let (rgb, clipped) = if grey {
            (bytes.iter().flat_map(|&v| [v, v, v]).collect(), 3 * outside)
        } else {
            (bytes, outside)
        };
        Picture::from_rgb(self.width, self.height, rgb)
            .map(|picture| picture.with_clipped(clipped))
            .map_err(|e| DecodeError::Corrupt { format, reason: e.to_string() })
    }
}

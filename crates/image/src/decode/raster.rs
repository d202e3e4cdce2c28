//! Pixels as a decoder hands them over: 8 bits, grey or RGB.

use super::Format;
use crate::error::DecodeError;
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

/// 8-bit samples in memory order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Samples {
    /// `[h, w]`.
    Grey(Vec<u8>),
    /// `[h, w, 3]`.
    Rgb(Vec<u8>),
}

impl Raster {
    /// The pixels as a picture; grey is repeated for each channel.
    pub(super) fn into_picture(self, format: Format) -> Result<Picture, DecodeError> {
        let rgb = match self.samples {
            Samples::Rgb(rgb) => rgb,
            Samples::Grey(grey) => grey.iter().flat_map(|&v| [v, v, v]).collect(),
        };
        Picture::from_rgb(self.width, self.height, rgb)
            .map_err(|e| DecodeError::Corrupt { format, reason: e.to_string() })
    }
}

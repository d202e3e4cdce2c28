//! The formats that can be read.

use std::fmt;

/// A picture format that this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive, 8 bits.
    Jpeg,
    /// Windows bitmap.
    Bmp,
    /// Tagged Image File Format; the first page.
    Tiff,
    /// WebP, not animated.
    WebP,
    /// PBM, PGM or PPM.
    Pnm,
}

impl Format {
    /// All of them as text, for messages.
    pub(crate) const LIST: &str = "PNG, JPEG, BMP, TIFF, WebP, PNM";

    pub(crate) fn of_image_crate(self) -> image::ImageFormat {
        match self {
            Self::Png => image::ImageFormat::Png,
            Self::Jpeg => image::ImageFormat::Jpeg,
            Self::Bmp => image::ImageFormat::Bmp,
            Self::Tiff => image::ImageFormat::Tiff,
            Self::WebP => image::ImageFormat::WebP,
            Self::Pnm => image::ImageFormat::Pnm,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::WebP => "WebP",
            Self::Pnm => "PNM",
        })
    }
}

//! The formats that can be read, and what names they go by.

use std::fmt;
use std::path::Path;

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

    /// The format that a file's ending names; `None` for an ending that names none of these.
    ///
    /// ```
    /// use patchcore_image::Format;
    /// assert_eq!(Format::named("line3/7.JPG".as_ref()), Some(Format::Jpeg));
    /// assert_eq!(Format::named("7.raw".as_ref()), None);
    /// ```
    pub fn named(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match &*ending {
            "png" => Self::Png,
            "jpg" | "jpeg" => Self::Jpeg,
            "bmp" => Self::Bmp,
            "tif" | "tiff" => Self::Tiff,
            "webp" => Self::WebP,
            "pbm" | "pgm" | "ppm" | "pnm" => Self::Pnm,
            _ => return None,
        })
    }

    /// No file of the format says in fewer bytes how large its picture is.
    pub(crate) fn shortest_header(self) -> usize {
        match self {
            Self::Png => 33,
            Self::Jpeg => 23,
            Self::Bmp => 26,
            Self::Tiff => 8,
            Self::WebP => 25,
            Self::Pnm => 7,
        }
    }

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

/// A file whose ending names another format than its content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content is {found}, the ending says {named}")]
pub struct Misnamed {
    /// What the content is.
    pub found: Format,
    /// What the ending says.
    pub named: Format,
}

impl Misnamed {
    /// Whether a file of this path is misnamed, where its content is `found`.
    pub(crate) fn of(path: &Path, found: Format) -> Option<Self> {
        let named = Format::named(path).filter(|&named| named != found)?;
        Some(Self { found, named })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EXTENSIONS;

    #[test]
    fn every_ending_that_is_looked_for_names_a_format() {
        for ending in EXTENSIONS {
            assert!(Format::named(&Path::new("a").with_extension(ending)).is_some(), "{ending}");
        }
        assert_eq!(Format::named("png".as_ref()), None);
    }

    #[test]
    fn only_an_ending_of_another_format_is_wrong() {
        assert_eq!(Misnamed::of("a.tif".as_ref(), Format::Tiff), None);
        assert_eq!(Misnamed::of("a.dat".as_ref(), Format::Tiff), None);
        let wrong = Misnamed::of("a.jpeg".as_ref(), Format::Png).map(|m| m.to_string());
        assert_eq!(wrong.as_deref(), Some("the content is PNG, the ending says JPEG"));
    }
}

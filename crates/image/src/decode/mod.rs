//! From a file's bytes to pixels, by content and never by name.
//!
//! Each format first has its container looked at here (size, completeness, animation), then a decoder without
//! unsafe parsing does the rest: `zune-jpeg` in strict mode for JPEG, the `image` crate for the others.
//!
//! Every sample becomes 8 bits: those of 16 bits as [`Intensity`] says, all others as the original `PatchCore` code has them
//! from its imaging library:
//!
//! | found | becomes |
//! |---|---|
//! | grey of 1, 2, 4 bits | scaled to 0..=255 |
//! | alpha, `tRNS` | dropped, nothing is blended |
//! | palette | the palette's colours |
//! | CMYK | RGB by the formula in `cmyk.rs` |
//! | EXIF orientation, colour profiles, gamma | ignored, when fitting as when judging: pixels stay where the file has them |
//! | several pages or frames | the first page of a TIFF; an animated WebP is refused |
//! | floating-point, signed or more than 16-bit samples, a TIFF's palette | refused |

mod bmp;
mod cmyk;
mod header;
mod jpeg;
mod jpeg_frame;
mod jpeg_markers;
mod png;
mod pnm;
mod raster;
mod sniff;
mod through_image;
mod tiff;
mod tiff_pages;
mod webp;

use crate::format::{Format, Misnamed};
pub(crate) use header::read_header;
pub(crate) use raster::Raster;

use crate::error::{DecodeError, ImageError};
use crate::intensity::Intensity;
use crate::limits::Limits;
use crate::picture::Picture;
use crate::quality;
use patchcore_files::read_regular;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Reads one picture file of 8-bit samples as RGB; [`decode_as`] with [`Intensity::EightBit`].
///
/// The orientation in EXIF data is ignored, when fitting as when judging: pixels stay where the file has them.
///
/// The file is opened once and must be a regular file. Its content decides what it is; a name that says something else
/// [is told](Picture::misnamed), and refused where [`Limits`] ask for it.
///
/// # Errors
///
/// [`ImageError`], which names the path; its [`kind`](ImageError::kind) tells input, I/O and limit apart.
///
/// # Examples
///
/// ```
/// use patchcore_image::{ErrorKind, Limits, decode};
///
/// let error = decode("no-such-file.png".as_ref(), &Limits::default()).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Input);
/// ```
pub fn decode(path: &Path, limits: &Limits) -> Result<Picture, ImageError> {
    decode_as(path, limits, Intensity::EightBit)
}

/// Reads one picture file as 8-bit RGB; `intensity` says what becomes of deeper samples.
///
/// # Errors
/// As [`decode`]; [`DecodeError::Intensity`] for samples of a depth that was not declared.
pub fn decode_as(path: &Path, limits: &Limits, intensity: Intensity) -> Result<Picture, ImageError> {
    let bytes = read_regular(path, limits.max_file_bytes)?;
    let fail = |fault| ImageError::Decode { path: path.to_path_buf(), fault };
    let misnamed = Misnamed::of(path, sniff::sniff(&bytes).map_err(fail)?);
    if let Some(misnamed) = misnamed.filter(|_| limits.strict_names) {
        return Err(fail(DecodeError::Misnamed(misnamed)));
    }
    let picture = decode_bytes_as(&bytes, limits, intensity).map_err(fail)?;
    Ok(picture.with_name_judged(misnamed))
}

/// Reads one picture of 8-bit samples from the bytes of its file as RGB.
///
/// `max_file_bytes` plays no part here, since the bytes are already in memory.
///
/// # Errors
///
/// [`DecodeError`]: nothing there, cut off, corrupt, no supported picture, or over a limit.
///
/// # Examples
///
/// ```
/// use patchcore_image::{Limits, decode_bytes};
///
/// let grey = decode_bytes(b"P5 2 1 255\n\x00\xff", &Limits::default())?;
/// assert_eq!(grey.rgb(), [0, 0, 0, 255, 255, 255]);
/// # Ok::<(), patchcore_image::DecodeError>(())
/// ```
pub fn decode_bytes(bytes: &[u8], limits: &Limits) -> Result<Picture, DecodeError> {
    decode_bytes_as(bytes, limits, Intensity::EightBit)
}

/// Reads one picture from the bytes of its file as 8-bit RGB; `intensity` says what becomes of deeper samples.
///
/// # Errors
/// As [`decode_bytes`]; [`DecodeError::Intensity`] for samples of a depth that was not declared.
pub fn decode_bytes_as(bytes: &[u8], limits: &Limits, intensity: Intensity) -> Result<Picture, DecodeError> {
    let format = sniff::sniff(bytes)?;
    let picture = raster(format, bytes, limits, Palette::Colours)?.into_picture(format, intensity)?;
    if limits.quality_gate {
        quality::check(&picture)?;
    }
    Ok(picture)
}

/// What a palette's pixels are read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Palette {
    /// The colours they stand for: a picture.
    Colours,
    /// The numbers themselves: a mask.
    Indices,
}

/// Reads a mask: grey values where the file has them, palette numbers instead of palette colours.
pub(crate) fn mask_raster(bytes: &[u8], limits: &Limits) -> Result<Raster, DecodeError> {
    match sniff::sniff(bytes)? {
        Format::Jpeg => Err(DecodeError::Unsupported {
            what: "JPEG as a mask (its losses blur the edge between defect and background)".into(),
        }),
        format => raster(format, bytes, limits, Palette::Indices),
    }
}

fn raster(format: Format, bytes: &[u8], limits: &Limits, palette: Palette) -> Result<Raster, DecodeError> {
    // The decoders below are other people's; a panic of theirs over one file must stay an error about that file.
    let corrupt = |reason: &str| DecodeError::Corrupt { format, reason: reason.into() };
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        patchcore_faults::io("decode").map_err(|fault| corrupt(&fault.to_string()))?;
        match format {
            Format::Png => png::decode(bytes, limits, palette),
            Format::Jpeg => jpeg::decode(bytes, limits),
            Format::WebP => webp::decode(bytes, limits),
            Format::Pnm => pnm::decode(bytes, limits),
            Format::Tiff => tiff::decode(bytes, limits),
            Format::Bmp => bmp::decode(bytes, limits),
        }
    }));
    match decoded {
        Ok(Err(DecodeError::Truncated { .. })) if bytes.len() < format.shortest_header() => {
            Err(DecodeError::TruncatedHeader { format })
        }
        Ok(result) => result,
        Err(_) => Err(corrupt("its decoder gave up")),
    }
}

#[cfg(test)]
mod tests;

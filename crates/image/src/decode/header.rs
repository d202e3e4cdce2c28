//! How large a picture is and whether its name fits, from its header alone.

use super::jpeg_markers::layout;
use super::sniff::sniff;
use super::tiff_pages;
use crate::error::{DecodeError, ImageError};
use crate::format::{Format, Misnamed};
use crate::limits::Limits;
use image::{ImageFormat, ImageReader};
use patchcore_files::{FileError, RegularFile};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// In most files the size stands in these first bytes.
const HEAD: u64 = 64 << 10;

/// What a picture's header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Width and height.
    pub(crate) size: [u32; 2],
    /// What is wrong about the ending of its name.
    pub(crate) misnamed: Option<Misnamed>,
}

/// The header of the picture file, checked against the limits; reads no more than that, where the format has it in front.
pub(crate) fn read_header(path: &Path, limits: &Limits) -> Result<Header, ImageError> {
    let file = RegularFile::open(path)?;
    if file.len() > limits.max_file_bytes {
        let (bytes, allowed) = (file.len(), limits.max_file_bytes);
        return Err(FileError::TooLong { path: path.into(), bytes, allowed }.into());
    }
    let head = file.read_range(0, HEAD.min(file.len()))?;
    let fail = |fault| ImageError::Decode { path: path.into(), fault };
    let misnamed = Misnamed::of(path, sniff(&head).map_err(fail)?);
    if let Some(misnamed) = misnamed.filter(|_| limits.strict_names) {
        return Err(fail(DecodeError::Misnamed(misnamed)));
    }
    let found = match size(&head, limits) {
        Err(_) if file.len() > HEAD => size(&file.read_range(0, file.len())?, limits),
        found => found,
    };
    let size = found.map_err(fail)?;
    limits.check_size(size[0], size[1]).map_err(fail)?;
    Ok(Header { size, misnamed })
}

fn size(bytes: &[u8], limits: &Limits) -> Result<[u32; 2], DecodeError> {
    let format = sniff(bytes)?;
    let known = match format {
        // Its end is looked for as well, since frames may follow one another.
        Format::Jpeg => return layout(bytes).map(|layout| [layout.width, layout.height]),
        Format::Png => ImageFormat::Png,
        Format::Bmp => ImageFormat::Bmp,
        // The decoder believes what a directory says about itself.
        Format::Tiff => tiff_pages::check(bytes, limits).map(|()| ImageFormat::Tiff)?,
        Format::WebP => ImageFormat::WebP,
        Format::Pnm => ImageFormat::Pnm,
    };
    let corrupt = |reason: String| DecodeError::Corrupt { format, reason };
    let read = || ImageReader::with_format(Cursor::new(bytes), known).into_dimensions();
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok((width, height))) => Ok([width, height]),
        Ok(Err(error)) => Err(corrupt(error.to_string())),
        Err(_) => Err(corrupt("its decoder gave up".into())),
    }
}

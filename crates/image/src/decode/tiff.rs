//! TIFF: its directories are looked at in `tiff_pages`, the pixels of the first page come from the `image` crate.

use super::raster::Raster;
use super::{Format, through_image, tiff_pages};
use crate::error::DecodeError;
use crate::limits::Limits;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raster, DecodeError> {
    tiff_pages::check(bytes, limits)?;
    through_image::decode(Format::Tiff, bytes, limits)
}

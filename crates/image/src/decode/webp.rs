//! WebP: the RIFF container is looked at here, the pixels come from the `image` crate.

use super::raster::Raster;
use super::{Format, through_image};
use crate::error::DecodeError;
use crate::limits::Limits;

/// In the flags of a `VP8X` chunk.
const ANIMATED: u8 = 0b10;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raster, DecodeError> {
    check_complete(bytes)?;
    if bytes.get(12..16) == Some(b"VP8X") && bytes.get(20).is_some_and(|flags| flags & ANIMATED != 0) {
        return Err(DecodeError::Unsupported { what: "an animated WebP".into() });
    }
    through_image::decode(Format::WebP, bytes, limits)
}

/// Refuses a file shorter than its RIFF header says.
fn check_complete(bytes: &[u8]) -> Result<(), DecodeError> {
    match bytes.get(4..8) {
        Some(&[a, b, c, d]) if u64::from(u32::from_le_bytes([a, b, c, d])) + 8 <= bytes.len() as u64 => {
            Ok(())
        }
        _ => Err(DecodeError::Truncated { format: Format::WebP }),
    }
}

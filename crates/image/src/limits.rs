//! What is refused: how large a picture may be, decided before its pixels get memory, and what it must be.

use crate::error::{DecodeError, Exceeded};

/// Bounds on one picture file, and what else is asked of it.
///
/// Sizes are checked against the file's header, so that a small file which declares a huge picture costs nothing.
///
/// ```
/// use patchcore_image::Limits;
///
/// let tighter = Limits { max_side: 4096, ..Limits::default() };
/// assert_eq!(tighter.max_pixels, 64 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels along the longer side; 16,384 by default.
    pub max_side: u32,
    /// Pixels in all; 64 Mi by default.
    pub max_pixels: u64,
    /// Bytes that decoding may allocate; 256 MiB by default.
    pub max_alloc: u64,
    /// Bytes of the file itself; 256 MiB by default.
    pub max_file_bytes: u64,
    /// Refuse a file whose ending names another format than its content is; it is read all the same by default.
    pub strict_names: bool,
    /// Refuse a picture that a working camera does not take: one that shows nothing, or has a dead row or column. Off by
    /// default. Masks are not asked.
    pub quality_gate: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_side: 16_384,
            max_pixels: 64 << 20,
            max_alloc: 256 << 20,
            max_file_bytes: 256 << 20,
            strict_names: false,
            quality_gate: false,
        }
    }
}

impl Limits {
    /// Refuses a picture without pixels, too long a side or too many pixels.
    pub(crate) fn check_size(&self, width: u32, height: u32) -> Result<(), DecodeError> {
        if width == 0 || height == 0 {
            return Err(DecodeError::TooSmall { width, height });
        }
        let pixels = u64::from(width) * u64::from(height);
        if width.max(height) > self.max_side || pixels > self.max_pixels {
            return Err(DecodeError::Limit(Exceeded::Size {
                width,
                height,
                max_side: self.max_side,
                max_pixels: self.max_pixels,
            }));
        }
        Ok(())
    }

    /// Refuses a decoder that declares that it needs more than the allowed memory.
    pub(crate) fn check_memory(&self, bytes: u64) -> Result<(), DecodeError> {
        if bytes > self.max_alloc {
            return Err(DecodeError::Limit(Exceeded::Memory { allowed: self.max_alloc }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_is_allowed_and_one_more_is_not() {
        let limits = Limits { max_side: 10, max_pixels: 50, ..Limits::default() };
        assert!(limits.check_size(10, 5).is_ok());
        assert!(limits.check_size(11, 1).is_err());
        assert!(limits.check_size(10, 6).is_err());
        assert!(limits.check_memory(256 << 20).is_ok());
        assert!(limits.check_memory((256 << 20) + 1).is_err());
    }

    #[test]
    fn the_largest_declarable_picture_does_not_overflow() {
        assert!(matches!(
            Limits::default().check_size(u32::MAX, u32::MAX),
            Err(DecodeError::Limit(Exceeded::Size { .. }))
        ));
    }

    #[test]
    fn no_pixels_is_no_picture() {
        let error = Limits::default().check_size(0, 5).unwrap_err();
        assert_eq!(error.to_string(), "a picture of 0x5 pixels shows nothing");
    }
}

//! WebP: the RIFF container is looked at here, the pixels come from the `image` crate.
//!
//! An extended file says twice how large the picture is: the canvas in its header, the frame in its own chunk. The decoder
//! takes memory for the frame before it compares them, so they are compared here.

use super::raster::Raster;
use super::{Format, through_image};
use crate::error::DecodeError;
use crate::limits::Limits;

/// In the flags of a `VP8X` chunk.
const ANIMATED: u8 = 0b10;
const ALPHA: u8 = 0b1_0000;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raster, DecodeError> {
    check_complete(bytes)?;
    check_frames(bytes, limits)?;
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

/// Refuses an animation, a frame that is not as large as its canvas, and one that takes more memory than allowed.
fn check_frames(bytes: &[u8], limits: &Limits) -> Result<(), DecodeError> {
    let mut canvas: Option<Canvas> = None;
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((name, data, after)) = next_chunk(rest) {
        let size = match name {
            b"VP8X" => {
                let read = Canvas::read(data)?;
                limits.check_size(read.size[0], read.size[1])?;
                canvas = Some(read);
                None
            }
            b"VP8 " => Some(lossy_size(data)),
            b"VP8L" => Some(lossless_size(data)),
            _ => None,
        };
        if let Some(size) = size {
            let [width, height] = size.ok_or_else(|| corrupt("has a damaged frame header"))?;
            limits.check_size(width, height)?;
            limits.check_memory(u64::from(width) * u64::from(height) * bytes_per_pixel(*name, canvas))?;
            match canvas {
                // There is nothing else in a simple file.
                None => return Ok(()),
                Some(Canvas { size: [w, h], .. }) if [w, h] != [width, height] => {
                    return Err(corrupt(&format!("has a frame of {width}x{height} on a canvas of {w}x{h}")));
                }
                Some(_) => {}
            }
        }
        rest = after;
    }
    Ok(())
}

/// Name and data of the first chunk, cut off where the file ends, and what follows it.
fn next_chunk(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (name, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let data = rest.get(..length).unwrap_or(rest);
    Some((name, data, rest.get(length.next_multiple_of(2)..).unwrap_or_default()))
}

/// What the header of an extended file says.
#[derive(Clone, Copy)]
struct Canvas {
    size: [u32; 2],
    alpha: bool,
}

impl Canvas {
    fn read(data: &[u8]) -> Result<Self, DecodeError> {
        let &[flags, _, _, _, w0, w1, w2, h0, h1, h2, ..] = data else {
            return Err(DecodeError::Truncated { format: Format::WebP });
        };
        if flags & ANIMATED != 0 {
            return Err(DecodeError::Unsupported { what: "an animated WebP".into() });
        }
        let side = |[a, b, c]: [u8; 3]| u32::from_le_bytes([a, b, c, 0]) + 1;
        Ok(Self { size: [side([w0, w1, w2]), side([h0, h1, h2])], alpha: flags & ALPHA != 0 })
    }
}

/// Width and height of a `VP8` frame.
fn lossy_size(data: &[u8]) -> Option<[u32; 2]> {
    let &[_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = data.first_chunk()? else { return None };
    Some([[w0, w1], [h0, h1]].map(|side| u32::from(u16::from_le_bytes(side) & 0x3fff)))
}

/// Width and height of a `VP8L` frame.
fn lossless_size(data: &[u8]) -> Option<[u32; 2]> {
    let &[0x2f, a, b, c, d] = data.first_chunk()? else { return None };
    let bits = u32::from_le_bytes([a, b, c, d]);
    Some([bits, bits >> 14].map(|side| (side & 0x3fff) + 1))
}

/// Memory of the decoder and of its result: RGB or RGBA, and beside it RGBA again (lossless), planes at full and half size
/// (lossy), or these with the alpha channel unpacked from another picture.
fn bytes_per_pixel(name: [u8; 4], canvas: Option<Canvas>) -> u64 {
    match &name {
        b"VP8L" => 8,
        _ if canvas.is_some_and(|canvas| canvas.alpha) => 12,
        _ => 5,
    }
}

fn corrupt(reason: &str) -> DecodeError {
    DecodeError::Corrupt { format: Format::WebP, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exceeded;

    /// An extended file of this canvas with one chunk.
    fn extended(flags: u8, [width, height]: [u32; 2], name: [u8; 4], data: &[u8]) -> Vec<u8> {
        let side = |length: u32| (length - 1).to_le_bytes()[..3].to_vec();
        let header = [&[flags, 0, 0, 0][..], &side(width), &side(height)].concat();
        let mut chunks = b"WEBP".to_vec();
        for (name, data) in [(b"VP8X", &header[..]), (&name, data)] {
            chunks.extend([&name[..], &(data.len() as u32).to_le_bytes(), data].concat());
        }
        [b"RIFF", &(chunks.len() as u32).to_le_bytes()[..], &chunks].concat()
    }

    const LOSSY_16383_SQUARED: [u8; 10] = [0xd0, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f];

    #[test]
    fn a_frame_must_fill_its_canvas() {
        let wide = Limits { max_pixels: u64::MAX, max_alloc: u64::MAX, ..Limits::default() };
        let lossy = extended(ALPHA, [9, 6], *b"VP8 ", &LOSSY_16383_SQUARED);
        let error = decode(&lossy, &wide).unwrap_err().to_string();
        assert_eq!(error, "corrupt WebP: has a frame of 16383x16383 on a canvas of 9x6");
        let lossless = extended(0, [9, 6], *b"VP8L", &[0x2f, 0xff, 0xff, 0xff, 0x0f]);
        let error = decode(&lossless, &wide).unwrap_err().to_string();
        assert_eq!(error, "corrupt WebP: has a frame of 16384x16384 on a canvas of 9x6");
        let other = extended(0, [9, 6], *b"VP8 ", &[0; 10]);
        assert!(decode(&other, &wide).unwrap_err().to_string().contains("damaged frame header"));
    }

    #[test]
    fn the_memory_of_the_decoder_counts() {
        let limits = Limits { max_pixels: u64::MAX, max_alloc: 1 << 30, ..Limits::default() };
        let bytes = extended(0, [16_383, 16_383], *b"VP8 ", &LOSSY_16383_SQUARED);
        let error = decode(&bytes, &limits).unwrap_err();
        assert_eq!(error, DecodeError::Limit(Exceeded::Memory { allowed: 1 << 30 }));
        let error = decode(&bytes, &Limits::default()).unwrap_err();
        assert!(matches!(error, DecodeError::Limit(Exceeded::Size { width: 16_383, .. })), "{error}");
    }
}

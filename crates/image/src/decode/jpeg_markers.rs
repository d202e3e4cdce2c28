//! The markers of a JPEG: what the frame is, where the picture ends.
//!
//! A decoder fills what is missing at the end of a JPEG with grey. Only the end marker tells that nothing is.

use super::Format;
use crate::error::DecodeError;

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
const RESTARTS: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;

/// What the markers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: u8,
    pub(super) progressive: bool,
    pub(super) scans: usize,
    /// Where the bytes of the picture end, its end marker included.
    pub(super) end: usize,
}

/// Walks from marker to marker up to the end of the picture.
///
/// Thumbnails within a segment are stepped over with it; whatever follows the end marker is left alone.
pub(super) fn layout(bytes: &[u8]) -> Result<Layout, DecodeError> {
    let mut frame = None;
    let mut scans = 0;
    let mut at = 2; // after the start-of-image marker
    loop {
        let (marker, after) = next_marker(bytes, at).ok_or(TRUNCATED)?;
        if marker == END_OF_IMAGE {
            let frame: Frame = frame.ok_or_else(|| corrupt("has no frame header"))?;
            if scans == 0 {
                return Err(corrupt("has no scan"));
            }
            let Frame { width, height, components, progressive } = frame;
            return Ok(Layout { width, height, components, progressive, scans, end: after });
        }
        if marker == START_OF_IMAGE {
            return Err(corrupt("begins again before it ends"));
        }
        let segment = segment(bytes, after)?;
        if is_frame_header(marker) {
            if frame.is_some() {
                return Err(corrupt("has two frame headers"));
            }
            frame = Some(Frame::read(marker, segment)?);
        }
        scans += usize::from(marker == START_OF_SCAN);
        at = after + 2 + segment.len();
    }
}

const TRUNCATED: DecodeError = DecodeError::Truncated { format: Format::Jpeg };

/// The next marker from `at` on that is no data, filling or restart, with the place behind it.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += first_ff(bytes.get(at..)?)?;
        match *bytes.get(at + 1)? {
            0xFF => at += 1,
            0x00 | 0x01 => at += 2,
            marker if RESTARTS.contains(&marker) => at += 2,
            marker => return Some((marker, at + 2)),
        }
    }
}

/// Where the first byte `FF` stands. Most of a picture has none for long, so whole blocks are looked at first.
fn first_ff(bytes: &[u8]) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<64>();
    let clear = blocks.iter().take_while(|block| block.iter().fold(0, |most, &byte| most.max(byte)) < 0xFF);
    let start = clear.count() * 64;
    bytes[start..].iter().position(|&byte| byte == 0xFF).map(|at| start + at)
}

/// The content of the segment whose length stands at `at`.
fn segment(bytes: &[u8], at: usize) -> Result<&[u8], DecodeError> {
    let &[high, low] = bytes.get(at..).and_then(|b| b.first_chunk::<2>()).ok_or(TRUNCATED)?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length < 2 {
        return Err(corrupt("has a segment shorter than its own length"));
    }
    bytes.get(at + 2..at + length).ok_or(TRUNCATED)
}

struct Frame {
    width: u32,
    height: u32,
    components: u8,
    progressive: bool,
}

/// `SOF0` to `SOF15`, without the three that mean something else (`DHT`, `JPG`, `DAC`).
fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

impl Frame {
    fn read(marker: u8, segment: &[u8]) -> Result<Self, DecodeError> {
        let process = match marker {
            0xC0..=0xC2 => None,
            0xC3 | 0xC7 | 0xCB | 0xCF => Some("lossless"),
            0xC9..=0xCE => Some("arithmetic-coded"),
            _ => Some("hierarchical"),
        };
        if let Some(process) = process {
            return Err(DecodeError::Unsupported { what: format!("{process} JPEG") });
        }
        let &[precision, h1, h0, w1, w0, components, ..] = segment else {
            return Err(corrupt("has a frame header that is too short"));
        };
        if precision != 8 {
            return Err(DecodeError::Unsupported { what: format!("JPEG of {precision} bits a sample") });
        }
        if !matches!(components, 1 | 3 | 4) {
            return Err(DecodeError::Unsupported { what: format!("JPEG of {components} components") });
        }
        Ok(Self {
            width: u32::from(u16::from_be_bytes([w1, w0])),
            height: u32::from(u16::from_be_bytes([h1, h0])),
            components,
            progressive: marker == 0xC2,
        })
    }
}

fn corrupt(what: &str) -> DecodeError {
    DecodeError::Corrupt { format: Format::Jpeg, reason: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = &[0xFF, 0xC0, 0, 11, 8, 0, 5, 0, 7, 1, 1, 0x11, 0];
    const SCAN: &[u8] = &[0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xFF, 0x00, 0xFF, 0xD3, 0x34];
    const START: &[u8] = &[0xFF, 0xD8];
    const END: &[u8] = &[0xFF, 0xD9];

    #[test]
    fn the_end_is_that_of_the_picture_not_of_its_thumbnail() {
        let thumbnail = [0xFF, 0xE1, 0, 6, 0xFF, 0xD8, 0xFF, 0xD9];
        let bytes = [START, &thumbnail, FRAME, SCAN, &[0xFF, 0xFF], END, b"padding\xFF\xD9"].concat();
        let layout = layout(&bytes).unwrap();
        assert_eq!((layout.width, layout.height, layout.components, layout.scans), (7, 5, 1, 1));
        assert_eq!(&bytes[layout.end..], b"padding\xFF\xD9");
    }

    #[test]
    fn every_cut_is_seen() {
        let bytes = [START, FRAME, SCAN, END].concat();
        assert!(layout(&bytes).is_ok());
        for cut in 2..bytes.len() {
            assert_eq!(layout(&bytes[..cut]), Err(TRUNCATED), "{cut}");
        }
    }

    #[test]
    fn every_place_of_a_marker_is_found() {
        for place in 0..200 {
            let mut bytes = [0xFE; 200];
            assert_eq!(first_ff(&bytes), None);
            bytes[place] = 0xFF;
            assert_eq!(first_ff(&bytes), Some(place));
            bytes[199] = 0xFF;
            assert_eq!(first_ff(&bytes), Some(place));
        }
    }

    #[test]
    fn what_cannot_be_decoded_right_is_refused() {
        let with = |change: fn(&mut Vec<u8>)| {
            let mut frame = FRAME.to_vec();
            change(&mut frame);
            layout(&[START, &frame, SCAN, END].concat()).unwrap_err().to_string()
        };
        assert!(with(|f| f[1] = 0xC9).contains("arithmetic-coded JPEG"));
        assert!(with(|f| f[1] = 0xC3).contains("lossless JPEG"));
        assert!(with(|f| f[4] = 12).contains("12 bits"));
        assert!(with(|f| f[9] = 2).contains("2 components"));
        assert!(
            layout(&[START, FRAME, FRAME, SCAN, END].concat()).unwrap_err().to_string().contains("two frame")
        );
        let spliced = [START, FRAME, &SCAN[..12], START, FRAME, SCAN, END].concat();
        assert!(layout(&spliced).unwrap_err().to_string().contains("begins again"));
        assert!(layout(&[START, FRAME, END].concat()).unwrap_err().to_string().contains("no scan"));
        assert!(layout(&[START, SCAN, END].concat()).unwrap_err().to_string().contains("no frame"));
    }
}

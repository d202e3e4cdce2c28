//! The markers of a JPEG: what the frame is, where the picture ends.
//!
//! A decoder fills what is missing at the end of a JPEG with grey. Only the end marker tells that nothing is.

use super::Format;
use super::jpeg_frame::{Frame, is_frame_header};
use crate::error::DecodeError;

/// A progressive picture needs ten or so; thousands of them only burn time.
pub(super) const MAX_SCANS: usize = 100;
/// Scans may go over a picture so often ...
const MAX_PASSES: u64 = 20;
/// ... unless they have no more blocks of 8 x 8 samples than this in all.
const FEW_BLOCKS: u64 = 16 << 20;

const START_OF_IMAGE: u8 = 0xD8;
const END_OF_IMAGE: u8 = 0xD9;
const START_OF_SCAN: u8 = 0xDA;
const RESTART_INTERVAL: u8 = 0xDD;
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

impl Layout {
    /// Whether the picture is complete only after several scans.
    pub(super) fn in_several_scans(self) -> bool {
        self.progressive || self.scans > 1
    }
}

/// Walks from marker to marker up to the end of the picture.
///
/// Thumbnails within a segment are stepped over with it; whatever follows the end marker is left alone.
pub(super) fn layout(bytes: &[u8]) -> Result<Layout, DecodeError> {
    let mut frame: Option<Frame> = None;
    let mut scans = 0;
    let (mut interval, mut blocks) = (0, 0);
    let mut scan: Option<&[u8]> = None;
    let mut at = 2; // after the start-of-image marker
    loop {
        let Data { restarts, marker, after } = data(bytes, at)?;
        if let (Some(scan), Some(frame)) = (scan.take(), &frame) {
            blocks += frame.check_scan(scan, after - 2 - at, restarts, interval)?;
            if blocks > FEW_BLOCKS && blocks > MAX_PASSES * frame.blocks() {
                return Err(corrupt(&format!("has scans that go over it more than {MAX_PASSES} times")));
            }
        }
        if marker == END_OF_IMAGE {
            let frame = frame.ok_or_else(|| corrupt("has no frame header"))?;
            if scans == 0 {
                return Err(corrupt("has no scan"));
            }
            let (width, height, progressive) = (frame.width, frame.height, frame.progressive);
            let components = frame.components.len() as u8;
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
        match (marker, segment) {
            (START_OF_SCAN, _) => {
                scans += 1;
                if scans > MAX_SCANS {
                    return Err(corrupt(&format!("has more than {MAX_SCANS} scans")));
                }
                scan = Some(segment);
            }
            (RESTART_INTERVAL, &[high, low]) => interval = u16::from_be_bytes([high, low]),
            (RESTART_INTERVAL, _) => return Err(corrupt("has a restart interval of the wrong length")),
            _ => {}
        }
        at = after + 2 + segment.len();
    }
}

const TRUNCATED: DecodeError = DecodeError::Truncated { format: Format::Jpeg };

/// Coded data, and the marker that ends them.
struct Data {
    /// How many restart markers are within.
    restarts: usize,
    marker: u8,
    /// The place behind the marker.
    after: usize,
}

/// The data from `at` on, filling included. Their restart markers must count from 0 to 7 and again.
fn data(bytes: &[u8], mut at: usize) -> Result<Data, DecodeError> {
    let mut restarts = 0;
    loop {
        at += bytes.get(at..).and_then(first_ff).ok_or(TRUNCATED)?;
        match *bytes.get(at + 1).ok_or(TRUNCATED)? {
            0xFF => at += 1,
            0x00 | 0x01 => at += 2,
            marker if RESTARTS.contains(&marker) => {
                if usize::from(marker - RESTARTS.start()) != restarts % 8 {
                    return Err(corrupt("has restart markers out of order"));
                }
                restarts += 1;
                at += 2;
            }
            marker => return Ok(Data { restarts, marker, after: at + 2 }),
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

pub(super) fn corrupt(what: &str) -> DecodeError {
    DecodeError::Corrupt { format: Format::Jpeg, reason: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = &[0xFF, 0xC0, 0, 11, 8, 0, 5, 0, 7, 1, 1, 0x11, 0];
    const SCAN: &[u8] = &[0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0xFF, 0x00, 0x34];
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
    fn case_10_restart_markers_count_in_order_and_to_the_end() {
        // 5 x 7 blocks of 8 x 8 pixels, a restart after every 10.
        let frame = [0xFF, 0xC0, 0, 11, 8, 0, 56, 0, 40, 1, 1, 0x11, 0];
        let interval = [0xFF, 0xDD, 0, 4, 0, 10];
        let of = |markers: &[u8]| {
            let mut scan = SCAN[..10].to_vec();
            scan.extend([0x12; 4]);
            scan.extend(markers.iter().flat_map(|&m| [0xFF, m, 0x12, 0x12, 0x12]));
            layout(&[START, &frame, &interval, &scan, END].concat()).map_err(|e| e.to_string())
        };
        assert!(of(&[0xD0, 0xD1, 0xD2]).is_ok());
        assert!(of(&[0xD0, 0xD2, 0xD1]).unwrap_err().contains("out of order"));
        assert!(of(&[0xD0, 0xD1]).unwrap_err().contains("2 restart markers where its scan needs 3"));
        assert!(of(&[0xD0, 0xD1, 0xD2, 0xD3, 0xD4]).unwrap_err().contains("where its scan needs 3"));
    }

    #[test]
    fn case_10_scans_that_go_over_a_large_picture_again_and_again_are_refused() {
        let frame = |side: u16| {
            let [high, low] = side.to_be_bytes();
            [0xFF, 0xC2, 0, 11, 8, high, low, high, low, 1, 1, 0x11, 0]
        };
        let refinement = [0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 63, 0x10, 0x12];
        let of = |side, scans| {
            layout(&[START, &frame(side), &refinement.repeat(scans), END].concat()).map_err(|e| e.to_string())
        };
        assert!(of(8000, 20).is_ok());
        assert!(of(8000, 21).unwrap_err().contains("more than 20 times"));
        assert!(of(1000, 100).is_ok());
        assert!(of(1000, 101).unwrap_err().contains("more than 100 scans"));
    }

    #[test]
    fn case_08_more_blocks_than_the_data_can_hold_are_refused() {
        // Two bits for each block at least: 10 bytes hold 40.
        let of = |side: u8| {
            let frame = [0xFF, 0xC0, 0, 11, 8, 0, side, 0, 48, 1, 1, 0x11, 0];
            layout(&[START, &frame, &SCAN[..10], &[0x12; 10], END].concat()).map_err(|e| e.to_string())
        };
        assert!(of(48).is_ok());
        assert!(of(64).unwrap_err().contains("10 bytes of data for 48 blocks"));
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
        let spliced = [START, FRAME, &SCAN[..11], START, FRAME, SCAN, END].concat();
        assert!(layout(&spliced).unwrap_err().to_string().contains("begins again"));
        assert!(layout(&[START, FRAME, END].concat()).unwrap_err().to_string().contains("no scan"));
        assert!(layout(&[START, SCAN, END].concat()).unwrap_err().to_string().contains("no frame"));
    }
}

//! BMP: numbers beyond the palette and runs that do not fill the picture are looked for here, the pixels come from the
//! `image` crate, which would make them black.

use super::raster::Raster;
use super::{Format, through_image};
use crate::error::DecodeError;
use crate::limits::Limits;

const FILE_HEADER: usize = 14;
const CORE_HEADER: u32 = 12;
/// Ways of storing palette numbers.
const PLAIN: u32 = 0;
const RUNS_OF_8: u32 = 1;
const RUNS_OF_4: u32 = 2;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raster, DecodeError> {
    let raster = through_image::decode(Format::Bmp, bytes, limits)?;
    // What the decoder took has a whole header.
    Numbers::of(bytes).map_or(Ok(()), |numbers| numbers.check(raster.width, raster.height))?;
    Ok(raster)
}

/// The pixels of a palette picture.
struct Numbers<'a> {
    bits: usize,
    compression: u32,
    /// Entries of the palette.
    colours: usize,
    data: &'a [u8],
}

impl<'a> Numbers<'a> {
    /// `None` for a picture without palette.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let start = u32_at(bytes, 10)? as usize;
        let core = u32_at(bytes, FILE_HEADER)? == CORE_HEADER;
        let bits = usize::from(u16_at(bytes, FILE_HEADER + if core { 10 } else { 14 })?);
        if bits > 8 {
            return None;
        }
        let [compression, used] = if core {
            [PLAIN, 0]
        } else {
            [u32_at(bytes, FILE_HEADER + 16)?, u32_at(bytes, FILE_HEADER + 32)?]
        };
        let colours = if used == 0 { 1 << bits } else { used as usize };
        Some(Self { bits, compression, colours, data: bytes.get(start..)? })
    }

    fn check(&self, width: usize, height: usize) -> Result<(), DecodeError> {
        match self.compression {
            RUNS_OF_8 | RUNS_OF_4 => self.check_runs(width, height),
            _ => self.check_rows(width),
        }
    }

    fn check_colour(&self, number: u8) -> Result<(), DecodeError> {
        if usize::from(number) < self.colours {
            return Ok(());
        }
        Err(corrupt(&format!("has a pixel of colour {number}, and a palette of {}", self.colours)))
    }

    /// Whole rows, each filled up to four bytes.
    fn check_rows(&self, width: usize) -> Result<(), DecodeError> {
        if self.colours >= 1 << self.bits {
            return Ok(());
        }
        let (of_byte, mask) = (8 / self.bits, (1u16 << self.bits) - 1);
        for row in self.data.chunks_exact((self.bits * width).div_ceil(32) * 4) {
            for x in 0..width {
                let shift = 8 - self.bits * (x % of_byte + 1);
                self.check_colour(row[x / of_byte] >> shift & mask as u8)?;
            }
        }
        Ok(())
    }

    /// Runs must fill every row, and end with the mark of the end. One that goes on into the filling of its row is taken, since
    /// a widespread program writes such.
    fn check_runs(&self, width: usize, height: usize) -> Result<(), DecodeError> {
        let (mut x, mut y) = (0, 0);
        let mut rest = self.data;
        loop {
            let (&[count, value], after) = rest.split_first_chunk().ok_or(TRUNCATED)?;
            rest = after;
            let drawn = match (count, value) {
                (0, 0) if x >= width => {
                    (x, y) = (0, y + 1);
                    continue;
                }
                (0, 1) if x >= width && y + 1 == height || x == 0 && y == height => return Ok(()),
                (0, 0..=2) => return Err(corrupt("has runs that leave out pixels")),
                (0, pixels) => {
                    let length = if self.compression == RUNS_OF_4 { pixels.div_ceil(2) } else { pixels };
                    let (data, after) =
                        rest.split_at_checked(usize::from(length).next_multiple_of(2)).ok_or(TRUNCATED)?;
                    rest = after;
                    for &byte in &data[..usize::from(length)] {
                        self.check_run_colours(byte)?;
                    }
                    pixels
                }
                (pixels, value) => {
                    self.check_run_colours(value)?;
                    pixels
                }
            };
            x += usize::from(drawn);
            if y >= height || x > width.next_multiple_of(4) {
                return Err(corrupt("has a run beyond the end of its row"));
            }
        }
    }

    /// One number of eight bits, or two of four.
    fn check_run_colours(&self, byte: u8) -> Result<(), DecodeError> {
        if self.compression == RUNS_OF_8 {
            return self.check_colour(byte);
        }
        self.check_colour(byte >> 4).and_then(|()| self.check_colour(byte & 15))
    }
}

const TRUNCATED: DecodeError = DecodeError::Truncated { format: Format::Bmp };

fn corrupt(reason: &str) -> DecodeError {
    DecodeError::Corrupt { format: Format::Bmp, reason: reason.into() }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

//! How samples of any depth become the 8 bits that a backbone is fed with.

use crate::error::DecodeError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which samples a picture may have, and what 8-bit value each becomes; part of a model, since fit and predict must agree.
///
/// Never chosen picture by picture: that would hide a part which is too dark or too bright as a whole.
///
/// ```
/// use patchcore_image::{Intensity, Limits, decode_bytes_as};
///
/// let x_ray = b"P5 3 1 65535\n\x01\xf4\x08\xca\x10\x68"; // 500, 2250, 4200
/// let window: Intensity = "500..4000".parse()?;
/// let picture = decode_bytes_as(x_ray, &Limits::default(), window)?;
/// assert_eq!(picture.rgb(), [0, 0, 0, 128, 128, 128, 255, 255, 255]);
/// assert_eq!(picture.clipped(), 3); // 4200 lies outside, in three channels
/// assert!(decode_bytes_as(x_ray, &Limits::default(), Intensity::EightBit).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Intensity {
    /// 8 bits as they are; pictures of 16 bits are refused, since nobody said what is black and what is white.
    #[default]
    EightBit,
    /// As the original has it from its imaging library: grey of 16 bits is cut off at 255, of colours the high byte is
    /// kept.
    Original,
    /// Samples of either depth: `low` becomes 0, `high` becomes 255, what is outside counts as
    /// [clipped](crate::Picture::clipped).
    Window {
        /// What is black.
        low: u16,
        /// What is white, above `low`.
        high: u16,
    },
}

impl Intensity {
    /// Fails unless the window holds two values.
    ///
    /// # Errors
    /// The reason as text.
    pub fn check(self) -> Result<(), String> {
        match self {
            Self::Window { low, high } if low >= high => {
                Err(format!("intensity window {low}..{high}: the first must be below the second"))
            }
            _ => Ok(()),
        }
    }

    /// 8-bit samples, and how many were outside.
    pub(crate) fn of_bytes(self, samples: &mut [u8]) -> Result<usize, DecodeError> {
        let Self::Window { low, high } = self else { return Ok(0) };
        if high > u16::from(u8::MAX) {
            let what = format!("8-bit samples, where {self} of 16-bit samples is declared");
            return Err(DecodeError::Intensity { what });
        }
        let table: [u8; 256] = std::array::from_fn(|value| scaled(value as u16, low, high));
        let outside = samples.iter().filter(|&&v| !(low..=high).contains(&u16::from(v))).count();
        for value in samples {
            *value = table[usize::from(*value)];
        }
        Ok(outside)
    }

    /// 16-bit samples as 8 bits, and how many were outside. `grey` is set for pictures of one channel and nothing else.
    pub(crate) fn of_words(self, samples: &[u16], grey: bool) -> Result<(Vec<u8>, usize), DecodeError> {
        match self {
            Self::EightBit => {
                let (low, high) =
                    samples.iter().fold((u16::MAX, 0), |(low, high), &v| (low.min(v), high.max(v)));
                let what = format!("16-bit samples ({low} to {high}) and no intensity window declared");
                Err(DecodeError::Intensity { what })
            }
            Self::Original if grey => Ok((samples.iter().map(|&v| v.min(255) as u8).collect(), 0)),
            Self::Original => Ok((samples.iter().map(|&v| (v >> 8) as u8).collect(), 0)),
            Self::Window { low, high } => {
                let outside = samples.iter().filter(|&v| !(low..=high).contains(v)).count();
                Ok((samples.iter().map(|&v| scaled(v, low, high)).collect(), outside))
            }
        }
    }
}

/// `low` to `high` as 0 to 255, rounded to the nearest.
fn scaled(value: u16, low: u16, high: u16) -> u8 {
    let [value, low, high] = [value.clamp(low, high), low, high].map(u32::from);
    let range = (high - low).max(1);
    (((value - low) * 255 + range / 2) / range) as u8
}

impl fmt::Display for Intensity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EightBit => f.write_str("8 bits"),
            Self::Original => f.write_str("as the original"),
            Self::Window { low, high } => write!(f, "window {low}..{high}"),
        }
    }
}

/// Reads a window, `LOW..HIGH`.
impl FromStr for Intensity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u16>().ok();
        let window = text.split_once("..").and_then(|(low, high)| Some((number(low)?, number(high)?)));
        let (low, high) = window.ok_or("must be two numbers of 0 to 65535, as in 0..4095")?;
        let window = Self::Window { low, high };
        window.check().map(|()| window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_range_of_8_bits_is_the_identity() {
        let all: Vec<u8> = (0..=255).collect();
        let mut got = all.clone();
        assert_eq!(Intensity::Window { low: 0, high: 255 }.of_bytes(&mut got), Ok(0));
        assert_eq!(got, all);
        assert_eq!(Intensity::EightBit.of_bytes(&mut got), Ok(0));
        assert_eq!(got, all);
    }

    #[test]
    fn a_window_rounds_to_the_nearest_and_counts_what_is_outside() {
        for (low, high) in [(0, 65_535), (100, 101), (500, 4000), (65_534, 65_535)] {
            let window = Intensity::Window { low, high };
            let all: Vec<u16> = (0..=u16::MAX).collect();
            let (got, outside) = window.of_words(&all, true).unwrap();
            assert_eq!(outside, 65_536 - usize::from(high - low) - 1);
            for (value, got) in all.into_iter().zip(got) {
                let share = (f64::from(value) - f64::from(low)) / f64::from(high - low);
                assert_eq!(got, (share.clamp(0.0, 1.0) * 255.0 + 1e-9).round() as u8, "{value} in {window}");
            }
        }
        let mut dim = [10, 20, 30, 40];
        assert_eq!(Intensity::Window { low: 20, high: 30 }.of_bytes(&mut dim), Ok(2));
        assert_eq!(dim, [0, 0, 255, 255]);
    }

    #[test]
    fn depths_that_nobody_declared_are_refused() {
        let refused = Intensity::EightBit.of_words(&[7, 4000], true).unwrap_err().to_string();
        assert!(refused.contains("16-bit samples (7 to 4000) and no intensity window"), "{refused}");
        let window = Intensity::Window { low: 0, high: 4095 };
        let refused = window.of_bytes(&mut [1]).unwrap_err().to_string();
        assert!(refused.contains("8-bit samples, where window 0..4095"), "{refused}");
    }

    #[test]
    fn windows_are_read_and_written_alike() {
        let window = Intensity::Window { low: 12, high: 4095 };
        assert_eq!("12..4095".parse(), Ok(window));
        assert_eq!(window.to_string(), "window 12..4095");
        for bad in ["", "12", "12..", "..5", "5..5", "9..2", "0..65536", "-1..5", "0.5..2"] {
            assert!(bad.parse::<Intensity>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_original_clamps_grey_and_cuts_colour() {
        assert_eq!(Intensity::Original.of_words(&[7, 255, 4000], true), Ok((vec![7, 255, 255], 0)));
        assert_eq!(
            Intensity::Original.of_words(&[0x1234, 0xFF, 0xFF00], false),
            Ok((vec![0x12, 0, 0xFF], 0))
        );
    }
}

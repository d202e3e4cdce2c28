//! The printed mark: an ink-jet puts it on as dots, in a font of 5 by 7.

use crate::noise;
use crate::rng::Rng;
use crate::shape::{Point, point};

/// One row of dots per line of a letter, the left dot in the highest of five bits.
const LETTERS: [[u8; 7]; 6] = [
    [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000], // P
    [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110], // C
    [0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000], // -
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010], // 4
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111], // 2
    [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110], // B
];

/// Distance of dots, of letters, and the size of a dot, in pixels.
const DOT_PITCH: f64 = 2.1;
const LETTER_PITCH: f64 = 14.0;
const DOT_RADIUS: f64 = 1.25;

/// Where the mark belongs: its middle in part coordinates, and half of its width and height.
pub(super) const MIDDLE: Point = point(0.0, 61.5);
pub(super) const HALF: Point = point(41.5, 8.2);

pub(super) struct Print {
    offset: Point,
    darkness: f64,
    dots: u64,
}

impl Print {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, "print");
        Self {
            offset: point(rng.around(1.5), rng.around(0.8)),
            darkness: rng.range(0.7, 0.85),
            dots: rng.next_u64(),
        }
    }

    /// How much ink lies at a place in part coordinates, 0 to 1.
    pub(super) fn ink(&self, at: Point) -> f64 {
        let from = at.minus(MIDDLE).minus(self.offset).plus(HALF);
        let letter = (from.x / LETTER_PITCH).floor();
        let (x, y) = ((from.x - letter * LETTER_PITCH) / DOT_PITCH - 0.6, from.y / DOT_PITCH - 0.5);
        let (column, row) = ((x + 0.5).floor(), (y + 0.5).floor());
        if !((0.0..6.0).contains(&letter) && (0.0..5.0).contains(&column) && (0.0..7.0).contains(&row)) {
            return 0.0;
        }
        let is_set = LETTERS[letter as usize][row as usize] >> (4 - column as u32) & 1 == 1;
        let distance = point(x - column, y - row).length() * DOT_PITCH;
        let spread = 0.15 * noise::lattice(self.dots, (letter * 5.0 + column) as i64, row as i64);
        if is_set && distance < DOT_RADIUS + spread { self.darkness } else { 0.0 }
    }
}

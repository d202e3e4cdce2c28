//! From values to a code: centring, turning, then rounding to steps.
//!
//! Plain loops, compiled for each instruction set; none fuses a product with a sum, so all give the same.

use super::LARGEST;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::{Dispatch, Kernel};

/// Flips fixed signs, then multiplies each block by an orthonormal matrix of Hadamard's kind, the blocks as long as the
/// largest power of two that divides the length: what was large in one place is spread, lengths stay. In blocks of
/// 512 values or more it is spread over every sixteenth place only, which is enough of them.
///
/// ```
/// use patchcore_kernels::{codes::turn, isa::Isa};
/// let mut values = [0.0, 0.0, 3.0, 0.0];
/// turn(Isa::best(), &mut values);
/// assert!(values.iter().all(|v| v.abs() == 1.5));
/// ```
pub fn turn(isa: Isa, values: &mut [f32]) {
    if !values.is_empty() {
        // SAFETY: the job is safe code.
        unsafe { f32::dispatch(isa, Turn(values)) }
    }
}

/// Values of a register.
const LANES: usize = 16;
/// Blocks of so many values are turned whole registers at a time.
const LONG: usize = 512;

struct Turn<'a>(&'a mut [f32]);

impl Kernel<f32> for Turn<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        let values = self.0;
        let block = 1 << values.len().trailing_zeros();
        let parts = if block >= LONG { block / LANES } else { block };
        let scale = 1.0 / (parts as f32).sqrt();
        for (i, v) in values.iter_mut().enumerate() {
            let flip = ((i as u32).wrapping_mul(2_654_435_761) >> 7) & 1;
            *v *= f32::from_bits(scale.to_bits() ^ (flip << 31));
        }
        for block in values.chunks_exact_mut(block) {
            if block.len() < LONG {
                spread(block.as_chunks_mut::<1>().0);
            } else {
                spread(block.as_chunks_mut::<LANES>().0);
            }
        }
    }
}

/// Sums and differences of all places, two steps at a time.
#[inline(always)]
fn spread<const N: usize>(places: &mut [[f32; N]]) {
    let mut half = 1;
    while 4 * half <= places.len() {
        for four in places.chunks_exact_mut(4 * half) {
            let (low, high) = four.split_at_mut(2 * half);
            let ((a, b), (c, d)) = (low.split_at_mut(half), high.split_at_mut(half));
            for ((a, b), (c, d)) in a.iter_mut().zip(b).zip(c.iter_mut().zip(d)) {
                for i in 0..N {
                    let (p, q, r, s) = (a[i] + b[i], a[i] - b[i], c[i] + d[i], c[i] - d[i]);
                    (a[i], b[i], c[i], d[i]) = (p + r, q + s, p - r, q - s);
                }
            }
        }
        half *= 4;
    }
    if 2 * half <= places.len() {
        for pair in places.chunks_exact_mut(2 * half) {
            let (a, b) = pair.split_at_mut(half);
            for (a, b) in a.iter_mut().zip(b) {
                for i in 0..N {
                    (a[i], b[i]) = (a[i] + b[i], a[i] - b[i]);
                }
            }
        }
    }
}

/// What rounding to a code gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rounded {
    /// The distance from `values / step` to the code, in steps, computed in `f32`; NaN or infinite if a value is. Each
    /// quotient may be off by two roundings of itself, and the distance by `values / 16 + 16` of itself.
    pub missed: f32,
    /// The squared length of the code.
    pub norm: i32,
}

/// Rounds values to steps, cut to the range of a code.
///
/// ```
/// use patchcore_kernels::{codes::quantise, isa::Isa};
/// let mut code = [0; 3];
/// let rounded = quantise(Isa::best(), &[0.5, -1.25, 100.0], 0.5, &mut code);
/// assert_eq!((code, rounded.norm), ([1, -2, 127], 16134));
/// assert_eq!(rounded.missed, (0.5f32.powi(2) + 73.0f32.powi(2)).sqrt());
/// ```
///
/// # Panics
/// If the lengths differ, or are over 16384.
pub fn quantise(isa: Isa, values: &[f32], step: f32, code: &mut [i8]) -> Rounded {
    assert_eq!(values.len(), code.len(), "a value per place");
    // Sums of squares are whole numbers that `f32` holds up to that length.
    assert!(values.len() <= 16384, "{} values", values.len());
    let mut rounded = Rounded { missed: 0.0, norm: 0 };
    // SAFETY: the job reads and writes through slices.
    unsafe { f32::dispatch(isa, Quantise { values, step, code, rounded: &mut rounded }) }
    rounded
}

struct Quantise<'a> {
    values: &'a [f32],
    step: f32,
    code: &'a mut [i8],
    rounded: &'a mut Rounded,
}

impl Kernel<f32> for Quantise<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        let Self { values, step, code, rounded } = self;
        let inverse = 1.0 / step;
        let (mut missed, mut norms) = ([0.0f32; LANES], [0.0f32; LANES]);
        let mut sixteen = |values: &[f32; LANES], code: &mut [i8; LANES]| {
            for i in 0..LANES {
                let steps = values[i] * inverse;
                let whole = round(steps);
                // SAFETY: a whole number of at most `LARGEST` either way, also for NaN.
                code[i] = unsafe { whole.to_int_unchecked::<i32>() } as i8;
                norms[i] += whole * whole;
                let left = steps - whole;
                missed[i] += left * left;
            }
        };
        let ((values, left), (code, code_left)) =
            (values.as_chunks::<LANES>(), code.as_chunks_mut::<LANES>());
        for (values, code) in values.iter().zip(code) {
            sixteen(values, code);
        }
        if !left.is_empty() {
            let (mut padded, mut padded_code) = ([0.0; LANES], [0; LANES]);
            padded[..left.len()].copy_from_slice(left);
            sixteen(&padded, &mut padded_code);
            code_left.copy_from_slice(&padded_code[..left.len()]);
        }
        *rounded = Rounded {
            missed: missed.iter().sum::<f32>().sqrt(),
            norm: norms.iter().map(|&norm| norm as i32).sum(),
        };
    }
}

/// To the nearest whole number, cut to the range of a code.
#[inline(always)]
fn round(v: f32) -> f32 {
    /// Above it, `f32` holds whole numbers only.
    const WHOLE: f32 = 12_582_912.0;
    let limit = LARGEST as f32;
    // Written so that NaN becomes the limit.
    let v = if v < limit { v } else { limit };
    let v = if v > -limit { v } else { -limit };
    (v + WHOLE) - WHOLE
}

/// Subtracts `mean` from `row`.
///
/// ```
/// use patchcore_kernels::{codes::centre, isa::Isa};
/// let mut left = [0.0; 2];
/// centre(Isa::best(), &[4.0, 1.0], &[1.0, 5.0], &mut left);
/// assert_eq!(left, [3.0, -4.0]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn centre(isa: Isa, row: &[f32], mean: &[f32], out: &mut [f32]) {
    assert!(row.len() == mean.len() && row.len() == out.len(), "a mean and a place per value");
    // SAFETY: the job is safe code.
    unsafe { f32::dispatch(isa, Centre { row, mean, out }) }
}

struct Centre<'a> {
    row: &'a [f32],
    mean: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel<f32> for Centre<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        let Self { row, mean, out } = self;
        for ((out, v), m) in out.iter_mut().zip(row).zip(mean) {
            *out = v - m;
        }
    }
}

/// The squared length, summed in `f32`: off by at most `values / 16 + 16` roundings of itself, and underflow.
///
/// ```
/// use patchcore_kernels::{codes::squared_length, isa::Isa};
/// assert_eq!(squared_length(Isa::best(), &[3.0, -4.0]), 25.0);
/// ```
pub fn squared_length(isa: Isa, values: &[f32]) -> f32 {
    let mut length = 0.0;
    // SAFETY: the job is safe code.
    unsafe { f32::dispatch(isa, Length { values, length: &mut length }) }
    length
}

struct Length<'a> {
    values: &'a [f32],
    length: &'a mut f32,
}

impl Kernel<f32> for Length<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        let mut lanes = [0.0f32; LANES];
        let (whole, rest) = self.values.as_chunks::<LANES>();
        for values in whole {
            for (lane, v) in lanes.iter_mut().zip(values) {
                *lane += v * v;
            }
        }
        for (lane, v) in lanes.iter_mut().zip(rest) {
            *lane += v * v;
        }
        *self.length = lanes.iter().sum();
    }
}

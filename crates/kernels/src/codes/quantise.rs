//! From values to a code: centring, turning, then rounding to steps.
//!
//! Plain loops, compiled for each instruction set; none fuses a product with a sum, so all give the same.

use super::LARGEST;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::{Dispatch, Kernel};

/// Flips fixed signs, then multiplies each block by the orthonormal Hadamard matrix, the blocks as long as the largest
/// power of two that divides the length: what was large in one place is spread over its block, lengths stay.
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

struct Turn<'a>(&'a mut [f32]);

impl Kernel<f32> for Turn<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        let values = self.0;
        for (i, v) in values.iter_mut().enumerate() {
            let flip = ((i as u32).wrapping_mul(2_654_435_761) >> 7) & 1;
            *v = f32::from_bits(v.to_bits() ^ (flip << 31));
        }
        let block = 1 << values.len().trailing_zeros();
        let mut half = 1;
        while half < block {
            for pair in values.chunks_exact_mut(2 * half) {
                let (a, b) = pair.split_at_mut(half);
                for (a, b) in a.iter_mut().zip(b) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
            half *= 2;
        }
        let scale = 1.0 / (block as f32).sqrt();
        for v in values {
            *v *= scale;
        }
    }
}

/// Rounds values to steps, cut to the range of a code. Gives the distance from the values to `step` times their code; NaN
/// or infinite if a value is.
///
/// ```
/// use patchcore_kernels::{codes::quantise, isa::Isa};
/// let mut code = [0; 3];
/// let missed = quantise(Isa::best(), &[0.5, -1.25, 100.0], 0.5, &mut code);
/// assert_eq!((code, missed), ([1, -2, 127], (0.25f64.powi(2) + 36.5f64.powi(2)).sqrt()));
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn quantise(isa: Isa, values: &[f32], step: f32, code: &mut [i8]) -> f64 {
    assert_eq!(values.len(), code.len(), "a value per place");
    let mut missed = 0.0;
    // SAFETY: the job reads and writes through slices.
    unsafe { f32::dispatch(isa, Quantise { values, step, code, missed: &mut missed }) }
    missed
}

struct Quantise<'a> {
    values: &'a [f32],
    step: f32,
    code: &'a mut [i8],
    missed: &'a mut f64,
}

/// Sums at a time.
const SUMS: usize = 16;

impl Kernel<f32> for Quantise<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        let Self { values, step, code, missed } = self;
        let inverse = 1.0 / step;
        let mut lanes = [0.0f64; SUMS];
        for (values, code) in values.chunks(SUMS).zip(code.chunks_mut(SUMS)) {
            for ((lane, &v), q) in lanes.iter_mut().zip(values).zip(code) {
                let rounded = round(v * inverse);
                // SAFETY: a whole number of at most `LARGEST` either way, also for NaN, which `max` drops.
                *q = unsafe { rounded.to_int_unchecked::<i32>() } as i8;
                let left = f64::from(v) - f64::from(step) * f64::from(rounded);
                *lane += left * left;
            }
        }
        *missed = lanes.iter().sum::<f64>().sqrt();
    }
}

/// To the nearest whole number, cut to the range of a code.
#[inline(always)]
fn round(v: f32) -> f32 {
    /// Above it, `f32` holds whole numbers only.
    const WHOLE: f32 = 12_582_912.0;
    let limit = LARGEST as f32;
    (v.max(-limit).min(limit) + WHOLE) - WHOLE
}

/// Subtracts `mean` from `row` and gives the squared length of what is left.
///
/// ```
/// use patchcore_kernels::{codes::centre, isa::Isa};
/// let mut left = [0.0; 2];
/// assert_eq!(centre(Isa::best(), &[4.0, 1.0], &[1.0, 5.0], &mut left), 25.0);
/// assert_eq!(left, [3.0, -4.0]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn centre(isa: Isa, row: &[f32], mean: &[f32], out: &mut [f32]) -> f64 {
    assert!(row.len() == mean.len() && row.len() == out.len(), "a mean and a place per value");
    let mut length = 0.0;
    // SAFETY: the job is safe code.
    unsafe { f32::dispatch(isa, Centre { row, mean, out, length: &mut length }) }
    length
}

struct Centre<'a> {
    row: &'a [f32],
    mean: &'a [f32],
    out: &'a mut [f32],
    length: &'a mut f64,
}

impl Kernel<f32> for Centre<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        let Self { row, mean, out, length } = self;
        for ((out, v), m) in out.iter_mut().zip(row).zip(mean) {
            *out = v - m;
        }
        *length = sum_of_squares(out);
    }
}

/// The squared length.
///
/// ```
/// use patchcore_kernels::{codes::squared_length, isa::Isa};
/// assert_eq!(squared_length(Isa::best(), &[3.0, -4.0]), 25.0);
/// ```
pub fn squared_length(isa: Isa, values: &[f32]) -> f64 {
    let mut length = 0.0;
    // SAFETY: the job is safe code.
    unsafe { f32::dispatch(isa, Length { values, length: &mut length }) }
    length
}

struct Length<'a> {
    values: &'a [f32],
    length: &'a mut f64,
}

impl Kernel<f32> for Length<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        *self.length = sum_of_squares(self.values);
    }
}

#[inline(always)]
fn sum_of_squares(values: &[f32]) -> f64 {
    let mut lanes = [0.0f64; SUMS];
    let (whole, rest) = values.as_chunks::<SUMS>();
    for values in whole {
        for (lane, &v) in lanes.iter_mut().zip(values) {
            *lane += f64::from(v) * f64::from(v);
        }
    }
    for (lane, &v) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(v) * f64::from(v);
    }
    lanes.iter().sum()
}

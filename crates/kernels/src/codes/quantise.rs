//! From values to a code: turning, then rounding to steps.
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
    // SAFETY: the job is safe code.
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
                *q = rounded as i32 as i8;
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

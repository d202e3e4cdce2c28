//! Products of a row with many others, summed in `f64`.

use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::{Dispatch, Kernel};

/// Running sums of a product.
const SUMS: usize = 8;
/// Rows that are multiplied at a time.
const TOGETHER: usize = 4;

/// The dot products of `row` with the rows of `others`, `[out, row's length]`, whose values are `f32` widened. Products are
/// exact; sum `i` of eight adds those of the values `i, i + 8, i + 16, ...`, and the sums are added in order. So every
/// instruction set gives the same, within a rounding of the true value.
///
/// ```
/// use patchcore_kernels::{isa::Isa, product::wide_products};
/// let mut out = [0.0; 2];
/// wide_products(Isa::best(), &[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0], &mut out);
/// assert_eq!(out, [11.0, 17.0]);
/// ```
///
/// # Panics
/// If the lengths do not fit.
pub fn wide_products(isa: Isa, row: &[f32], others: &[f64], out: &mut [f32]) {
    assert_eq!(others.len(), row.len() * out.len(), "a row of {} values per product", row.len());
    if row.is_empty() {
        out.fill(0.0);
        return;
    }
    // SAFETY: the job is safe code.
    unsafe { f32::dispatch(isa, Products { row, others, out }) }
}

struct Products<'a> {
    row: &'a [f32],
    others: &'a [f64],
    out: &'a mut [f32],
}

impl Kernel<f32> for Products<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        let Self { row, others, out } = self;
        let d = row.len();
        let mut others = others.chunks_exact(TOGETHER * d);
        let mut out = out.chunks_mut(TOGETHER);
        for (others, out) in others.by_ref().zip(out.by_ref()) {
            let rows = std::array::from_fn(|j| &others[j * d..][..d]);
            out.copy_from_slice(&products::<TOGETHER>(row, rows));
        }
        let left = others.remainder().chunks_exact(d);
        for (other, out) in left.zip(out.next().into_iter().flatten()) {
            [*out] = products(row, [other]);
        }
    }
}

#[inline(always)]
fn products<const N: usize>(row: &[f32], others: [&[f64]; N]) -> [f32; N] {
    let mut sums = [[0.0f64; SUMS]; N];
    let (whole, left) = row.as_chunks::<SUMS>();
    for (i, values) in whole.iter().enumerate() {
        for (sums, other) in sums.iter_mut().zip(others) {
            let other = &other[i * SUMS..][..SUMS];
            for lane in 0..SUMS {
                sums[lane] += f64::from(values[lane]) * other[lane];
            }
        }
    }
    for (sums, other) in sums.iter_mut().zip(others) {
        let other = &other[row.len() - left.len()..];
        for ((sum, &v), o) in sums.iter_mut().zip(left).zip(other) {
            *sum += f64::from(v) * o;
        }
    }
    sums.map(|sums| sums.iter().sum::<f64>() as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_instruction_set_gives_the_definition(d in 0usize..40, m in 0usize..11, seed: u32) {
            let value = |i: usize| ((i as u32 + 1).wrapping_mul(seed | 1) >> 8) as f32 / 3e6 - 2.0;
            let row: Vec<f32> = (0..d).map(value).collect();
            let others: Vec<f64> = (0..m * d).map(|i| f64::from(value(i + 1000))).collect();
            let defined = |other: &[f64]| {
                let mut sums = [0.0f64; SUMS];
                for (i, (&v, o)) in row.iter().zip(other).enumerate() {
                    sums[i % SUMS] += f64::from(v) * o;
                }
                sums.iter().sum::<f64>() as f32
            };
            let twin: Vec<f32> = (0..m).map(|j| defined(&others[j * d..][..d])).collect();
            for isa in Isa::available() {
                let mut out = vec![7.0; m];
                wide_products(isa, &row, &others, &mut out);
                prop_assert_eq!(&out, &twin, "{}", isa.name());
            }
        }
    }
}

//! Weighted sums of rows of bytes in fixed point: the inner loop of resizing pictures.
//!
//! Integers only, so every instruction set gives the same bytes. The loop is written once, plainly; the compiler turns
//! it into the instructions of each entry point.

use crate::isa::{Isa, Kind};

#[cfg(test)]
mod tests;

/// Fractional bits of a weight.
pub const FRACTION_BITS: u32 = 22;

const HALF: i32 = 1 << (FRACTION_BITS - 1);
/// Sums that are kept in registers at a time.
const LANES: usize = 32;

/// `out[i]` becomes the sum over `j` of `weights[j] * rows[j * stride + i]`, rounded and clamped to 0..=255.
///
/// Weights have [`FRACTION_BITS`] fractional bits and together make about one; sums beyond 32 bits wrap around.
///
/// ```
/// use patchcore_kernels::{isa::Isa, resample::{FRACTION_BITS, weighted_rows}};
/// let half = 1 << (FRACTION_BITS - 1);
/// let mut out = [0; 2];
/// weighted_rows(Isa::best(), &[10, 20, 31, 40], 2, &[half, half], &mut out);
/// assert_eq!(out, [21, 30]);
/// ```
///
/// # Panics
/// If `rows` does not hold a row of `out`'s length for each weight, `stride` values apart.
pub fn weighted_rows(isa: Isa, rows: &[u8], stride: usize, weights: &[i32], out: &mut [u8]) {
    match isa.0 {
        Kind::Portable => plain(rows, stride, weights, out),
        // SAFETY: this `Kind` exists only where AVX2 was detected.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { with_avx2(rows, stride, weights, out) },
        // SAFETY: this `Kind` exists only where AVX-512F was detected.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { with_avx512(rows, stride, weights, out) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2(rows: &[u8], stride: usize, weights: &[i32], out: &mut [u8]) {
    plain(rows, stride, weights, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn with_avx512(rows: &[u8], stride: usize, weights: &[i32], out: &mut [u8]) {
    plain(rows, stride, weights, out);
}

#[inline(always)]
fn plain(rows: &[u8], stride: usize, weights: &[i32], out: &mut [u8]) {
    let Some(last) = out.len().checked_sub(LANES) else {
        for (i, value) in out.iter_mut().enumerate() {
            let term = |(j, weight): (usize, &i32)| weight.wrapping_mul(i32::from(rows[j * stride + i]));
            *value = to_u8(weights.iter().enumerate().map(term).fold(HALF, i32::wrapping_add));
        }
        return;
    };
    // The last block may begin inside the one before; what it computes again comes out the same.
    for at in (0..last).step_by(LANES).chain([last]) {
        block(&rows[at..], stride, weights, &mut out[at..]);
    }
}

/// The first `LANES` values.
#[inline(always)]
fn block(rows: &[u8], stride: usize, weights: &[i32], out: &mut [u8]) {
    let mut sums = [HALF; LANES];
    for (j, &weight) in weights.iter().enumerate() {
        let row = &rows[j * stride..][..LANES];
        for i in 0..LANES {
            sums[i] = sums[i].wrapping_add(weight.wrapping_mul(i32::from(row[i])));
        }
    }
    for (value, sum) in out[..LANES].iter_mut().zip(sums) {
        *value = to_u8(sum);
    }
}

#[inline(always)]
fn to_u8(sum: i32) -> u8 {
    (sum >> FRACTION_BITS).clamp(0, 255) as u8
}

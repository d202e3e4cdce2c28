//! Squared Euclidean distance, in one fixed order of additions.
//!
//! Lane `i` of sixteen sums the squared differences of elements `i, i + 16, i + 32, ...`; the lanes are then added
//! pairwise, halving sixteen to one. This order is the definition: it holds for every instruction set, for one pair
//! or a block of pairs, so a distance never depends on how it was reached. The plain difference is used and not
//! `|a|² + |b|² - 2ab`, which cancels.

use crate::isa::{Isa, Kind};
#[cfg(target_arch = "x86_64")]
use crate::vector::{Avx2, Avx512};
use crate::vector::{Portable, Vector};

#[cfg(test)]
mod tests;

const LANES: usize = 16;

/// The squared distance of two embeddings; 0 for empty ones, NaN if a value is NaN.
///
/// ```
/// use patchcore_kernels::{distance::squared_l2, isa::Isa};
/// assert_eq!(squared_l2(Isa::best(), &[1.0, 2.0], &[4.0, 6.0]), 25.0);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn squared_l2(isa: Isa, a: &[f32], b: &[f32]) -> f32 {
    let mut out = [0.0];
    squared_l2_block(isa, a, b, a.len(), &mut out);
    out[0]
}

/// The squared distances of every row of `a` to every row of `b`: `out` is `[a rows, b rows]`, rows have `d` values.
///
/// # Panics
/// If the lengths do not fit.
pub fn squared_l2_block(isa: Isa, a: &[f32], b: &[f32], d: usize, out: &mut [f32]) {
    if d == 0 {
        out.fill(0.0);
        return;
    }
    let (n, m) = (a.len() / d, b.len() / d);
    assert!(a.len() == n * d && b.len() == m * d, "{} and {} values are no rows of {d}", a.len(), b.len());
    assert_eq!(out.len(), n * m, "{n} x {m} distances");
    match isa.0 {
        // SAFETY: the lengths were checked above; the portable register needs no instruction set.
        Kind::Portable => unsafe { block::<Portable, 2, 2, 2>(a, b, d, out) },
        // SAFETY: as above, and this `Kind` exists only where AVX2 and FMA were detected.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { block_avx2(a, b, d, out) },
        // SAFETY: as above, and this `Kind` exists only where AVX-512F was detected.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { block_avx512(a, b, d, out) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn block_avx2(a: &[f32], b: &[f32], d: usize, out: &mut [f32]) {
    // SAFETY: the caller checked the lengths; the instruction set is this function's.
    unsafe { block::<Avx2, 2, 2, 2>(a, b, d, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn block_avx512(a: &[f32], b: &[f32], d: usize, out: &mut [f32]) {
    // SAFETY: the caller checked the lengths; the instruction set is this function's.
    unsafe { block::<Avx512, 1, 4, 4>(a, b, d, out) }
}

/// Walks `A x B` tiles of pairs; `NV` registers make sixteen lanes.
///
/// # Safety
/// `a` and `b` are rows of `d > 0` values, `out` has one place per pair; the processor has `V`.
#[inline(always)]
unsafe fn block<V: Vector, const NV: usize, const A: usize, const B: usize>(
    a: &[f32],
    b: &[f32],
    d: usize,
    out: &mut [f32],
) {
    let (n, m) = (a.len() / d, b.len() / d);
    // SAFETY: every row index below is under `n` or `m`, so all rows lie inside their slices.
    unsafe {
        for i in (0..n).step_by(A) {
            for j in (0..m).step_by(B) {
                let (pa, pb) = (a.as_ptr().add(i * d), b.as_ptr().add(j * d));
                if i + A <= n && j + B <= m {
                    tile::<V, NV, A, B>(pa, pb, d, &mut out[i * m + j..], m);
                } else if j + B <= m {
                    for y in i..n.min(i + A) {
                        tile::<V, NV, 1, B>(a.as_ptr().add(y * d), pb, d, &mut out[y * m + j..], m);
                    }
                } else {
                    for y in i..n.min(i + A) {
                        for x in j..m {
                            let (pa, pb) = (a.as_ptr().add(y * d), b.as_ptr().add(x * d));
                            tile::<V, NV, 1, 1>(pa, pb, d, &mut out[y * m + x..], m);
                        }
                    }
                }
            }
        }
    }
}

/// The distances of `A` rows to `B` rows; `out` starts at the tile's first place, `m` values per row.
///
/// # Safety
/// `A` and `B` rows of `d` values are readable; the processor has `V`.
#[inline(always)]
unsafe fn tile<V: Vector, const NV: usize, const A: usize, const B: usize>(
    a: *const f32,
    b: *const f32,
    d: usize,
    out: &mut [f32],
    m: usize,
) {
    const { assert!(NV * V::N == LANES) };
    // SAFETY: all loads stay inside the rows: full registers before `whole`, partial ones behind it.
    unsafe {
        let mut sums = [[[V::splat(0.0); NV]; B]; A];
        let whole = d / LANES * LANES;
        for k in (0..whole).step_by(LANES) {
            for v in 0..NV {
                let at = k + v * V::N;
                let mut rows = [V::splat(0.0); B];
                for (j, row) in rows.iter_mut().enumerate() {
                    *row = V::load(b.add(j * d + at));
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let x = V::load(a.add(i * d + at));
                    for (sum, row) in sums.iter_mut().zip(rows) {
                        let difference = x.sub(row);
                        sum[v] = difference.mul_add(difference, sum[v]);
                    }
                }
            }
        }
        for v in 0..NV {
            let at = whole + v * V::N;
            let left = d.saturating_sub(at).min(V::N);
            if left == 0 {
                break;
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let x = V::load_part(a.add(i * d + at), left);
                for (j, sum) in sums.iter_mut().enumerate() {
                    let difference = x.sub(V::load_part(b.add(j * d + at), left));
                    sum[v] = difference.mul_add(difference, sum[v]);
                }
            }
        }
        let done = sums;
        for (i, sums) in done.iter().enumerate() {
            for (j, sum) in sums.iter().enumerate() {
                let mut lanes = [0.0; LANES];
                for (v, part) in sum.iter().enumerate() {
                    part.store(lanes.as_mut_ptr().add(v * V::N));
                }
                out[i * m + j] = pairwise(lanes);
            }
        }
    }
}

/// Sixteen lanes to one: lane `i` and lane `i + half`, halving each time.
#[inline(always)]
fn pairwise(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

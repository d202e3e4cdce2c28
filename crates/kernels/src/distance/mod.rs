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
use half::f16;

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
    // SAFETY: the lengths were checked above.
    unsafe { run(isa, Block { a, b, d, out }) }
}

/// How rows are kept that distances are measured to. Distances are those of the values as `f32`.
///
/// Sealed: `f32` and `f16` are all there are.
pub trait Stored: Copy + Sync + sealed::Load {}

impl Stored for f32 {}
impl Stored for f16 {}

mod sealed {
    use super::{Vector, f16};

    /// # Safety
    /// As for [`Vector`].
    pub trait Load: Sized {
        /// `V::N` values.
        unsafe fn load<V: Vector>(p: *const Self) -> V;
        /// The first `n <= V::N` values, the other lanes 0.
        unsafe fn load_part<V: Vector>(p: *const Self, n: usize) -> V;
    }

    impl Load for f32 {
        #[inline(always)]
        unsafe fn load<V: Vector>(p: *const Self) -> V {
            // SAFETY: the caller's promise.
            unsafe { V::load(p) }
        }

        #[inline(always)]
        unsafe fn load_part<V: Vector>(p: *const Self, n: usize) -> V {
            // SAFETY: the caller's promise.
            unsafe { V::load_part(p, n) }
        }
    }

    impl Load for f16 {
        #[inline(always)]
        unsafe fn load<V: Vector>(p: *const Self) -> V {
            // SAFETY: the caller's promise.
            unsafe { V::load_half(p) }
        }

        #[inline(always)]
        unsafe fn load_part<V: Vector>(p: *const Self, n: usize) -> V {
            // SAFETY: the caller's promise.
            unsafe { V::load_half_part(p, n) }
        }
    }
}

/// The squared distances of `row` to the rows of `all` with these numbers, in their order.
///
/// ```
/// use patchcore_kernels::{distance::squared_l2_to, isa::Isa};
/// let mut out = [0.0; 2];
/// squared_l2_to(Isa::best(), &[1.0], &[1.0, 4.0, 9.0], &[2, 1], &mut out);
/// assert_eq!(out, [64.0, 9.0]);
/// ```
///
/// # Panics
/// If a length does not fit, or a number is too large.
pub fn squared_l2_to<E: Stored>(isa: Isa, row: &[f32], all: &[E], numbers: &[u32], out: &mut [f32]) {
    let d = row.len();
    assert_eq!(numbers.len(), out.len(), "a distance per number");
    let fits = |&number: &u32| (number as usize + 1) * d <= all.len();
    assert!(numbers.iter().all(fits), "a row beyond the last");
    // SAFETY: the numbers were checked above.
    unsafe { run(isa, Listed { row, all, numbers, out }) }
}

/// A walk over tiles, with `NV` registers for sixteen lanes, and as many pairs at a time as registers allow.
trait Walk {
    /// # Safety
    /// The walk's maker has checked its lengths; the processor has `V`.
    unsafe fn walk<V: Vector, const NV: usize, const A: usize, const B: usize>(self);
}

/// # Safety
/// The walk's maker has checked its lengths.
unsafe fn run(isa: Isa, walk: impl Walk) {
    // SAFETY: a `Kind` other than portable exists only where its instructions were detected; the rest is the caller's
    // promise.
    unsafe {
        match isa.0 {
            Kind::Portable => walk.walk::<Portable, 2, 2, 2>(),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => avx2(walk),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => avx512(walk),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn avx2(walk: impl Walk) {
    // SAFETY: the instruction set is this function's, the rest is the caller's promise.
    unsafe { walk.walk::<Avx2, 2, 2, 2>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(walk: impl Walk) {
    // SAFETY: as in `avx2`.
    unsafe { walk.walk::<Avx512, 1, 4, 4>() }
}

struct Listed<'a, E> {
    row: &'a [f32],
    all: &'a [E],
    numbers: &'a [u32],
    out: &'a mut [f32],
}

impl<E: Stored> Walk for Listed<'_, E> {
    #[inline(always)]
    unsafe fn walk<V: Vector, const NV: usize, const A: usize, const B: usize>(self) {
        let d = self.row.len();
        let from = |number: u32| self.all.as_ptr().wrapping_add(number as usize * d);
        let (fours, left) = self.numbers.as_chunks::<B>();
        let (out, out_left) = self.out.split_at_mut(fours.len() * B);
        // SAFETY: the maker has checked that all rows lie inside.
        unsafe {
            for (numbers, out) in fours.iter().zip(out.chunks_exact_mut(B)) {
                tile::<E, V, NV, 1, B>([self.row.as_ptr()], numbers.map(from), d, out, B);
            }
            match left {
                [] => {}
                [number] => tile::<E, V, NV, 1, 1>([self.row.as_ptr()], [from(*number)], d, out_left, 1),
                // As many as fit cost hardly more than two.
                [.., last] => {
                    let rows = std::array::from_fn(|j| from(*left.get(j).unwrap_or(last)));
                    let mut padded = [0.0; B];
                    tile::<E, V, NV, 1, B>([self.row.as_ptr()], rows, d, &mut padded, B);
                    out_left.copy_from_slice(&padded[..left.len()]);
                }
            }
        }
    }
}

struct Block<'a> {
    a: &'a [f32],
    b: &'a [f32],
    d: usize,
    out: &'a mut [f32],
}

impl Walk for Block<'_> {
    #[inline(always)]
    unsafe fn walk<V: Vector, const NV: usize, const A: usize, const B: usize>(self) {
        let Self { a, b, d, out } = self;
        let (n, m) = (a.len() / d, b.len() / d);
        let at = |rows: &[f32], i: usize| rows.as_ptr().wrapping_add(i * d);
        // SAFETY: every row index below is under `n` or `m`, so all rows lie inside their slices.
        unsafe {
            for i in (0..n).step_by(A) {
                for j in (0..m).step_by(B) {
                    if i + A <= n && j + B <= m {
                        let (a, b) =
                            (std::array::from_fn(|y| at(a, i + y)), std::array::from_fn(|x| at(b, j + x)));
                        tile::<f32, V, NV, A, B>(a, b, d, &mut out[i * m + j..], m);
                    } else if j + B <= m {
                        for y in i..n.min(i + A) {
                            let b = std::array::from_fn(|x| at(b, j + x));
                            tile::<f32, V, NV, 1, B>([at(a, y)], b, d, &mut out[y * m + j..], m);
                        }
                    } else {
                        for y in i..n.min(i + A) {
                            for x in j..m {
                                tile::<f32, V, NV, 1, 1>([at(a, y)], [at(b, x)], d, &mut out[y * m + x..], m);
                            }
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
unsafe fn tile<E: Stored, V: Vector, const NV: usize, const A: usize, const B: usize>(
    a: [*const f32; A],
    b: [*const E; B],
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
                    *row = E::load(b[j].add(at));
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let x = V::load(a[i].add(at));
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
                let x = V::load_part(a[i].add(at), left);
                for (j, sum) in sums.iter_mut().enumerate() {
                    let difference = x.sub(E::load_part(b[j].add(at), left));
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

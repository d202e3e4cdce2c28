//! The two small matrices of Winograd's convolution that meet pictures, written out as sums; `pack` has the third.

use crate::vector::Vector;

/// `B' d` of one row or column of a window, four values for `F2`, six for `F4`.
///
/// # Safety
/// The processor has `V`.
#[inline(always)]
pub(super) unsafe fn input<V: Vector, const W: usize>(d: [V; W]) -> [V; W] {
    let mut out = d;
    // SAFETY: the caller promises `V`.
    unsafe {
        if W == 4 {
            out[0] = d[0].sub(d[2]);
            out[1] = d[1].add(d[2]);
            out[2] = d[2].sub(d[1]);
            out[3] = d[1].sub(d[3]);
        } else {
            let (four, minus_four, minus_five, two) =
                (V::splat(4.0), V::splat(-4.0), V::splat(-5.0), V::splat(2.0));
            let (even, odd) = (d[2].mul_add(minus_four, d[4]), d[1].mul_add(minus_four, d[3]));
            let (even2, odd2) = (d[4].sub(d[2]), d[3].sub(d[1]));
            out[0] = d[0].mul_add(four, d[2].mul_add(minus_five, d[4]));
            out[1] = even.add(odd);
            out[2] = even.sub(odd);
            out[3] = odd2.mul_add(two, even2);
            out[4] = odd2.mul_add(V::splat(-2.0), even2);
            out[5] = d[1].mul_add(four, d[3].mul_add(minus_five, d[5]));
        }
    }
    out
}

/// `A' m` of one row or column of products: two values for `F2`, four for `F4`.
///
/// # Safety
/// The processor has `V`.
#[inline(always)]
pub(super) unsafe fn output<V: Vector, const W: usize, const S: usize>(m: [V; W]) -> [V; S] {
    let mut out = [m[0]; S];
    // SAFETY: the caller promises `V`.
    unsafe {
        if W == 4 {
            out[0] = m[0].add(m[1].add(m[2]));
            out[1] = m[1].sub(m[2]).sub(m[3]);
        } else {
            let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (sum2, difference2) = (m[3].add(m[4]), m[3].sub(m[4]));
            out[0] = m[0].add(sum.add(sum2));
            out[1] = difference2.mul_add(V::splat(2.0), difference);
            out[2] = sum2.mul_add(V::splat(4.0), sum);
            out[3] = difference2.mul_add(V::splat(8.0), difference).add(m[5]);
        }
    }
    out
}

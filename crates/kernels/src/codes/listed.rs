//! Products of one code with codes picked out of many.

use super::OFFSET;
use crate::isa::{Isa, Kind};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_setzero_si256,
    _mm256_storeu_si256, _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_maskz_loadu_epi8,
    _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_xor_si512,
};

/// Codes that are multiplied at a time.
const TOGETHER: usize = 4;

/// The dot products of `row` with the codes of `all`, which lie one after the other, that have these numbers.
///
/// ```
/// use patchcore_kernels::{codes::dots, isa::Isa};
/// let mut out = [0; 2];
/// dots(Isa::best(), &[1, -2], &[3, 4, 5, 6], &[1, 0], &mut out);
/// assert_eq!(out, [-7, -5]);
/// ```
///
/// # Panics
/// If a length does not fit, or a number is too large.
pub fn dots(isa: Isa, row: &[i8], all: &[i8], numbers: &[u32], out: &mut [i32]) {
    assert_eq!(numbers.len(), out.len(), "a product per number");
    let k = row.len();
    let code = |number: u32| &all[number as usize * k..][..k];
    let ((some, last), (out, out_last)) = (numbers.as_chunks::<TOGETHER>(), out.as_chunks_mut::<TOGETHER>());
    // SAFETY: the codes are as long as the row; a `Kind` other than portable exists only where its instructions were
    // detected, and one with AVX-512 has AVX2 too.
    unsafe {
        match isa.0 {
            Kind::Portable => {
                some.iter().zip(out).for_each(|(n, out)| *out = portable(row, n.map(code)));
                last.iter().zip(out_last).for_each(|(&n, out)| [*out] = portable(row, [code(n)]));
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 if isa.has_vnni() => {
                let offset = OFFSET * sum(row);
                some.iter().zip(out).for_each(|(n, out)| *out = vnni(row, n.map(code), offset));
                last.iter().zip(out_last).for_each(|(&n, out)| [*out] = vnni(row, [code(n)], offset));
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 | Kind::Avx512 => {
                some.iter().zip(out).for_each(|(n, out)| *out = avx2(row, n.map(code)));
                last.iter().zip(out_last).for_each(|(&n, out)| [*out] = avx2(row, [code(n)]));
            }
        }
    }
}

/// The definition.
fn portable<const N: usize>(row: &[i8], codes: [&[i8]; N]) -> [i32; N] {
    codes.map(|code| row.iter().zip(code).map(|(&v, &c)| i32::from(v) * i32::from(c)).sum())
}

/// # Safety
/// The processor has AVX2; the codes are as long as the row.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2<const N: usize>(row: &[i8], codes: [&[i8]; N]) -> [i32; N] {
    let (whole, left) = row.as_chunks::<16>();
    let mut sums = [_mm256_setzero_si256(); N];
    for (i, row) in whole.iter().enumerate() {
        // SAFETY: sixteen bytes each.
        unsafe {
            let row = _mm256_cvtepi8_epi16(_mm_loadu_si128(row.as_ptr().cast()));
            for (sums, code) in sums.iter_mut().zip(codes) {
                let code = _mm256_cvtepi8_epi16(_mm_loadu_si128(code.as_ptr().add(i * 16).cast()));
                *sums = _mm256_add_epi32(*sums, _mm256_madd_epi16(code, row));
            }
        }
    }
    let rest = portable(left, codes.map(|code| &code[row.len() - left.len()..]));
    std::array::from_fn(|j| {
        let mut lanes = [0; 8];
        // SAFETY: eight values.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums[j]) };
        lanes.iter().sum::<i32>() + rest[j]
    })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn sum(row: &[i8]) -> i32 {
    let (whole, left) = row.as_chunks::<64>();
    let mut sums = _mm512_setzero_si512();
    for row in whole {
        // SAFETY: 64 bytes.
        let row = unsafe { _mm512_loadu_si512(row.as_ptr().cast()) };
        sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), row);
    }
    _mm512_reduce_add_epi32(sums) + left.iter().map(|&v| i32::from(v)).sum::<i32>()
}

/// The products with `code + 128`, less what that adds.
///
/// # Safety
/// The processor has AVX-512 with VNNI; the codes are as long as the row.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn vnni<const N: usize>(row: &[i8], codes: [&[i8]; N], offset: i32) -> [i32; N] {
    let flip = _mm512_set1_epi8(-128);
    let mut sums = [_mm512_setzero_si512(); N];
    for at in (0..row.len()).step_by(64) {
        let left = row.len() - at;
        let mask = if left < 64 { (1 << left) - 1 } else { u64::MAX };
        // SAFETY: the mask keeps the loads inside; what it leaves out is zero.
        unsafe {
            let row = _mm512_maskz_loadu_epi8(mask, row.as_ptr().add(at));
            for (sums, code) in sums.iter_mut().zip(codes) {
                let code = _mm512_maskz_loadu_epi8(mask, code.as_ptr().add(at));
                *sums = _mm512_dpbusd_epi32(*sums, _mm512_xor_si512(code, flip), row);
            }
        }
    }
    sums.map(|sums| _mm512_reduce_add_epi32(sums) - offset)
}

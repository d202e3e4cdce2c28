//! Products of one code with codes picked out of many.

use super::OFFSET;
use crate::isa::{Isa, Kind};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16,
    _mm256_setzero_si256, _mm256_storeu_si256, _mm512_dpbusd_epi32, _mm512_maskz_loadu_epi8,
    _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_xor_si512,
};

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
    let codes = numbers.iter().map(|&number| &all[number as usize * k..][..k]);
    match isa.0 {
        Kind::Portable => codes.zip(out).for_each(|(code, out)| *out = portable(row, code)),
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 if isa.has_vnni() => {
            let offset = OFFSET * row.iter().map(|&v| i32::from(v)).sum::<i32>();
            for (i, (code, out)) in codes.zip(out).enumerate() {
                if let Some(&next) = numbers.get(i + AHEAD) {
                    fetch(&all[next as usize * k..][..k]);
                }
                // SAFETY: the processor was asked, and the codes are as long as the row.
                *out = unsafe { vnni(row, code) } - offset;
            }
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above; a `Kind` with AVX-512 has AVX2 too.
        Kind::Avx2 | Kind::Avx512 => codes.zip(out).for_each(|(code, out)| *out = unsafe { avx2(row, code) }),
    }
}

/// Codes that are asked for before their turn.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 4;

/// Asks for the cache lines of a code.
#[cfg(target_arch = "x86_64")]
fn fetch(code: &[i8]) {
    for line in code.chunks(64) {
        // SAFETY: every x86-64 processor has the instruction, and it reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr()) }
    }
}

/// The definition.
fn portable(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(a: &[i8], b: &[i8]) -> i32 {
    let ((a, a_left), (b, b_left)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = _mm256_setzero_si256();
    for (a, b) in a.iter().zip(b) {
        // SAFETY: sixteen bytes each.
        let (a, b) = unsafe { (_mm_loadu_si128(a.as_ptr().cast()), _mm_loadu_si128(b.as_ptr().cast())) };
        let products = _mm256_madd_epi16(_mm256_cvtepi8_epi16(a), _mm256_cvtepi8_epi16(b));
        sums = _mm256_add_epi32(sums, products);
    }
    let mut lanes = [0; 8];
    // SAFETY: eight values.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), sums) };
    lanes.iter().sum::<i32>() + portable(a_left, b_left)
}

/// `a · (b + 128)`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn vnni(a: &[i8], b: &[i8]) -> i32 {
    let offset = _mm512_set1_epi8(-128);
    let mut sums = _mm512_setzero_si512();
    for at in (0..a.len()).step_by(64) {
        let left = a.len() - at;
        let mask = if left < 64 { (1 << left) - 1 } else { u64::MAX };
        // SAFETY: the mask keeps the loads inside; what it leaves out of `a` is zero.
        let (a, b) = unsafe {
            (
                _mm512_maskz_loadu_epi8(mask, a.as_ptr().add(at)),
                _mm512_maskz_loadu_epi8(mask, b.as_ptr().add(at)),
            )
        };
        sums = _mm512_dpbusd_epi32(sums, _mm512_xor_si512(b, offset), a);
    }
    _mm512_reduce_add_epi32(sums)
}

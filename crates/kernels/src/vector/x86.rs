//! The registers of x86-64: eight lanes with AVX2 + FMA, sixteen with AVX-512.

use super::Vector;
use std::arch::x86_64::{
    __m256, __m256i, __m512, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_max_ps, _mm256_min_ps, _mm256_set1_ps, _mm256_storeu_ps,
    _mm256_sub_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_min_ps, _mm512_set1_ps, _mm512_storeu_ps, _mm512_sub_ps,
};

#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

/// Eight ones, then eight zeros: the window that starts at `8 - n` masks the first `n` lanes.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
unsafe fn first_lanes(n: usize) -> __m256i {
    debug_assert!(n <= 8);
    // SAFETY: `n <= 8`, so the window of eight lies inside the sixteen; AVX2 as the callers promise.
    unsafe { _mm256_loadu_si256(MASKS.as_ptr().add(8 - n).cast()) }
}

impl Vector for Avx2 {
    const N: usize = 8;

    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        // SAFETY: the caller promises AVX2.
        Self(unsafe { _mm256_set1_ps(v) })
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller promises AVX2 and 8 readable values.
        Self(unsafe { _mm256_loadu_ps(p) })
    }

    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize) -> Self {
        // SAFETY: the caller promises AVX2 and `n` readable values; masked lanes are not touched.
        Self(unsafe { _mm256_maskload_ps(p, first_lanes(n)) })
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller promises AVX2 and 8 writable values.
        unsafe { _mm256_storeu_ps(p, self.0) }
    }

    #[inline(always)]
    unsafe fn store_part(self, p: *mut f32, n: usize) {
        // SAFETY: the caller promises AVX2 and `n` writable values; masked lanes are not touched.
        unsafe { _mm256_maskstore_ps(p, first_lanes(n), self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, o: Self) -> Self {
        // SAFETY: the caller promises AVX2.
        Self(unsafe { _mm256_add_ps(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, o: Self) -> Self {
        // SAFETY: the caller promises AVX2.
        Self(unsafe { _mm256_sub_ps(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: the caller promises AVX2 and FMA.
        Self(unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn at_least(self, bound: Self) -> Self {
        // SAFETY: the caller promises AVX2. With NaN the instruction returns its second operand, here `self`.
        Self(unsafe { _mm256_max_ps(bound.0, self.0) })
    }

    #[inline(always)]
    unsafe fn at_most(self, bound: Self) -> Self {
        // SAFETY: as in `at_least`.
        Self(unsafe { _mm256_min_ps(bound.0, self.0) })
    }
}

impl Vector for Avx512 {
    const N: usize = 16;

    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        // SAFETY: the caller promises AVX-512F.
        Self(unsafe { _mm512_set1_ps(v) })
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller promises AVX-512F and 16 readable values.
        Self(unsafe { _mm512_loadu_ps(p) })
    }

    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize) -> Self {
        // SAFETY: the caller promises AVX-512F and `n` readable values; masked lanes are not touched.
        Self(unsafe { _mm512_maskz_loadu_ps(first_bits(n), p) })
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller promises AVX-512F and 16 writable values.
        unsafe { _mm512_storeu_ps(p, self.0) }
    }

    #[inline(always)]
    unsafe fn store_part(self, p: *mut f32, n: usize) {
        // SAFETY: the caller promises AVX-512F and `n` writable values; masked lanes are not touched.
        unsafe { _mm512_mask_storeu_ps(p, first_bits(n), self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, o: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        Self(unsafe { _mm512_add_ps(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, o: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        Self(unsafe { _mm512_sub_ps(self.0, o.0) })
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        // SAFETY: the caller promises AVX-512F.
        Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn at_least(self, bound: Self) -> Self {
        // SAFETY: the caller promises AVX-512F. With NaN the instruction returns its second operand, here `self`.
        Self(unsafe { _mm512_max_ps(bound.0, self.0) })
    }

    #[inline(always)]
    unsafe fn at_most(self, bound: Self) -> Self {
        // SAFETY: as in `at_least`.
        Self(unsafe { _mm512_min_ps(bound.0, self.0) })
    }
}

#[inline(always)]
fn first_bits(n: usize) -> u16 {
    debug_assert!(n <= 16);
    ((1u32 << n) - 1) as u16
}

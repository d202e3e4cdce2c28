//! The registers of x86-64: eight lanes with AVX2 + FMA, sixteen with AVX-512.

use super::{Lanes, Vector};
use crate::element::Bf16;
use half::f16;
use std::arch::x86_64::{
    __m256, __m256bh, __m256i, __m512, __m512bh, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_add_ps,
    _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_mask_storeu_epi16,
    _mm256_maskload_ps, _mm256_maskstore_ps, _mm256_maskz_loadu_epi16, _mm256_max_ps, _mm256_min_ps,
    _mm256_set1_ps, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_ps, _mm512_add_ps, _mm512_castsi512_ps,
    _mm512_cvtepu16_epi32, _mm512_cvtneps_pbh, _mm512_cvtph_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps,
    _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_max_ps,
    _mm512_min_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_slli_epi32, _mm512_storeu_ps, _mm512_sub_ps,
};
use std::mem::transmute;

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
    const PIXELS: usize = 6;

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
    unsafe fn load_half(p: *const f16) -> Self {
        // SAFETY: the caller promises AVX2, with which `Isa` asks for F16C, and 8 readable values.
        Self(unsafe { _mm256_cvtph_ps(_mm_loadu_si128(p.cast())) })
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

    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        // SAFETY: a hint; the address need not be readable.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
}

impl Vector for Avx512 {
    const N: usize = 16;
    const PIXELS: usize = 14;

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
    unsafe fn load_half(p: *const f16) -> Self {
        // SAFETY: the caller promises AVX-512F and 16 readable values.
        Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(p.cast())) })
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

    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        // SAFETY: a hint; the address need not be readable.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
}

#[inline(always)]
fn first_bits(n: usize) -> u16 {
    debug_assert!(n <= 16);
    ((1u32 << n) - 1) as u16
}

impl Lanes<Bf16> for Avx512 {
    type Words = __m512bh;

    #[inline(always)]
    unsafe fn read(p: *const Bf16) -> Self {
        // SAFETY: the caller promises AVX-512F and 16 readable values.
        Self(unsafe { widen(_mm256_loadu_si256(p.cast())) })
    }

    #[inline(always)]
    unsafe fn read_part(p: *const Bf16, n: usize) -> Self {
        // SAFETY: the caller promises AVX-512BW and VL and `n` readable values; masked lanes are not touched.
        Self(unsafe { widen(_mm256_maskz_loadu_epi16(first_bits(n), p.cast())) })
    }

    #[inline(always)]
    unsafe fn write(self, p: *mut Bf16) {
        // SAFETY: the caller promises AVX-512BF16 and 16 writable values; both types are 32 plain bytes.
        unsafe { _mm256_storeu_si256(p.cast(), transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(self.0))) }
    }

    #[inline(always)]
    unsafe fn write_part(self, p: *mut Bf16, n: usize) {
        // SAFETY: as in `write`, for `n` values; masked lanes are not touched.
        unsafe {
            let narrow = transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(self.0));
            _mm256_mask_storeu_epi16(p.cast(), first_bits(n), narrow);
        }
    }

    #[inline(always)]
    unsafe fn splat_word(p: *const Bf16) -> __m512bh {
        // SAFETY: the caller promises AVX-512F and one readable word; both types are 64 plain bytes.
        unsafe { transmute(_mm512_set1_epi32(p.cast::<i32>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn load_words(p: *const Bf16) -> __m512bh {
        // SAFETY: the caller promises AVX-512F and 16 readable words; both types are 64 plain bytes.
        unsafe { transmute(_mm512_loadu_si512(p.cast())) }
    }

    #[inline(always)]
    unsafe fn dot(self, a: __m512bh, b: __m512bh) -> Self {
        // SAFETY: the caller promises AVX-512BF16.
        Self(unsafe { _mm512_dpbf16_ps(self.0, a, b) })
    }
}

/// Sixteen bf16 as `f32`: the same bits, sixteen places higher.
#[inline(always)]
unsafe fn widen(values: __m256i) -> __m512 {
    // SAFETY: the caller promises AVX-512F.
    unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(values))) }
}

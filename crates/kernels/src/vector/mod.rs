//! One small trait over SIMD registers, so that each kernel is written once.
//!
//! All methods are `#[inline(always)]` and unsafe: they compile to the wished instructions only when inlined into a
//! function with the matching `#[target_feature]`, and they load and store through raw pointers. The kernels' entry
//! points check lengths once and then stay inside them.

pub(crate) mod dispatch;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

use half::f16;

/// A register of `N` lanes of `f32`.
///
/// # Safety
///
/// Every method needs the instruction set of its register. Loads and stores need `N` (or `n`) readable or
/// writable values at the pointer, of any alignment.
pub trait Vector: Copy {
    /// Number of lanes.
    const N: usize;
    /// Neighbouring output pixels of the largest tile of a convolution: with two registers of channels for each pixel,
    /// two for the weights and one for the input, the tile fills the register file.
    const PIXELS: usize;

    /// All lanes `v`.
    unsafe fn splat(v: f32) -> Self;
    /// `N` values.
    unsafe fn load(p: *const f32) -> Self;
    /// The first `n <= N` values, the other lanes 0; does not touch memory behind them.
    unsafe fn load_part(p: *const f32, n: usize) -> Self;
    /// `N` values, widened.
    unsafe fn load_half(p: *const f16) -> Self;
    /// The first `n <= N` values, widened, the other lanes 0; does not touch memory behind them.
    #[inline(always)]
    unsafe fn load_half_part(p: *const f16, n: usize) -> Self {
        let mut values = [f16::ZERO; 16];
        // SAFETY: the caller promises `n` readable values; no register has more than sixteen lanes.
        unsafe {
            std::ptr::copy_nonoverlapping(p, values.as_mut_ptr(), n);
            Self::load_half(values.as_ptr())
        }
    }
    /// `N` values.
    unsafe fn store(self, p: *mut f32);
    /// The first `n <= N` lanes; does not touch memory behind them.
    unsafe fn store_part(self, p: *mut f32, n: usize);
    /// `self + o`.
    unsafe fn add(self, o: Self) -> Self;
    /// `self - o`.
    unsafe fn sub(self, o: Self) -> Self;
    /// `self * b + c`, fused where the register has it.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    /// The larger of a bound and `self`; NaN in `self` stays NaN.
    unsafe fn at_least(self, bound: Self) -> Self;
    /// The smaller of a bound and `self`; NaN in `self` stays NaN.
    unsafe fn at_most(self, bound: Self) -> Self;
    /// Asks for the cache line at `p`, which need not be readable.
    unsafe fn prefetch(p: *const u8);
}

/// A register that reads, writes and multiplies values stored as `E`.
///
/// # Safety
///
/// As for [`Vector`]; a word is [`PER_WORD`](crate::element::Element::PER_WORD) neighbouring values.
pub trait Lanes<E>: Vector {
    /// `N` words, one per lane.
    type Words: Copy;

    /// `N` values, widened.
    unsafe fn read(p: *const E) -> Self;
    /// The first `n <= N` values, the other lanes 0; does not touch memory behind them.
    unsafe fn read_part(p: *const E, n: usize) -> Self;
    /// `N` values, rounded.
    unsafe fn write(self, p: *mut E);
    /// The first `n <= N` lanes; does not touch memory behind them.
    unsafe fn write_part(self, p: *mut E, n: usize);
    /// The word at `p` in every lane.
    unsafe fn splat_word(p: *const E) -> Self::Words;
    /// `N` neighbouring words.
    unsafe fn load_words(p: *const E) -> Self::Words;
    /// `self` plus, lane by lane, the dot product of two words.
    unsafe fn dot(self, a: Self::Words, b: Self::Words) -> Self;
}

impl<V: Vector> Lanes<f32> for V {
    type Words = V;

    #[inline(always)]
    unsafe fn read(p: *const f32) -> Self {
        // SAFETY: the same contract.
        unsafe { V::load(p) }
    }

    #[inline(always)]
    unsafe fn read_part(p: *const f32, n: usize) -> Self {
        // SAFETY: the same contract.
        unsafe { V::load_part(p, n) }
    }

    #[inline(always)]
    unsafe fn write(self, p: *mut f32) {
        // SAFETY: the same contract.
        unsafe { self.store(p) }
    }

    #[inline(always)]
    unsafe fn write_part(self, p: *mut f32, n: usize) {
        // SAFETY: the same contract.
        unsafe { self.store_part(p, n) }
    }

    #[inline(always)]
    unsafe fn splat_word(p: *const f32) -> V {
        // SAFETY: the caller promises one readable value.
        unsafe { V::splat(*p) }
    }

    #[inline(always)]
    unsafe fn load_words(p: *const f32) -> V {
        // SAFETY: the same contract.
        unsafe { V::load(p) }
    }

    #[inline(always)]
    unsafe fn dot(self, a: V, b: V) -> Self {
        // SAFETY: the same contract.
        unsafe { a.mul_add(b, self) }
    }
}

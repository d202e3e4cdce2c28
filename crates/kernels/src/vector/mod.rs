//! One small trait over SIMD registers, so that each kernel is written once.
//!
//! All methods are `#[inline(always)]` and unsafe: they compile to the wished instructions only when inlined into a
//! function with the matching `#[target_feature]`, and they load and store through raw pointers. The kernels' entry
//! points check lengths once and then stay inside them.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// A register of `N` lanes of `f32`.
///
/// # Safety
///
/// Every method needs the instruction set of its register. Loads and stores need `N` (or `n`) readable or
/// writable values at the pointer, of any alignment.
pub(crate) trait Vector: Copy {
    /// Number of lanes.
    const N: usize;

    /// All lanes `v`.
    unsafe fn splat(v: f32) -> Self;
    /// `N` values.
    unsafe fn load(p: *const f32) -> Self;
    /// The first `n <= N` values, the other lanes 0; does not touch memory behind them.
    unsafe fn load_part(p: *const f32, n: usize) -> Self;
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
}

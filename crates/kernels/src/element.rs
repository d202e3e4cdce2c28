//! How the values of a feature map are stored: `f32`, or [`Bf16`] at half the size.

use crate::isa::Isa;
use crate::vector::dispatch::Dispatch;

/// A storage format for feature maps and weights. Sums are always `f32`.
///
/// Sealed: `f32` and [`Bf16`] are all there are.
pub trait Element: Dispatch + Copy + Default + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// Values in one 32-bit word, the unit that the multiplying instructions take.
    const PER_WORD: usize;

    /// Whether the kernels for this format run on `isa`.
    fn runs_on(isa: Isa) -> bool;

    /// The nearest value of this format.
    fn from_f32(value: f32) -> Self;

    /// The value, exactly.
    fn to_f32(self) -> f32;
}

impl Element for f32 {
    const PER_WORD: usize = 1;

    fn runs_on(_isa: Isa) -> bool {
        true
    }

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

/// The upper half of an `f32`: its range, with 8 bits of precision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Bf16(pub(crate) u16);

impl Element for Bf16 {
    const PER_WORD: usize = 2;

    fn runs_on(isa: Isa) -> bool {
        isa.has_bf16()
    }

    /// Rounds to nearest, ties to even; subnormal numbers become zero, as the processor's own instruction does it.
    ///
    /// ```
    /// use patchcore_kernels::element::{Bf16, Element};
    /// assert_eq!(Bf16::from_f32(1.0 + 1.0 / 256.0).to_f32(), 1.0);
    /// assert_eq!(Bf16::from_f32(1.0 + 3.0 / 256.0).to_f32(), 1.0 + 1.0 / 64.0);
    /// assert!(Bf16::from_f32(f32::NAN).to_f32().is_nan());
    /// ```
    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        if value.is_nan() {
            return Self((bits >> 16) as u16 | 0x40);
        }
        if value.abs() < f32::MIN_POSITIVE {
            return Self((bits >> 16) as u16 & 0x8000);
        }
        Self(((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) as u16)
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

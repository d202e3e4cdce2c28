//! Which instruction sets this processor has, and which one to use.

use crate::conv::panel_width;
use crate::vector::Portable;
#[cfg(target_arch = "x86_64")]
use crate::vector::{Avx2, Avx512};
use std::sync::OnceLock;

/// An instruction set that this processor has. The field is private: holding an `Isa` proves that the processor
/// was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(pub(crate) Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The environment variable that chooses an instruction set for tests and measurements.
pub const VARIABLE: &str = "PATCHCORE_CPU";

impl Isa {
    /// All instruction sets of this processor, the slowest first; never empty.
    ///
    /// ```
    /// use patchcore_kernels::isa::Isa;
    /// assert_eq!(Isa::available()[0].name(), "portable");
    /// ```
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut, reason = "only x86-64 adds to it")]
        let mut all = vec![Self(Kind::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("f16c") {
                all.push(Self(Kind::Avx2));
                if is_x86_feature_detected!("avx512f") {
                    all.push(Self(Kind::Avx512));
                }
            }
        }
        all
    }

    /// The instruction set with this name, if the processor has it.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::available().into_iter().find(|isa| isa.name() == name)
    }

    /// The fastest instruction set, or the one that `PATCHCORE_CPU` names if the processor has it.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wished = std::env::var(VARIABLE).ok().and_then(|name| Self::by_name(&name));
            wished.or_else(|| Self::available().pop()).unwrap_or(Self(Kind::Portable))
        })
    }

    /// Output channels of one panel of weights.
    pub(crate) fn panel(self) -> usize {
        match self.0 {
            Kind::Portable => panel_width::<Portable>(),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => panel_width::<Avx2>(),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => panel_width::<Avx512>(),
        }
    }

    /// Whether the kernels for [`Bf16`](crate::element::Bf16) run here: with AVX-512 where the processor multiplies bf16
    /// itself, and in plain Rust, which defines the result.
    pub fn has_bf16(self) -> bool {
        match self.0 {
            Kind::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => false,
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => {
                is_x86_feature_detected!("avx512bf16")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
            }
        }
    }

    /// Whether the processor sums products of bytes with AVX-512 registers.
    pub(crate) fn has_vnni(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self.0 == Kind::Avx512 {
            return is_x86_feature_detected!("avx512vnni")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
        }
        false
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_set_is_found_by_its_name() {
        for isa in Isa::available() {
            assert_eq!(Isa::by_name(isa.name()), Some(isa));
        }
        assert_eq!(Isa::by_name("abacus"), None);
    }
}

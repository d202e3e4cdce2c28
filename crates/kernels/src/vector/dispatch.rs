//! Runs a kernel with the register of the chosen instruction set.

#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use super::{Lanes, Portable};
use crate::element::Bf16;
use crate::isa::{Isa, Kind};

/// The body of a kernel over values stored as `E`, written once for every register.
pub trait Kernel<E> {
    /// The work.
    ///
    /// # Safety
    /// The processor has the instruction set of `V`, and the kernel's own fields are as its maker promises.
    unsafe fn run<V: Lanes<E>>(self);
}

/// Which registers can work on a storage format.
pub trait Dispatch: Sized {
    /// Runs `kernel` on `isa`.
    ///
    /// # Safety
    /// The kernel's own fields are as its maker promises.
    ///
    /// # Panics
    /// If the format does not run on `isa`.
    unsafe fn dispatch(isa: Isa, kernel: impl Kernel<Self>);
}

impl Dispatch for f32 {
    unsafe fn dispatch(isa: Isa, kernel: impl Kernel<f32>) {
        // SAFETY: a `Kind` other than portable exists only where its instructions were detected; the rest is the
        // caller's promise.
        unsafe {
            match isa.0 {
                Kind::Portable => kernel.run::<Portable>(),
                #[cfg(target_arch = "x86_64")]
                Kind::Avx2 => avx2(kernel),
                #[cfg(target_arch = "x86_64")]
                Kind::Avx512 => avx512(kernel),
            }
        }
    }
}

impl Dispatch for Bf16 {
    unsafe fn dispatch(isa: Isa, kernel: impl Kernel<Bf16>) {
        assert!(isa.has_bf16(), "{} does not multiply bf16", isa.name());
        // SAFETY: `has_bf16` has asked the processor; the rest is the caller's promise.
        unsafe {
            match isa.0 {
                #[cfg(target_arch = "x86_64")]
                Kind::Avx512 => avx512_bf16(kernel),
                _ => kernel.run::<Portable>(),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(kernel: impl Kernel<f32>) {
    // SAFETY: the instructions are this function's, the rest is the caller's promise.
    unsafe { kernel.run::<Avx2>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(kernel: impl Kernel<f32>) {
    // SAFETY: as in `avx2`.
    unsafe { kernel.run::<Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn avx512_bf16(kernel: impl Kernel<Bf16>) {
    // SAFETY: as in `avx2`.
    unsafe { kernel.run::<Avx512>() }
}

//! Eight lanes in plain Rust: the definition of every kernel, and the path for processors without a SIMD room.

use super::{Lanes, Vector};
use crate::element::{Bf16, Element};
use half::f16;

#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, o: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let mut out = self;
        for (x, &y) in out.0.iter_mut().zip(&o.0) {
            *x = f(*x, y);
        }
        out
    }
}

impl Vector for Portable {
    const N: usize = 8;
    const PIXELS: usize = if cfg!(target_arch = "aarch64") { 6 } else { 2 };

    #[inline(always)]
    unsafe fn splat(v: f32) -> Self {
        Self([v; 8])
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller promises 8 readable values.
        Self(unsafe { p.cast::<[f32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize) -> Self {
        let mut out = [0.0; 8];
        for (i, lane) in out.iter_mut().enumerate().take(n) {
            // SAFETY: the caller promises `n` readable values, and `i < n`.
            *lane = unsafe { p.add(i).read() };
        }
        Self(out)
    }

    #[inline(always)]
    unsafe fn load_half(p: *const f16) -> Self {
        // SAFETY: the caller promises 8 readable values.
        Self(unsafe { p.cast::<[f16; 8]>().read_unaligned() }.map(f16::to_f32_const))
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller promises 8 writable values.
        unsafe { p.cast::<[f32; 8]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_part(self, p: *mut f32, n: usize) {
        for (i, &lane) in self.0.iter().enumerate().take(n) {
            // SAFETY: the caller promises `n` writable values, and `i < n`.
            unsafe { p.add(i).write(lane) }
        }
    }

    #[inline(always)]
    unsafe fn add(self, o: Self) -> Self {
        self.zip(o, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(self, o: Self) -> Self {
        self.zip(o, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        // Not `f32::mul_add`: without the instruction that is a slow library call.
        self.zip(b, |x, y| x * y).zip(c, |x, y| x + y)
    }

    #[inline(always)]
    unsafe fn at_least(self, bound: Self) -> Self {
        self.zip(bound, |a, b| if a < b { b } else { a })
    }

    #[inline(always)]
    unsafe fn at_most(self, bound: Self) -> Self {
        self.zip(bound, |a, b| if a > b { b } else { a })
    }

    #[inline(always)]
    unsafe fn prefetch(_p: *const u8) {}
}

impl Lanes<Bf16> for Portable {
    type Words = [[Bf16; 2]; 8];

    #[inline(always)]
    unsafe fn read(p: *const Bf16) -> Self {
        // SAFETY: the caller promises 8 readable values.
        Self(unsafe { p.cast::<[Bf16; 8]>().read_unaligned() }.map(Bf16::to_f32))
    }

    #[inline(always)]
    unsafe fn read_part(p: *const Bf16, n: usize) -> Self {
        let mut out = [0.0; 8];
        for (i, lane) in out.iter_mut().enumerate().take(n) {
            // SAFETY: the caller promises `n` readable values, and `i < n`.
            *lane = unsafe { p.add(i).read() }.to_f32();
        }
        Self(out)
    }

    #[inline(always)]
    unsafe fn write(self, p: *mut Bf16) {
        // SAFETY: the caller promises 8 writable values.
        unsafe { p.cast::<[Bf16; 8]>().write_unaligned(self.0.map(Bf16::from_f32)) }
    }

    #[inline(always)]
    unsafe fn write_part(self, p: *mut Bf16, n: usize) {
        for (i, &lane) in self.0.iter().enumerate().take(n) {
            // SAFETY: the caller promises `n` writable values, and `i < n`.
            unsafe { p.add(i).write(Bf16::from_f32(lane)) }
        }
    }

    #[inline(always)]
    unsafe fn splat_word(p: *const Bf16) -> Self::Words {
        // SAFETY: the caller promises one readable word.
        [unsafe { p.cast::<[Bf16; 2]>().read_unaligned() }; 8]
    }

    #[inline(always)]
    unsafe fn load_words(p: *const Bf16) -> Self::Words {
        // SAFETY: the caller promises 8 readable words.
        unsafe { p.cast::<Self::Words>().read_unaligned() }
    }

    /// The second product is added first, each rounded by itself, as the processor's own instruction does it.
    #[inline(always)]
    unsafe fn dot(self, a: Self::Words, b: Self::Words) -> Self {
        let mut out = self;
        for ((sum, a), b) in out.0.iter_mut().zip(a).zip(b) {
            *sum += a[1].to_f32() * b[1].to_f32();
            *sum += a[0].to_f32() * b[0].to_f32();
        }
        out
    }
}

//! How fast this processor multiplies and adds when nothing else holds it up: what a convolution's speed is measured
//! against.
//!
//! The loop is a convolution's tile without a picture: all accumulators that the register file has room for, each a
//! chain of its own, and operands that never leave the level-1 cache.

use crate::buffer::Buffer;
use crate::element::Element;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::Kernel;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Registers of the second operand per step, as in a tile.
const NV: usize = 2;
/// Steps that differ: too many for the products to be kept in registers, few enough for the level-1 cache.
const STEPS: usize = 32;
/// Passes over the steps between two looks at the clock.
const PASSES: usize = 32;
/// Room for the widest register and the most pixels.
const MOST: [usize; 2] = [16, 14];

/// Multiplies and adds on the calling thread until `time` is over, with operands stored as `E`; gives how many
/// multiply-adds that were, all lanes counted. Divided by the time taken that is the peak, and twice the peak is what is
/// called FLOP/s. Other work on the machine makes it less, never more: take the best of many short measurements.
///
/// ```
/// use patchcore_kernels::{isa::Isa, peak::multiply_adds};
/// use std::time::{Duration, Instant};
/// let start = Instant::now();
/// let done = multiply_adds::<f32>(Isa::best(), Duration::from_millis(2));
/// let per_second = done as f64 / start.elapsed().as_secs_f64();
/// assert!(per_second > 0.0);
/// ```
///
/// # Panics
/// If `E` does not run on `isa`.
pub fn multiply_adds<E: Element>(isa: Isa, time: Duration) -> u64 {
    let start = Instant::now();
    let (a, b) = (operand::<E>(STEPS * MOST[1]), operand::<E>(STEPS * NV * MOST[0]));
    let mut sums = [0.0; NV * MOST[0] * MOST[1]];
    let mut done = 0;
    loop {
        done += run(isa, &a, &b, PASSES, &mut sums);
        if start.elapsed() >= time {
            return done;
        }
    }
}

/// Words whose values are small, exact in every format, and not all the same.
fn operand<E: Element>(words: usize) -> Buffer<E> {
    let mut values = Buffer::zeros(words * E::PER_WORD);
    values.iter_mut().enumerate().for_each(|(i, v)| *v = E::from_f32((1 + i % 7) as f32 / 8.0));
    values
}

/// Runs the loop; gives how many multiply-adds that were. The accumulators end up at the start of `sums`.
fn run<E: Element>(isa: Isa, a: &[E], b: &[E], passes: usize, sums: &mut [f32]) -> u64 {
    let mut done = 0;
    let job = Job { a: black_box(a), b: black_box(b), passes, sums, done: &mut done };
    // SAFETY: the job checks its own lengths.
    unsafe { E::dispatch(isa, job) }
    black_box(sums);
    done
}

struct Job<'a, E> {
    /// `[step][pixel]` words.
    a: &'a [E],
    /// `[step][register][lane]` words.
    b: &'a [E],
    passes: usize,
    /// `[pixel][register][lane]`.
    sums: &'a mut [f32],
    done: &'a mut u64,
}

impl<E: Element> Kernel<E> for Job<'_, E> {
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        // SAFETY: the processor has `V`, as the caller promises.
        unsafe {
            match V::PIXELS {
                14.. => self.tile::<V, 14>(),
                6.. => self.tile::<V, 6>(),
                _ => self.tile::<V, 2>(),
            }
        }
    }
}

impl<E: Element> Job<'_, E> {
    /// # Safety
    /// The processor has `V`.
    #[inline(always)]
    unsafe fn tile<V: Lanes<E>, const M: usize>(self) {
        assert!(self.a.len() >= STEPS * M * E::PER_WORD, "first operand too short");
        assert!(self.b.len() >= STEPS * NV * V::N * E::PER_WORD, "second operand too short");
        assert!(self.sums.len() >= M * NV * V::N, "no room for the accumulators");
        // SAFETY: step by step the pointers walk over the lengths asserted above.
        unsafe {
            let mut sums = [[V::splat(0.0); NV]; M];
            for _ in 0..self.passes {
                for step in 0..STEPS {
                    let a = self.a.as_ptr().add(step * M * E::PER_WORD);
                    let b = self.b.as_ptr().add(step * NV * V::N * E::PER_WORD);
                    let mut row = [V::load_words(b); NV];
                    for (j, words) in row.iter_mut().enumerate().skip(1) {
                        *words = V::load_words(b.add(j * V::N * E::PER_WORD));
                    }
                    for (i, sum) in sums.iter_mut().enumerate() {
                        let word = V::splat_word(a.add(i * E::PER_WORD));
                        for j in 0..NV {
                            sum[j] = V::dot(sum[j], word, row[j]);
                        }
                    }
                }
            }
            let done = sums;
            for (i, &sum) in done.as_flattened().iter().enumerate() {
                sum.store(self.sums.as_mut_ptr().add(i * V::N));
            }
        }
        *self.done = (self.passes * STEPS * M * NV * V::N * E::PER_WORD) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Bf16;

    /// What is counted is done: every accumulator holds its sum, exactly, since the operands are small fractions.
    fn does_what_it_counts<E: Element>() {
        for isa in Isa::available().into_iter().filter(|&isa| E::runs_on(isa)) {
            let (a, b) = (operand::<E>(STEPS * MOST[1]), operand::<E>(STEPS * NV * MOST[0]));
            let mut sums = [0.0; NV * MOST[0] * MOST[1]];
            let (passes, words, panel) = (3, E::PER_WORD, isa.panel());
            let done = run(isa, &a, &b, passes, &mut sums) as usize;
            let pixels = done / (passes * STEPS * panel * words);
            assert_eq!(done, passes * STEPS * pixels * panel * words, "{}", isa.name());
            for (at, &sum) in sums[..pixels * panel].iter().enumerate() {
                let (i, lane) = (at / panel, at % panel);
                let products = (0..STEPS * words).map(|k| {
                    let (step, part) = (k / words, k % words);
                    let (x, y) = ((step * pixels + i) * words + part, (step * panel + lane) * words + part);
                    a[x].to_f32() * b[y].to_f32()
                });
                assert_eq!(sum, passes as f32 * products.sum::<f32>(), "{} accumulator {at}", isa.name());
            }
            assert!(sums[pixels * panel..].iter().all(|&s| s == 0.0));
            assert_eq!(multiply_adds::<E>(isa, Duration::ZERO), done as u64 / passes as u64 * PASSES as u64);
        }
    }

    #[test]
    fn accumulators_hold_what_was_counted() {
        does_what_it_counts::<f32>();
        does_what_it_counts::<Bf16>();
    }
}

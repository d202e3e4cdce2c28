//! Maximum and mean over windows of channels-last pictures, and the mean of a whole picture.

use crate::conv::{Layout, Picture, Rows, Window};
use crate::element::Element;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::Kernel;
use std::ops::Range;

/// Channels whose sums are kept in registers at a time.
const BLOCK: usize = 32;

/// Computes whole output rows of maximum pooling; places outside the picture do not count (the
/// border's zeros neither). A window that sees only NaN gives NaN; other NaN lose against numbers only if they come
/// first, so a NaN anywhere in a window stays NaN.
///
/// # Panics
/// If a length or a layout does not fit, or a window sees no pixel at all.
pub fn max_rows<E: Element>(isa: Isa, input: Picture<'_, E>, window: Window, out: Rows<'_, E>) {
    check(input, &out);
    // SAFETY: the job is safe code.
    unsafe { E::dispatch(isa, MaxJob { input, window, out }) }
}

/// Computes whole output rows of mean pooling; places outside the picture count neither in the sum nor in its length.
///
/// # Panics
/// If a length or a layout does not fit, or a window sees no pixel at all.
pub fn mean_rows<E: Element>(isa: Isa, input: Picture<'_, E>, window: Window, out: Rows<'_, E>) {
    check(input, &out);
    // SAFETY: the job is safe code.
    unsafe { E::dispatch(isa, MeanJob { input, window, out }) }
}

/// The sum of each channel over each row from `first` on: `sums` is `[rows, channels]`. [`mean_of`] needs those of all
/// rows; they may be computed in any parts.
///
/// # Panics
/// If a length does not fit, or the rows reach below the picture.
pub fn row_sums<E: Element>(isa: Isa, input: Picture<'_, E>, first: usize, sums: &mut [f32]) {
    assert_eq!(input.data.len(), input.layout.len(), "picture does not fit its layout");
    let rows = sums.len() / input.layout.c.max(1);
    assert_eq!(sums.len(), rows * input.layout.c, "sums are no number of whole rows");
    assert!(first + rows <= input.layout.h, "rows below the picture");
    // SAFETY: the job is safe code.
    unsafe { E::dispatch(isa, SumJob { input, first, sums }) }
}

/// The mean of each channel over a picture of `pixels` pixels, from the sums of all its rows. Added in `f64`, row after
/// row.
///
/// # Panics
/// If `sums` is no number of whole rows.
pub fn mean_of<E: Element>(sums: &[f32], pixels: usize, means: &mut [E]) {
    let channels = means.len();
    assert!(sums.len().is_multiple_of(channels.max(1)), "sums are no number of whole rows");
    for (c, mean) in means.iter_mut().enumerate() {
        let sum: f64 = sums.iter().skip(c).step_by(channels).map(|&sum| f64::from(sum)).sum();
        *mean = E::from_f32((sum / pixels as f64) as f32);
    }
}

fn check<E: Element>(input: Picture<'_, E>, out: &Rows<'_, E>) {
    out.count();
    assert_eq!(input.data.len(), input.layout.len(), "picture does not fit its layout");
    assert_eq!(input.layout.c, out.layout.c, "channels differ");
}

struct MeanJob<'a, E> {
    input: Picture<'a, E>,
    window: Window,
    out: Rows<'a, E>,
}

impl<E: Element> Kernel<E> for MeanJob<'_, E> {
    /// Plain loops, as in [`MaxJob`].
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        let (from, Layout { w, c, border, pitch, .. }) = (self.input.layout, self.out.layout);
        for (row, out) in self.out.data.chunks_exact_mut(self.out.layout.row_len().max(1)).enumerate() {
            let ys = inside(self.window, self.out.first + row, 0, from.h);
            for x in 0..w {
                let xs = inside(self.window, x, 1, from.w);
                let count = (ys.len() * xs.len()) as f32;
                let means = &mut out[(border + x) * pitch..][..c];
                for (block, means) in means.chunks_mut(BLOCK).enumerate() {
                    let mut sums = [0.0f32; BLOCK];
                    for at in ys.clone().flat_map(|y| xs.clone().map(move |x| from.at(y, x))) {
                        let values = &self.input.data[at + block * BLOCK..][..means.len()];
                        for (sum, value) in sums.iter_mut().zip(values) {
                            *sum += value.to_f32();
                        }
                    }
                    for (mean, sum) in means.iter_mut().zip(sums) {
                        *mean = E::from_f32(sum / count);
                    }
                }
            }
        }
    }
}

struct SumJob<'a, E> {
    input: Picture<'a, E>,
    first: usize,
    sums: &'a mut [f32],
}

impl<E: Element> Kernel<E> for SumJob<'_, E> {
    /// Plain loops, as in [`MaxJob`].
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        let from = self.input.layout;
        for (row, sums) in self.sums.chunks_exact_mut(from.c.max(1)).enumerate() {
            for (block, sums) in sums.chunks_mut(BLOCK).enumerate() {
                let mut total = [0.0f64; BLOCK];
                for x in 0..from.w {
                    let values =
                        &self.input.data[from.at(self.first + row, x) + block * BLOCK..][..sums.len()];
                    for (sum, value) in total.iter_mut().zip(values) {
                        *sum += f64::from(value.to_f32());
                    }
                }
                for (sum, total) in sums.iter_mut().zip(total) {
                    *sum = total as f32;
                }
            }
        }
    }
}

struct MaxJob<'a, E> {
    input: Picture<'a, E>,
    window: Window,
    out: Rows<'a, E>,
}

impl<E: Element> Kernel<E> for MaxJob<'_, E> {
    /// Plain loops: the compiler makes them as wide as the instruction set of the caller.
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        let (from, Layout { w, c, border, pitch, .. }) = (self.input.layout, self.out.layout);
        for (row, out) in self.out.data.chunks_exact_mut(self.out.layout.row_len().max(1)).enumerate() {
            let ys = inside(self.window, self.out.first + row, 0, from.h);
            for x in 0..w {
                let xs = inside(self.window, x, 1, from.w);
                let best = &mut out[(border + x) * pitch..][..c];
                best.fill(E::from_f32(f32::NEG_INFINITY));
                for y in ys.clone() {
                    for x in xs.clone() {
                        for (best, &value) in best.iter_mut().zip(&self.input.data[from.at(y, x)..][..c]) {
                            // Written so that a NaN replaces any number and no number replaces a NaN.
                            let (b, v) = (best.to_f32(), value.to_f32());
                            *best = if v <= b || b.is_nan() { *best } else { value };
                        }
                    }
                }
            }
        }
    }
}

/// The places of an axis that a window sees.
fn inside(window: Window, at: usize, axis: usize, len: usize) -> Range<usize> {
    let start = at * window.stride;
    let first = start.saturating_sub(window.pad[axis]);
    let end = (start + window.size[axis]).saturating_sub(window.pad[axis]).min(len);
    assert!(first < end, "a pooling window sees no pixel");
    first..end
}

#[cfg(test)]
mod tests;

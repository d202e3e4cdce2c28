//! Depthwise convolution: every channel has its own window, lanes run along the channels.

use super::layout::{Clamp, Picture, Rows, Window};
use crate::element::Element;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::Kernel;

/// A depthwise convolution; with a window of one pixel it is a scale and shift per channel.
pub struct DepthwiseConv {
    isa: Isa,
    size: [usize; 2],
    stride: usize,
    channels: usize,
    /// `[tap][channel]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl DepthwiseConv {
    /// Takes weights `[channels, height, width]` and one bias per channel.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn new(isa: Isa, size: [usize; 2], stride: usize, weights: &[f32], bias: &[f32]) -> Self {
        let (channels, taps) = (bias.len(), size[0] * size[1]);
        assert_eq!(weights.len(), channels * taps, "wrong number of weights");
        let mut by_tap = vec![0.0; weights.len()];
        for (c, window) in weights.chunks_exact(taps.max(1)).enumerate() {
            for (tap, &value) in window.iter().enumerate() {
                by_tap[tap * channels + c] = value;
            }
        }
        Self { isa, size, stride, channels, weights: by_tap, bias: bias.to_vec() }
    }

    /// Height and width of the window.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Step of the window.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Computes whole output rows, as [`Conv::rows`](super::Conv::rows) does.
    ///
    /// # Panics
    /// If a length or a layout does not fit, or the window leaves the bordered picture.
    pub fn rows<E: Element>(&self, input: Picture<'_, E>, pad: [usize; 2], clamp: Clamp, out: Rows<'_, E>) {
        let window = Window { size: self.size, stride: self.stride, pad };
        let rows = out.count();
        assert_eq!((input.layout.c, out.layout.c), (self.channels, self.channels), "channels differ");
        window.check(input, out.first, rows, out.layout.w);
        let job = Job { conv: self, window, input, clamp, rows, out };
        // SAFETY: all layouts were checked above.
        unsafe { E::dispatch(self.isa, job) }
    }
}

/// One call of [`DepthwiseConv::rows`], checked: the layouts fit their slices and every window lies inside the
/// bordered picture.
struct Job<'a, E> {
    conv: &'a DepthwiseConv,
    window: Window,
    input: Picture<'a, E>,
    clamp: Clamp,
    rows: usize,
    out: Rows<'a, E>,
}

impl<E: Element> Kernel<E> for Job<'_, E> {
    /// The windows that networks have are compiled with their size known; any other takes the general way, with the
    /// same bits.
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(mut self) {
        // SAFETY: passed on from the caller; the sizes are as matched.
        unsafe {
            match (self.window.size, self.window.stride) {
                ([3, 3], 1) => self.all_rows::<V, 3, 1>(),
                ([3, 3], 2) => self.all_rows::<V, 3, 2>(),
                ([5, 5], 1) => self.all_rows::<V, 5, 1>(),
                ([5, 5], 2) => self.all_rows::<V, 5, 2>(),
                _ => self.all_rows::<V, 0, 0>(),
            }
        }
    }
}

impl<E: Element> Job<'_, E> {
    /// # Safety
    /// As [`pixels`](Self::pixels), for all pixels.
    #[inline(always)]
    unsafe fn all_rows<V: Lanes<E>, const K: usize, const S: usize>(&mut self) {
        for row in 0..self.rows {
            let mut x = 0;
            while x < self.out.layout.w {
                // SAFETY: pixels `x..x + M` lie inside the row; the rest is passed on from the caller.
                unsafe {
                    x += match self.out.layout.w - x {
                        7.. => self.pixels::<V, K, S, 7>(row, x),
                        4.. => self.pixels::<V, K, S, 4>(row, x),
                        _ => self.pixels::<V, K, S, 1>(row, x),
                    };
                }
            }
        }
    }

    /// All channels of `M` neighbouring output pixels; gives `M`.
    ///
    /// # Safety
    /// The job is as its maker promises, the pixels lie inside the row, the processor has `V`. `K` and `S` are the side
    /// of the square window and its step, or both zero.
    #[inline(always)]
    unsafe fn pixels<V: Lanes<E>, const K: usize, const S: usize, const M: usize>(
        &mut self,
        row: usize,
        x0: usize,
    ) -> usize {
        let mut c = 0;
        while c < self.conv.channels {
            let n = V::N.min(self.conv.channels - c);
            // SAFETY: channels `c..c + n` lie inside the pixel; the rest is the contract.
            unsafe {
                if n == V::N {
                    self.channels::<V, K, S, M, true>(row, x0, c, n);
                } else {
                    self.channels::<V, K, S, M, false>(row, x0, c, n);
                }
            }
            c += n;
        }
        M
    }

    /// Channels `c..c + n` of `M` neighbouring output pixels; `WHOLE` says that they fill a register.
    ///
    /// # Safety
    /// As [`pixels`](Self::pixels), and the channels are inside.
    #[inline(always)]
    unsafe fn channels<V: Lanes<E>, const K: usize, const S: usize, const M: usize, const WHOLE: bool>(
        &mut self,
        row: usize,
        x0: usize,
        c: usize,
        n: usize,
    ) {
        let (input, layout) = (&self.input.layout, &self.out.layout);
        let y = (self.out.first + row) * self.window.stride + input.border - self.window.pad[0];
        let x = x0 * self.window.stride + input.border - self.window.pad[1];
        // SAFETY: window and output pixels lie inside their slices (contract); partial loads and stores do not touch
        // what lies behind channel `c + n`.
        unsafe {
            let bias = read::<f32, V, WHOLE>(self.conv.bias.as_ptr().add(c), n);
            let a = self.input.data.as_ptr().add(y * input.row_len() + x * input.pitch + c);
            let weights = self.conv.weights.as_ptr().add(c);
            let sums = if K == 0 {
                self.any_window::<V, M, WHOLE>(a, weights, bias, n)
            } else {
                self.window::<V, K, S, M, WHOLE>(a, weights, bias, n)
            };
            let (low, high) = (V::splat(self.clamp.low), V::splat(self.clamp.high));
            let first = row * layout.row_len() + (layout.border + x0) * layout.pitch + c;
            let to = self.out.data.as_mut_ptr().add(first);
            for (i, &sum) in sums.iter().enumerate() {
                let value = sum.at_least(low).at_most(high);
                let at = to.add(i * layout.pitch);
                if WHOLE { value.write(at) } else { value.write_part(at, n) }
            }
        }
    }

    /// The sums of `M` neighbouring windows of any size, `n` channels from `a` on.
    ///
    /// # Safety
    /// As [`pixels`](Self::pixels); `a` and `weights` point at the first channel.
    #[inline(always)]
    unsafe fn any_window<V: Lanes<E>, const M: usize, const WHOLE: bool>(
        &self,
        a: *const E,
        weights: *const f32,
        bias: V,
        n: usize,
    ) -> [V; M] {
        let input = &self.input.layout;
        let step = self.window.stride * input.pitch;
        let mut sums = [bias; M];
        for ky in 0..self.window.size[0] {
            for kx in 0..self.window.size[1] {
                // SAFETY: tap and pixel lie inside the window (contract).
                unsafe {
                    let number = ky * self.window.size[1] + kx;
                    let weight = read::<f32, V, WHOLE>(weights.add(number * self.conv.channels), n);
                    let tap = a.add(ky * input.row_len() + kx * input.pitch);
                    for (i, sum) in sums.iter_mut().enumerate() {
                        *sum = read::<E, V, WHOLE>(tap.add(i * step), n).mul_add(weight, *sum);
                    }
                }
            }
        }
        sums
    }

    /// The same for a square window whose side and step are known: every input value is loaded once and meets all the
    /// windows that see it.
    ///
    /// # Safety
    /// As [`any_window`](Self::any_window).
    #[inline(always)]
    unsafe fn window<V: Lanes<E>, const K: usize, const S: usize, const M: usize, const WHOLE: bool>(
        &self,
        a: *const E,
        weights: *const f32,
        bias: V,
        n: usize,
    ) -> [V; M] {
        let input = &self.input.layout;
        let mut sums = [bias; M];
        for ky in 0..K {
            // SAFETY: column `j` of row `ky` lies inside the window of the last pixel that sees it (contract).
            unsafe {
                let mut row = [bias; K];
                for (kx, weight) in row.iter_mut().enumerate() {
                    *weight = read::<f32, V, WHOLE>(weights.add((ky * K + kx) * self.conv.channels), n);
                }
                let from = a.add(ky * input.row_len());
                for j in 0..(M - 1) * S + K {
                    let value = read::<E, V, WHOLE>(from.add(j * input.pitch), n);
                    for (kx, &weight) in row.iter().enumerate() {
                        if j >= kx && (j - kx).is_multiple_of(S) && (j - kx) / S < M {
                            let sum = &mut sums[(j - kx) / S];
                            *sum = value.mul_add(weight, *sum);
                        }
                    }
                }
            }
        }
        sums
    }
}

/// A whole register, or the first `n` lanes.
///
/// # Safety
/// `n` values are readable (as many as lanes if `WHOLE`), the processor has `V`.
#[inline(always)]
unsafe fn read<E: Element, V: Lanes<E>, const WHOLE: bool>(p: *const E, n: usize) -> V {
    // SAFETY: passed on from the caller.
    unsafe { if WHOLE { V::read(p) } else { V::read_part(p, n) } }
}

//! Depthwise convolution: every channel has its own window, lanes run along the channels.

use super::layout::{Clamp, Picture, Rows, Window};
use crate::element::Element;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::Kernel;

/// Neighbouring output pixels that share one load of a weight.
const PIXELS: usize = 4;

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
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(mut self) {
        for row in 0..self.rows {
            let mut x = 0;
            while x < self.out.layout.w {
                let left = self.out.layout.w - x;
                // SAFETY: pixels `x..x + M` lie inside the row; the rest is passed on from the caller.
                unsafe {
                    if left >= PIXELS {
                        self.pixels::<V, PIXELS>(row, x);
                        x += PIXELS;
                    } else {
                        self.pixels::<V, 1>(row, x);
                        x += 1;
                    }
                }
            }
        }
    }
}

impl<E: Element> Job<'_, E> {
    /// All channels of `M` neighbouring output pixels.
    ///
    /// # Safety
    /// The job is as its maker promises, the pixels lie inside the row, the processor has `V`.
    #[inline(always)]
    unsafe fn pixels<V: Lanes<E>, const M: usize>(&mut self, row: usize, x0: usize) {
        let (input, layout) = (&self.input.layout, &self.out.layout);
        let channels = self.conv.channels;
        let y = (self.out.first + row) * self.window.stride + input.border - self.window.pad[0];
        let x = x0 * self.window.stride + input.border - self.window.pad[1];
        let step = self.window.stride * input.pitch;
        let mut c = 0;
        while c < channels {
            let n = V::N.min(channels - c);
            // SAFETY: window and output pixels lie inside their slices (contract), and channels `c..c + n` inside
            // the pixel; partial loads and stores do not touch what lies behind.
            unsafe {
                let load = |p: *const f32| if n == V::N { V::load(p) } else { V::load_part(p, n) };
                let read = |p: *const E| if n == V::N { V::read(p) } else { V::read_part(p, n) };
                let mut sums = [load(self.conv.bias.as_ptr().add(c)); M];
                let a = self.input.data.as_ptr().add(y * input.row_len() + x * input.pitch + c);
                for ky in 0..self.window.size[0] {
                    for kx in 0..self.window.size[1] {
                        let number = ky * self.window.size[1] + kx;
                        let weight = load(self.conv.weights.as_ptr().add(number * channels + c));
                        let tap = a.add(ky * input.row_len() + kx * input.pitch);
                        for (i, sum) in sums.iter_mut().enumerate() {
                            *sum = read(tap.add(i * step)).mul_add(weight, *sum);
                        }
                    }
                }
                let (low, high) = (V::splat(self.clamp.low), V::splat(self.clamp.high));
                let first = row * layout.row_len() + (layout.border + x0) * layout.pitch + c;
                let to = self.out.data.as_mut_ptr().add(first);
                for (i, &sum) in sums.iter().enumerate() {
                    let value = sum.at_least(low).at_most(high);
                    let at = to.add(i * layout.pitch);
                    if n == V::N { value.write(at) } else { value.write_part(at, n) }
                }
            }
            c += n;
        }
    }
}

//! Depthwise convolution: every channel has its own window, lanes run along the channels.

use super::layout::{Clamp, Layout, Picture, Rows, Window};
use crate::isa::{Isa, Kind};
#[cfg(target_arch = "x86_64")]
use crate::vector::{Avx2, Avx512};
use crate::vector::{Portable, Vector};

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
    pub fn rows(&self, input: Picture<'_>, pad: [usize; 2], clamp: Clamp, out: Rows<'_>) {
        let window = Window { size: self.size, stride: self.stride, pad };
        let rows = out.count();
        let Rows { layout: out_layout, first: first_row, data: out } = out;
        assert_eq!((input.layout.c, out_layout.c), (self.channels, self.channels), "channels differ");
        window.check(input, first_row, rows, out_layout.w);
        let job = Job { conv: self, window, input, clamp, out_layout, first_row, rows };
        match self.isa.0 {
            // SAFETY: all layouts were checked above; the portable register needs no instruction set.
            Kind::Portable => unsafe { job.run::<Portable>(out) },
            // SAFETY: as above, and this `Kind` exists only where AVX2 and FMA were detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { run_avx2(&job, out) },
            // SAFETY: as above, and this `Kind` exists only where AVX-512F was detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { run_avx512(&job, out) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2(job: &Job<'_>, out: &mut [f32]) {
    // SAFETY: the caller checked the layouts; the instruction set is this function's.
    unsafe { job.run::<Avx2>(out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn run_avx512(job: &Job<'_>, out: &mut [f32]) {
    // SAFETY: the caller checked the layouts; the instruction set is this function's.
    unsafe { job.run::<Avx512>(out) }
}

/// One call of [`DepthwiseConv::rows`], checked.
struct Job<'a> {
    conv: &'a DepthwiseConv,
    window: Window,
    input: Picture<'a>,
    clamp: Clamp,
    out_layout: Layout,
    first_row: usize,
    rows: usize,
}

impl Job<'_> {
    /// # Safety
    /// The layouts fit their slices and every window lies inside the bordered picture; the processor has `V`.
    #[inline(always)]
    unsafe fn run<V: Vector>(&self, out: &mut [f32]) {
        let layout = &self.out_layout;
        for row in 0..self.rows {
            let mut x = 0;
            while x < layout.w {
                let left = layout.w - x;
                // SAFETY: pixels `x..x + M` lie inside the row; the rest is passed on from the caller.
                unsafe {
                    if left >= PIXELS {
                        self.pixels::<V, PIXELS>(row, x, out);
                        x += PIXELS;
                    } else {
                        self.pixels::<V, 1>(row, x, out);
                        x += 1;
                    }
                }
            }
        }
    }

    /// All channels of `M` neighbouring output pixels.
    ///
    /// # Safety
    /// As [`run`](Self::run), and the pixels lie inside the row.
    #[inline(always)]
    unsafe fn pixels<V: Vector, const M: usize>(&self, row: usize, x0: usize, out: &mut [f32]) {
        let (input, layout) = (&self.input.layout, &self.out_layout);
        let channels = self.conv.channels;
        let y = (self.first_row + row) * self.window.stride + input.border - self.window.pad[0];
        let x = x0 * self.window.stride + input.border - self.window.pad[1];
        let step = self.window.stride * input.c;
        let mut c = 0;
        while c < channels {
            let n = V::N.min(channels - c);
            // SAFETY: window and output pixels lie inside their slices (contract), and channels `c..c + n` inside
            // the pixel; partial loads and stores do not touch what lies behind.
            unsafe {
                let load = |p: *const f32| if n == V::N { V::load(p) } else { V::load_part(p, n) };
                let mut sums = [load(self.conv.bias.as_ptr().add(c)); M];
                let a = self.input.data.as_ptr().add(y * input.row_len() + x * input.c + c);
                for ky in 0..self.window.size[0] {
                    for kx in 0..self.window.size[1] {
                        let number = ky * self.window.size[1] + kx;
                        let weight = load(self.conv.weights.as_ptr().add(number * channels + c));
                        let tap = a.add(ky * input.row_len() + kx * input.c);
                        for (i, sum) in sums.iter_mut().enumerate() {
                            *sum = load(tap.add(i * step)).mul_add(weight, *sum);
                        }
                    }
                }
                let (low, high) = (V::splat(self.clamp.low), V::splat(self.clamp.high));
                let to = out.as_mut_ptr().add(row * layout.row_len() + (layout.border + x0) * layout.c + c);
                for (i, &sum) in sums.iter().enumerate() {
                    let value = sum.at_least(low).at_most(high);
                    let at = to.add(i * layout.c);
                    if n == V::N { value.store(at) } else { value.store_part(at, n) }
                }
            }
            c += n;
        }
    }
}

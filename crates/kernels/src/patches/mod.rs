//! The inner loops of patch embeddings: means of neighbourhoods, means of bins, and places between places.
//!
//! Vectors lie in rows, `pitch` values apart, so that a layer's part of an embedding is written where it belongs. The
//! loops are written once, plainly, and never fuse a product with a sum: every instruction set gives the same bits.

use crate::conv::Window;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::{Dispatch, Kernel};
use std::ops::Range;

#[cfg(test)]
mod tests;

/// Channels whose sums are kept in registers at a time.
const LANES: usize = 32;

/// The bins `[start, end)` that average `n` values into `d`: overlapping where `d` does not divide `n`, repeating
/// values where `d > n`.
///
/// ```
/// use patchcore_kernels::patches::bins;
/// assert_eq!(bins(9, 2).collect::<Vec<_>>(), [0..5, 4..9]);
/// assert_eq!(bins(1, 2).collect::<Vec<_>>(), [0..1, 0..1]);
/// ```
pub fn bins(n: usize, d: usize) -> impl Iterator<Item = Range<usize>> {
    (0..d).map(move |j| bin(j, n, d))
}

#[inline(always)]
fn bin(j: usize, n: usize, d: usize) -> Range<usize> {
    j * n / d..((j + 1) * n).div_ceil(d)
}

/// Averages each row of `n` values into one of `d` values by their [`bins`], each summed from its first value on.
///
/// # Panics
/// If `values` and `out` do not hold equally many rows.
pub fn mean_bins(isa: Isa, values: &[f32], n: usize, out: &mut [f32], d: usize) {
    let rows = values.len() / n.max(1);
    assert_eq!([values.len(), out.len()], [rows * n, rows * d], "rows of {n} and of {d}");
    // SAFETY: the job is safe code.
    unsafe { f32::dispatch(isa, Bins { values, n, out, d }) }
}

struct Bins<'a> {
    values: &'a [f32],
    n: usize,
    out: &'a mut [f32],
    d: usize,
}

impl Kernel<f32> for Bins<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(self) {
        let rows = self.values.chunks_exact(self.n.max(1)).zip(self.out.chunks_exact_mut(self.d.max(1)));
        for (row, out) in rows {
            bins_of_a_row(row, out);
        }
    }
}

#[inline(always)]
fn bins_of_a_row(row: &[f32], out: &mut [f32]) {
    let (n, d) = (row.len(), out.len());
    if n == 2 * d {
        for (o, pair) in out.iter_mut().zip(row.as_chunks::<2>().0) {
            *o = (0.0 + pair[0] + pair[1]) / 2.0;
        }
        return;
    }
    for (j, o) in out.iter_mut().enumerate() {
        let values = &row[bin(j, n, d)];
        *o = values.iter().fold(0.0, |sum, v| sum + v) / values.len() as f32;
    }
}

/// A feature map.
#[derive(Debug, Clone, Copy)]
pub struct Map<'a> {
    /// `[h, w, c]` in memory order.
    pub data: &'a [f32],
    /// Height, width, channels.
    pub shape: [usize; 3],
}

impl Map<'_> {
    fn check(&self) {
        let [h, w, c] = self.shape;
        assert_eq!(self.data.len(), h * w * c, "feature map does not fit its shape");
    }
}

/// Vectors that lie `pitch` values apart.
#[derive(Debug)]
pub struct Spaced<'a> {
    /// The first value of the first vector comes first; the last vector may end the slice.
    pub data: &'a mut [f32],
    /// Values from one vector's start to the next one's.
    pub pitch: usize,
    /// Values of a vector.
    pub d: usize,
}

impl Spaced<'_> {
    #[inline(always)]
    fn row(&mut self, i: usize) -> &mut [f32] {
        &mut self.data[i * self.pitch..][..self.d]
    }

    fn check(&self, rows: usize) {
        let end = rows.checked_sub(1).map_or(0, |last| last * self.pitch + self.d);
        assert!(self.data.len() >= end, "no room for {rows} vectors");
    }
}

/// One row of patches: the window at each of `w` places of grid row `y`, read as one vector of `c * size * size` values,
/// channel-major, and averaged by its [`bins`]. Outside the map lie zeros, and they count.
///
/// # Panics
/// If a length does not fit.
pub fn mean_patches(isa: Isa, map: Map<'_>, window: Window, [y, w]: [usize; 2], out: Spaced<'_>) {
    map.check();
    out.check(w);
    // SAFETY: the job is safe code.
    unsafe { f32::dispatch(isa, Patches { map, window, y, w, out }) }
}

struct Patches<'a> {
    map: Map<'a>,
    window: Window,
    y: usize,
    w: usize,
    out: Spaced<'a>,
}

impl Kernel<f32> for Patches<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(mut self) {
        let c = self.map.shape[2];
        let per_channel = if c > 0 && self.out.d.is_multiple_of(c) { self.out.d / c } else { 0 };
        let mut pixels = Vec::with_capacity(self.window.size[0] * self.window.size[1]);
        let mut flat = Vec::new();
        for x in 0..self.w {
            self.pixels(x, &mut pixels);
            let out = self.out.row(x);
            match per_channel {
                1 => channels::<1>(&pixels, out),
                2 => channels::<2>(&pixels, out),
                4 => channels::<4>(&pixels, out),
                8 => channels::<8>(&pixels, out),
                _ => {
                    flatten(&pixels, c, &mut flat);
                    bins_of_a_row(&flat, out);
                }
            }
        }
    }
}

impl<'a> Patches<'a> {
    /// The pixels that the window at place `x` sees, row by row; nothing where it looks outside.
    #[inline(always)]
    fn pixels(&self, x: usize, pixels: &mut Vec<&'a [f32]>) {
        let (Map { data, shape: [h, w, c] }, Window { size, stride, pad }) = (self.map, self.window);
        pixels.clear();
        for sy in self.y * stride..self.y * stride + size[0] {
            for sx in x * stride..x * stride + size[1] {
                let inside = sy >= pad[0] && sx >= pad[1] && sy - pad[0] < h && sx - pad[1] < w;
                pixels.push(if inside { &data[((sy - pad[0]) * w + sx - pad[1]) * c..][..c] } else { &[] });
            }
        }
    }
}

/// A neighbourhood whose bins repeat with every channel, `R` bins each: as many channels at a time as lanes.
#[inline(always)]
fn channels<const R: usize>(pixels: &[&[f32]], out: &mut [f32]) {
    let bins: [Range<usize>; R] = std::array::from_fn(|j| bin(j, pixels.len(), R));
    let c = out.len() / R;
    let Some(last) = c.checked_sub(LANES) else {
        for (channel, out) in out.as_chunks_mut::<R>().0.iter_mut().enumerate() {
            for (o, bin) in out.iter_mut().zip(&bins) {
                let sum = pixels[bin.clone()].iter().filter_map(|p| p.get(channel)).fold(0.0, |s, v| s + v);
                *o = sum / bin.len() as f32;
            }
        }
        return;
    };
    // The last block may begin inside the one before; what it computes again comes out the same.
    for at in (0..last).step_by(LANES).chain([last]) {
        let mut means = [[0.0; LANES]; R];
        for (means, bin) in means.iter_mut().zip(&bins) {
            let mut sums = [0.0; LANES];
            for pixel in pixels[bin.clone()].iter().filter(|p| !p.is_empty()) {
                let values = &pixel[at..at + LANES];
                for i in 0..LANES {
                    sums[i] += values[i];
                }
            }
            let count = bin.len() as f32;
            for i in 0..LANES {
                means[i] = sums[i] / count;
            }
        }
        for (i, out) in out[at * R..][..LANES * R].as_chunks_mut::<R>().0.iter_mut().enumerate() {
            for j in 0..R {
                out[j] = means[j][i];
            }
        }
    }
}

/// The neighbourhood as one vector, channel-major.
#[inline(always)]
fn flatten(pixels: &[&[f32]], c: usize, flat: &mut Vec<f32>) {
    flat.clear();
    flat.resize(c * pixels.len(), 0.0);
    for (offset, pixel) in pixels.iter().enumerate() {
        let places = flat.iter_mut().skip(offset).step_by(pixels.len());
        places.zip(*pixel).for_each(|(place, &v)| *place = v);
    }
}

/// A place between two neighbours on an axis: both, and the weight of the second.
pub type Between = (usize, usize, f32);

/// One row of a grid, resampled bilinearly: `y` lies between two rows of `map`, each of `xs` between two columns.
///
/// # Panics
/// If a length or a place does not fit.
pub fn mix_row(isa: Isa, map: Map<'_>, y: Between, xs: &[Between], out: Spaced<'_>) {
    map.check();
    out.check(xs.len());
    assert_eq!(map.shape[2], out.d, "channels differ");
    // SAFETY: the job is safe code.
    unsafe { f32::dispatch(isa, Mix { map, y, xs, out }) }
}

struct Mix<'a> {
    map: Map<'a>,
    y: Between,
    xs: &'a [Between],
    out: Spaced<'a>,
}

impl Kernel<f32> for Mix<'_> {
    #[inline(always)]
    unsafe fn run<V: Lanes<f32>>(mut self) {
        let (Map { data, shape: [_, w, d] }, (y0, y1, fy)) = (self.map, self.y);
        let at = |y: usize, x: usize| &data[(y * w + x) * d..][..d];
        for (i, &(x0, x1, fx)) in self.xs.iter().enumerate() {
            let (a, b, c, e) = (at(y0, x0), at(y0, x1), at(y1, x0), at(y1, x1));
            let out = &mut self.out.row(i)[..d];
            for i in 0..d {
                let upper = (1.0 - fx) * a[i] + fx * b[i];
                let lower = (1.0 - fx) * c[i] + fx * e[i];
                out[i] = (1.0 - fy) * upper + fy * lower;
            }
        }
    }
}

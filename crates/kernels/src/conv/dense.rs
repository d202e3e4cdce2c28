//! Dense and grouped convolution: the weights packed into panels, and the tile that multiplies them.

use super::layout::{Clamp, Layout, Picture, Rows, Window};
use crate::buffer::Buffer;
use crate::isa::{Isa, Kind};
#[cfg(target_arch = "x86_64")]
use crate::vector::{Avx2, Avx512};
use crate::vector::{Portable, Vector};

/// What a convolution is, apart from its weights and the picture's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Output channels.
    pub co: usize,
    /// Input channels.
    pub ci: usize,
    /// Groups; `ci` and `co` are multiples of it.
    pub groups: usize,
    /// Height and width of the window.
    pub size: [usize; 2],
    /// Step of the window.
    pub stride: usize,
}

impl ConvShape {
    /// Number of weights, `co * ci / groups * height * width`.
    pub fn weights(&self) -> usize {
        self.co * (self.ci / self.groups) * self.size[0] * self.size[1]
    }
}

/// A convolution with its weights packed for one instruction set.
pub struct Conv {
    isa: Isa,
    shape: ConvShape,
    panels: Vec<Panel>,
    weights: Buffer,
    bias: Buffer,
}

/// A few neighbouring output channels and the input channels that they need.
struct Panel {
    /// First output channel.
    co: usize,
    /// Output channels in it; the panel's other columns are zero.
    columns: usize,
    /// First input channel.
    ci: usize,
    /// Values per tap.
    k: usize,
    /// Where its weights start.
    at: usize,
}

impl Conv {
    /// Packs weights `[co, ci / groups, height, width]` and one bias per output channel.
    ///
    /// # Panics
    /// If a length does not fit the shape.
    pub fn new(isa: Isa, shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        let ConvShape { co, ci, groups, size: [kh, kw], .. } = shape;
        assert!(
            groups > 0 && ci.is_multiple_of(groups) && co.is_multiple_of(groups),
            "{shape:?}: bad groups"
        );
        assert_eq!(weights.len(), shape.weights(), "{shape:?}: wrong number of weights");
        assert_eq!(bias.len(), co, "{shape:?}: wrong number of biases");
        let width = panel_width(isa);
        let (group_ci, group_co) = (ci / groups, co / groups);
        let mut panels = Vec::new();
        let mut at = 0;
        for first in (0..co).step_by(width) {
            let columns = width.min(co - first);
            let (first_group, last_group) = (first / group_co, (first + columns - 1) / group_co);
            let span = (last_group + 1 - first_group) * group_ci;
            // With all input channels the window's row is contiguous in memory: one tap per row instead of per pixel.
            let k = if groups == 1 { kw * ci } else { span };
            panels.push(Panel { co: first, columns, ci: first_group * group_ci, k, at });
            at += kh * kw * span * width;
        }
        let mut packed = Buffer::zeros(at);
        for panel in &panels {
            let span = if groups == 1 { ci } else { panel.k };
            for column in 0..panel.columns {
                let o = panel.co + column;
                let own = (o / group_co) * group_ci - panel.ci;
                for tap in 0..kh * kw {
                    for i in 0..group_ci {
                        let value = weights[(o * group_ci + i) * kh * kw + tap];
                        packed[panel.at + (tap * span + own + i) * width + column] = value;
                    }
                }
            }
        }
        let mut padded_bias = Buffer::zeros(co.next_multiple_of(width));
        padded_bias[..co].copy_from_slice(bias);
        Self { isa, shape, panels, weights: packed, bias: padded_bias }
    }

    /// What was packed.
    pub fn shape(&self) -> ConvShape {
        self.shape
    }

    /// Bytes of packed weights that one output row walks over.
    pub fn bytes(&self) -> usize {
        self.weights.len() * size_of::<f32>()
    }

    /// Computes whole output rows. `residual`, of the output's height, width and channels, is added before the clamp.
    ///
    /// # Panics
    /// If a length or a layout does not fit, or the window leaves the bordered picture.
    pub fn rows(
        &self,
        input: Picture<'_>,
        pad: [usize; 2],
        residual: Option<Picture<'_>>,
        clamp: Clamp,
        out: Rows<'_>,
    ) {
        let window = Window { size: self.shape.size, stride: self.shape.stride, pad };
        let rows = out.count();
        let Rows { layout: out_layout, first: first_row, data: out } = out;
        assert_eq!((input.layout.c, out_layout.c), (self.shape.ci, self.shape.co), "channels differ");
        window.check(input, first_row, rows, out_layout.w);
        if let Some(r) = residual {
            assert_eq!(r.data.len(), r.layout.len(), "residual does not fit its layout");
            let (a, b) = (r.layout, out_layout);
            assert_eq!((a.h, a.w, a.c), (b.h, b.w, b.c), "residual has another shape");
        }
        let job = Job { conv: self, window, input, residual, clamp, out_layout, first_row, rows };
        match self.isa.0 {
            // SAFETY: all layouts were checked above; the portable register needs no instruction set.
            Kind::Portable => unsafe { job.run::<Portable, 4, 1>(out) },
            // SAFETY: as above, and this `Kind` exists only where AVX2 and FMA were detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { run_avx2(&job, out) },
            // SAFETY: as above, and this `Kind` exists only where AVX-512F was detected.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { run_avx512(&job, out) },
        }
    }
}

/// Output channels of one panel: as many registers as the tile has columns.
fn panel_width(isa: Isa) -> usize {
    match isa.0 {
        Kind::Portable => Portable::N,
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => 2 * Avx2::N,
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => 2 * Avx512::N,
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2(job: &Job<'_>, out: &mut [f32]) {
    // SAFETY: the caller checked the layouts; the instruction set is this function's.
    unsafe { job.run::<Avx2, 6, 2>(out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn run_avx512(job: &Job<'_>, out: &mut [f32]) {
    // SAFETY: the caller checked the layouts; the instruction set is this function's.
    unsafe { job.run::<Avx512, 14, 2>(out) }
}

/// One call of [`Conv::rows`], checked.
struct Job<'a> {
    conv: &'a Conv,
    window: Window,
    input: Picture<'a>,
    residual: Option<Picture<'a>>,
    clamp: Clamp,
    out_layout: Layout,
    first_row: usize,
    rows: usize,
}

impl Job<'_> {
    /// Walks panels, rows and tiles; `MR` pixels and `NV` registers of channels make the largest tile.
    ///
    /// # Safety
    /// The layouts fit their slices and every window lies inside the bordered picture; the processor has `V`.
    #[inline(always)]
    unsafe fn run<V: Vector, const MR: usize, const NV: usize>(&self, out: &mut [f32]) {
        let (input, layout) = (&self.input.layout, &self.out_layout);
        let [kh, kw] = self.window.size;
        let [top, left] = self.window.pad;
        let mut taps = Vec::with_capacity(kh * kw);
        for y in 0..kh {
            for x in 0..if self.conv.shape.groups == 1 { 1 } else { kw } {
                taps.push(y * input.row_len() + x * input.c);
            }
        }
        let tiles = layout.w.div_ceil(MR);
        for panel in &self.conv.panels {
            for row in 0..self.rows {
                let y = (self.first_row + row) * self.window.stride + input.border - top;
                for tile in 0..tiles {
                    // Tiles of nearly equal width: a row of 28 pixels is 14 + 14, one of 20 is 10 + 10.
                    let (x0, x1) = (layout.w * tile / tiles, layout.w * (tile + 1) / tiles);
                    let x = x0 * self.window.stride + input.border - left;
                    let a = y * input.row_len() + x * input.c + panel.ci;
                    let c = row * layout.row_len() + (layout.border + x0) * layout.c + panel.co;
                    let residual = self.residual.map(|r| {
                        let at = r.layout.at(self.first_row + row, x0) + panel.co;
                        // SAFETY: the residual has the output's shape, so pixel and channel lie inside it.
                        unsafe { (r.data.as_ptr().add(at), r.layout.c) }
                    });
                    // SAFETY: `a` is the first window's first value and `c` the tile's first output value; the
                    // caller checked that all windows and rows lie inside their slices. Panel and bias are padded
                    // to the full width.
                    unsafe {
                        let tile = Tile {
                            a: self.input.data.as_ptr().add(a),
                            pixel: self.window.stride * input.c,
                            taps: &taps,
                            k: panel.k,
                            b: self.conv.weights.as_ptr().add(panel.at),
                            bias: self.conv.bias.as_ptr().add(panel.co),
                            residual,
                            c: out.as_mut_ptr().add(c),
                            c_pixel: layout.c,
                            columns: panel.columns,
                            clamp: self.clamp,
                        };
                        tile.dispatch::<V, NV>(x1 - x0);
                    }
                }
            }
        }
    }
}

/// A tile of output pixels and channels: where everything is.
struct Tile<'a> {
    /// First input value of the first pixel's window.
    a: *const f32,
    /// Values between the windows of neighbouring output pixels.
    pixel: usize,
    /// Offsets of the taps.
    taps: &'a [usize],
    /// Values per tap.
    k: usize,
    /// The panel's weights, `[tap][k][width]`.
    b: *const f32,
    /// The panel's biases.
    bias: *const f32,
    /// First residual value, and values between neighbouring pixels.
    residual: Option<(*const f32, usize)>,
    /// First output value.
    c: *mut f32,
    /// Values between neighbouring output pixels.
    c_pixel: usize,
    /// Output channels to write.
    columns: usize,
    /// Cut of the result.
    clamp: Clamp,
}

impl Tile<'_> {
    /// Calls the tile of the right width.
    ///
    /// # Safety
    /// As [`multiply`](Self::multiply), for `pixels` pixels.
    #[inline(always)]
    unsafe fn dispatch<V: Vector, const NV: usize>(&self, pixels: usize) {
        // SAFETY: passed on from the caller.
        unsafe {
            match pixels {
                1 => self.multiply::<V, 1, NV>(),
                2 => self.multiply::<V, 2, NV>(),
                3 => self.multiply::<V, 3, NV>(),
                4 => self.multiply::<V, 4, NV>(),
                5 => self.multiply::<V, 5, NV>(),
                6 => self.multiply::<V, 6, NV>(),
                7 => self.multiply::<V, 7, NV>(),
                8 => self.multiply::<V, 8, NV>(),
                9 => self.multiply::<V, 9, NV>(),
                10 => self.multiply::<V, 10, NV>(),
                11 => self.multiply::<V, 11, NV>(),
                12 => self.multiply::<V, 12, NV>(),
                13 => self.multiply::<V, 13, NV>(),
                14 => self.multiply::<V, 14, NV>(),
                _ => unreachable!("no tile of {pixels} pixels"),
            }
        }
    }

    /// Multiplies `M` windows with the panel and stores the tile.
    ///
    /// # Safety
    /// For `M` pixels: `a` + tap + `k` values are readable at every window, `b` holds `taps * k` rows of `NV`
    /// registers, `bias` holds `NV` registers, `residual` and `c` hold `columns` values per pixel; the processor
    /// has `V`.
    #[inline(always)]
    unsafe fn multiply<V: Vector, const M: usize, const NV: usize>(&self) {
        // SAFETY: the function's contract, pointer by pointer.
        unsafe {
            let mut sums = [[V::splat(0.0); NV]; M];
            for j in 0..NV {
                let bias = V::load(self.bias.add(j * V::N));
                for sum in &mut sums {
                    sum[j] = bias;
                }
            }
            let mut b = self.b;
            for &tap in self.taps {
                let mut a = self.a.add(tap);
                for _ in 0..self.k {
                    let mut row = [V::splat(0.0); NV];
                    for (j, lane) in row.iter_mut().enumerate() {
                        *lane = V::load(b.add(j * V::N));
                    }
                    for (i, sum) in sums.iter_mut().enumerate() {
                        let value = V::splat(*a.add(i * self.pixel));
                        for j in 0..NV {
                            sum[j] = value.mul_add(row[j], sum[j]);
                        }
                    }
                    a = a.add(1);
                    b = b.add(NV * V::N);
                }
            }
            let (low, high) = (V::splat(self.clamp.low), V::splat(self.clamp.high));
            // A copy of its own: the loops below index it, and the sums above must stay in registers.
            let done = sums;
            for (i, sum) in done.iter().enumerate() {
                for (j, &value) in sum.iter().enumerate() {
                    let left = self.columns.saturating_sub(j * V::N);
                    if left == 0 {
                        // Not even a pointer may lie behind the output's end.
                        break;
                    }
                    let mut value = value;
                    let at = self.c.add(i * self.c_pixel + j * V::N);
                    if let Some((residual, pixel)) = self.residual {
                        let from = residual.add(i * pixel + j * V::N);
                        value =
                            value.add(if left >= V::N { V::load(from) } else { V::load_part(from, left) });
                    }
                    value = value.at_least(low).at_most(high);
                    if left >= V::N {
                        value.store(at);
                    } else {
                        value.store_part(at, left);
                    }
                }
            }
        }
    }
}

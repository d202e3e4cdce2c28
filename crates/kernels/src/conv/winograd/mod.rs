//! Winograd's convolution for 3x3 windows with step 1: fewer multiplications for the same sums.
//!
//! `F(m x m, 3 x 3)` computes `m x m` output pixels (a *tile*) from a window of `m + 2` by `m + 2` input pixels:
//!
//! ```text
//!      input windows            one product per point            output tiles
//!   (m+2 x m+2, step m)         of the (m+2)² points               (m x m)
//!
//!    +---------+             V[p]          U[p]        M[p]
//!    | . . . . |   B'dB     +----+       +------+     +----+    A'mA     +-----+
//!    | . . . . |  ------>   |tile|   x   | ci x |  =  |tile|  ------->   | o o |
//!    | . . . . |            |x ci|       |  co  |     |x co|   + bias    | o o |
//!    | . . . . |            +----+       +------+     +----+             +-----+
//!    +---------+                         (G g G', once,
//!     channels side by side               when packed)
//! ```
//!
//! Per output pixel and pair of channels that is `(m + 2)² / m²` products instead of nine: 4 for `m = 2` (2.25 times
//! fewer), 2.25 for `m = 4` (4 times fewer). `F2` costs no accuracy to speak of; `F4` multiplies by numbers up to 8 and
//! has about three times the rounding error.
//!
//! The three phases are separate calls, so that a caller can spread each over threads. Source: Lavin and Gray, "Fast
//! Algorithms for Convolutional Neural Networks", CVPR 2016, section 4.

mod pack;
mod transform;

use super::dense::ConvShape;
use super::layout::{Clamp, Layout, Picture, Rows, Window, check_residual};
use super::tile::{Tile, panel_width};
use crate::buffer::Buffer;
use crate::element::Element;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::Kernel;
use pack::PackJob;
use std::ops::Range;

/// The side of an output tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Winograd {
    /// Two pixels: `F(2x2, 3x3)`.
    F2,
    /// Four pixels: `F(4x4, 3x3)`.
    F4,
}

impl Winograd {
    /// Output pixels along a tile's side.
    pub const fn side(self) -> usize {
        match self {
            Self::F2 => 2,
            Self::F4 => 4,
        }
    }

    /// Input pixels along a window's side.
    const fn window(self) -> usize {
        self.side() + 2
    }

    /// Products per tile and pair of channels.
    pub const fn points(self) -> usize {
        self.window() * self.window()
    }
}

/// Values of one cache line: the gap between two tiles or points in scratch memory, so that neighbours do not share a
/// set of the level-1 cache.
const fn gap<E>() -> usize {
    64 / size_of::<E>()
}

/// A 3x3 convolution with step 1, its weights transformed and packed for one instruction set.
pub struct WinogradConv<E: Element = f32> {
    isa: Isa,
    kind: Winograd,
    ci: usize,
    co: usize,
    /// `[point][panel][k][panel width]` words.
    weights: Buffer<E>,
    bias: Vec<f32>,
    /// A pixel outside the picture.
    outside: Vec<E>,
}

impl<E: Element> WinogradConv<E> {
    /// Whether a convolution can be computed this way: 3x3, step 1, no groups.
    pub fn fits(shape: ConvShape) -> bool {
        shape.size == [3, 3] && shape.stride == 1 && shape.groups == 1
    }

    /// Transforms and packs weights `[co, ci, 3, 3]`, with one bias per output channel.
    ///
    /// # Panics
    /// If the shape does not [fit](Self::fits), a length does not fit the shape, or `E` does not run on `isa`.
    pub fn new(isa: Isa, kind: Winograd, shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        assert!(Self::fits(shape), "{shape:?} is no 3x3 convolution with step 1");
        assert!(E::runs_on(isa), "{} does not run this precision", isa.name());
        assert_eq!(weights.len(), shape.weights(), "{shape:?}: wrong number of weights");
        assert_eq!(bias.len(), shape.co, "{shape:?}: wrong number of biases");
        let ConvShape { co, ci, .. } = shape;
        let (width, words) = (isa.panel(), ci.div_ceil(E::PER_WORD));
        let panels = co.div_ceil(width);
        let mut packed = Buffer::zeros(kind.points() * panels * words * width * E::PER_WORD);
        // SAFETY: the job is safe code.
        unsafe { E::dispatch(isa, PackJob { kind, ci, width, weights, packed: &mut packed }) }
        Self { isa, kind, ci, co, weights: packed, bias: bias.to_vec(), outside: vec![E::default(); ci] }
    }

    /// The tiles that a picture of these output pixels has.
    pub fn tiling(&self, out: Layout) -> Tiling {
        let side = self.kind.side();
        let (rows, columns) = (out.h.div_ceil(side), out.w.div_ceil(side));
        let (ci, co) = (self.ci.next_multiple_of(gap::<E>()), self.co.next_multiple_of(self.isa.panel()));
        let points = self.kind.points();
        Tiling { rows, columns, side, points, ci, co, window_len: points * ci + gap::<E>() }
    }

    /// Bytes of packed weights.
    pub fn bytes(&self) -> usize {
        self.weights.len() * size_of::<E>()
    }

    /// First phase: transforms the windows of the tile rows that `windows` has room for, from `first_row` on.
    /// `windows` is `[tile][point][channel]`, [`Tiling::window_len`] values per tile.
    ///
    /// # Panics
    /// If a length or a layout does not fit, or a window leaves the bordered picture by more than a tile.
    pub fn transform_input(
        &self,
        input: Picture<'_, E>,
        pad: [usize; 2],
        out: Layout,
        first_row: usize,
        windows: &mut [E],
    ) {
        let tiling = self.tiling(out);
        let rows = windows.len() / (tiling.columns * tiling.window_len).max(1);
        assert_eq!(windows.len(), rows * tiling.columns * tiling.window_len, "no whole rows of tiles");
        assert!(first_row + rows <= tiling.rows, "tiles below the picture");
        assert_eq!((input.layout.c, out.c), (self.ci, self.co), "channels differ");
        // The output pixels inside the picture see inside the border; what only others see is taken as zero.
        let window = Window { size: [3, 3], stride: 1, pad };
        window.check(input, 0, out.h, out.w);
        let job = InputJob { conv: self, input, pad, tiling, first_row, windows };
        // SAFETY: everything was checked above.
        unsafe { E::dispatch(self.isa, job) }
    }

    /// Second phase: multiplies all windows with the weights of the points that `products` has room for, from
    /// `first_point` on. `products` is `[point][tile][channel]`, [`Tiling::products_len`] values per point.
    ///
    /// # Panics
    /// If a length does not fit.
    pub fn multiply(&self, out: Layout, windows: &[E], first_point: usize, products: &mut [f32]) {
        let tiling = self.tiling(out);
        let tiles = windows.len() / tiling.window_len;
        assert_eq!(windows.len(), tiles * tiling.window_len, "no whole tiles");
        let points = products.len() / tiling.products_len(tiles);
        assert_eq!(products.len(), points * tiling.products_len(tiles), "no whole points");
        assert!(first_point + points <= self.kind.points(), "more points than there are");
        let job =
            ProductJob { conv: self, tiling, windows, points: first_point..first_point + points, products };
        // SAFETY: everything was checked above.
        unsafe { E::dispatch(self.isa, job) }
    }

    /// Third phase: transforms the products into whole output rows and finishes them as
    /// [`Conv::rows`](super::Conv::rows) does. `first_tile_row` is the tile row that `products` starts with; `out`
    /// starts at a tile's upper edge.
    ///
    /// # Panics
    /// If a length or a layout does not fit.
    pub fn transform_output(
        &self,
        products: &[f32],
        first_tile_row: usize,
        residual: Option<Picture<'_, E>>,
        clamp: Clamp,
        out: Rows<'_, E>,
    ) {
        let rows = out.count();
        let tiling = self.tiling(out.layout);
        let point_len = products.len() / tiling.points;
        assert_eq!(products.len(), point_len * tiling.points, "no whole points");
        let side = tiling.side;
        assert!(out.first.is_multiple_of(side) && out.first / side >= first_tile_row, "not at a tile's edge");
        let last_tile = ((out.first + rows).div_ceil(side) - first_tile_row) * tiling.columns;
        assert!(tiling.products_len(last_tile) <= point_len, "too few products");
        assert_eq!(out.layout.c, self.co, "channels differ");
        check_residual(residual, out.layout);
        let job = OutputJob { conv: self, products, point_len, first_tile_row, residual, clamp, rows, out };
        // SAFETY: everything was checked above.
        unsafe { E::dispatch(self.isa, job) }
    }
}

/// How a picture is cut into tiles, and how long their parts in scratch memory are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// Rows of tiles.
    pub rows: usize,
    /// Tiles per row.
    pub columns: usize,
    /// Output pixels along a tile's side.
    pub side: usize,
    /// Products per tile and pair of channels.
    pub points: usize,
    /// Values of one tile's transformed window.
    pub window_len: usize,
    /// Values per point of a window.
    ci: usize,
    /// Values per tile of the products.
    co: usize,
}

impl Tiling {
    /// Values of the products of `tiles` tiles at one point.
    pub fn products_len(&self, tiles: usize) -> usize {
        tiles * self.co + gap::<f32>()
    }
}

/// One call of [`WinogradConv::transform_input`], checked.
struct InputJob<'a, E: Element> {
    conv: &'a WinogradConv<E>,
    input: Picture<'a, E>,
    pad: [usize; 2],
    tiling: Tiling,
    first_row: usize,
    windows: &'a mut [E],
}

impl<E: Element> Kernel<E> for InputJob<'_, E> {
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        // SAFETY: passed on from the caller.
        unsafe {
            match self.conv.kind {
                Winograd::F2 => self.windows::<V, 4>(),
                Winograd::F4 => self.windows::<V, 6>(),
            }
        }
    }
}

impl<E: Element> InputJob<'_, E> {
    /// # Safety
    /// The job is as its maker promises, `W` is the window's side, the processor has `V`.
    #[inline(always)]
    unsafe fn windows<V: Lanes<E>, const W: usize>(self) {
        let (layout, tiling) = (&self.input.layout, &self.tiling);
        let (h, w) = (layout.h + 2 * layout.border, layout.w + 2 * layout.border);
        for (number, window) in self.windows.chunks_exact_mut(tiling.window_len).enumerate() {
            let (ty, tx) = (self.first_row + number / tiling.columns, number % tiling.columns);
            let y = ty * tiling.side + layout.border - self.pad[0];
            let x = tx * tiling.side + layout.border - self.pad[1];
            let mut pixels = [[self.conv.outside.as_ptr(); W]; W];
            for (a, row) in pixels.iter_mut().enumerate().take(h.saturating_sub(y)) {
                for (b, pixel) in row.iter_mut().enumerate().take(w.saturating_sub(x)) {
                    *pixel = self.input.data[(y + a) * layout.row_len() + (x + b) * layout.pitch..].as_ptr();
                }
            }
            let mut c = 0;
            while c < self.conv.ci {
                let n = V::N.min(self.conv.ci - c);
                // SAFETY: every pixel holds `ci` values, `outside` too; the window's points hold `ci` rounded up to
                // sixteen, so a whole register can be written at every step.
                unsafe {
                    let read =
                        |p: *const E| if n == V::N { V::read(p.add(c)) } else { V::read_part(p.add(c), n) };
                    let mut half = [[V::splat(0.0); W]; W];
                    for b in 0..W {
                        let mut column = [V::splat(0.0); W];
                        for (value, row) in column.iter_mut().zip(&pixels) {
                            *value = read(row[b]);
                        }
                        for (row, value) in half.iter_mut().zip(transform::input(column)) {
                            row[b] = value;
                        }
                    }
                    let to = window.as_mut_ptr().add(c);
                    for (a, &row) in half.iter().enumerate() {
                        for (b, value) in transform::input(row).into_iter().enumerate() {
                            value.write(to.add((a * W + b) * tiling.ci));
                        }
                    }
                }
                c += V::N;
            }
        }
    }
}

/// One call of [`WinogradConv::multiply`], checked.
struct ProductJob<'a, E: Element> {
    conv: &'a WinogradConv<E>,
    tiling: Tiling,
    windows: &'a [E],
    points: Range<usize>,
    products: &'a mut [f32],
}

impl<E: Element> Kernel<E> for ProductJob<'_, E> {
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        let (conv, tiling) = (self.conv, &self.tiling);
        let tiles = self.windows.len() / tiling.window_len;
        let groups = tiles.div_ceil(V::PIXELS);
        let (words, width) = (conv.ci.div_ceil(E::PER_WORD), panel_width::<V>());
        for (products, point) in self.products.chunks_exact_mut(tiling.products_len(tiles)).zip(self.points) {
            for panel in 0..tiling.co / width {
                let b = (point * (tiling.co / width) + panel) * words * width * E::PER_WORD;
                for group in 0..groups {
                    // Groups of nearly equal size.
                    let (first, end) = (tiles * group / groups, tiles * (group + 1) / groups);
                    // SAFETY: tiles `first..end` and this panel lie inside their slices (checked by the maker, whose
                    // lengths are rounded up to whole words and panels).
                    unsafe {
                        let tile = Tile::<E, f32> {
                            a: self.windows.as_ptr().add(first * tiling.window_len + point * tiling.ci),
                            pixel: tiling.window_len,
                            taps: [1, 1],
                            tap_step: [0, 0],
                            k: words,
                            b: conv.weights.as_ptr().add(b),
                            c: products.as_mut_ptr().add(first * tiling.co + panel * width),
                            c_pixel: tiling.co,
                            finish: None,
                        };
                        tile.run::<V, 2>(end - first);
                    }
                }
            }
        }
    }
}

/// One call of [`WinogradConv::transform_output`], checked.
struct OutputJob<'a, E: Element> {
    conv: &'a WinogradConv<E>,
    products: &'a [f32],
    point_len: usize,
    first_tile_row: usize,
    residual: Option<Picture<'a, E>>,
    clamp: Clamp,
    rows: usize,
    out: Rows<'a, E>,
}

impl<E: Element> Kernel<E> for OutputJob<'_, E> {
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        // SAFETY: passed on from the caller.
        unsafe {
            match self.conv.kind {
                Winograd::F2 => self.tiles::<V, 4, 2>(),
                Winograd::F4 => self.tiles::<V, 6, 4>(),
            }
        }
    }
}

impl<E: Element> OutputJob<'_, E> {
    /// # Safety
    /// The job is as its maker promises, `W` and `S` are the sides of window and tile, the processor has `V`.
    #[inline(always)]
    unsafe fn tiles<V: Lanes<E>, const W: usize, const S: usize>(mut self) {
        let tiling = self.conv.tiling(self.out.layout);
        for top in (0..self.rows).step_by(S) {
            let ty = (self.out.first + top) / S - self.first_tile_row;
            for tx in 0..tiling.columns {
                let number = ty * tiling.columns + tx;
                let mut c = 0;
                while c < self.conv.co {
                    // SAFETY: tile `number` lies inside the products, whose tiles hold whole panels.
                    unsafe {
                        let from = self.products.as_ptr().add(number * tiling.co + c);
                        let mut half = [[V::splat(0.0); W]; S];
                        for b in 0..W {
                            let mut column = [V::splat(0.0); W];
                            for (a, value) in column.iter_mut().enumerate() {
                                *value = V::load(from.add((a * W + b) * self.point_len));
                            }
                            for (row, value) in half.iter_mut().zip(transform::output::<V, W, S>(column)) {
                                row[b] = value;
                            }
                        }
                        for (a, &row) in half.iter().enumerate().take(self.rows - top) {
                            let values = transform::output::<V, W, S>(row);
                            self.finish(top + a, tx * S, c, &values);
                        }
                    }
                    c += V::N;
                }
            }
        }
    }

    /// Adds bias and residual to neighbouring pixels of row `row`, clamps and stores those inside the picture.
    ///
    /// # Safety
    /// The job is as its maker promises, `row` and channel `c` are inside, the processor has `V`.
    #[inline(always)]
    unsafe fn finish<V: Lanes<E>, const S: usize>(
        &mut self,
        row: usize,
        x: usize,
        c: usize,
        values: &[V; S],
    ) {
        let layout = &self.out.layout;
        let n = V::N.min(self.conv.co - c);
        // SAFETY: row, pixel and channels `c..c + n` lie inside output, residual and bias; partial loads and stores do
        // not touch what lies behind.
        unsafe {
            let read = |p: *const E| if n == V::N { V::read(p) } else { V::read_part(p, n) };
            let bias = self.conv.bias.as_ptr().add(c);
            let bias = if n == V::N { V::load(bias) } else { V::load_part(bias, n) };
            let (low, high) = (V::splat(self.clamp.low), V::splat(self.clamp.high));
            for (x, &value) in (x..layout.w).zip(values) {
                let mut value = value.add(bias);
                if let Some(r) = self.residual {
                    value = value.add(read(r.data.as_ptr().add(r.layout.at(self.out.first + row, x) + c)));
                }
                value = value.at_least(low).at_most(high);
                let at = row * layout.row_len() + (layout.border + x) * layout.pitch + c;
                let to = self.out.data.as_mut_ptr().add(at);
                if n == V::N { value.write(to) } else { value.write_part(to, n) }
            }
        }
    }
}

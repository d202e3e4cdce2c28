//! Direct convolution, dense or grouped: the weights packed into panels, walked tile by tile.

use super::layout::{Clamp, Layout, Picture, Rows, Window, check_residual};
use super::tile::{Finish, Tile, panel_width};
use crate::buffer::Buffer;
use crate::element::Element;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::Kernel;

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

/// Weights up to this size stay in a level-2 cache beside what a tile reads and writes, in bytes.
const LIGHT: usize = 600 << 10;

/// A convolution with its weights packed for one instruction set; pictures are stored as `E`.
pub struct Conv<E: Element = f32> {
    isa: Isa,
    shape: ConvShape,
    panels: Vec<Panel>,
    weights: Buffer<E>,
    bias: Buffer,
}

/// Input channels that are packed for a whole panel before the next ones: what is written stays in the level-1 cache.
const CLOSE: usize = 16;

/// A few neighbouring output channels and the input channels that they need.
struct Panel {
    /// First output channel.
    co: usize,
    /// Output channels in it; the panel's other columns are zero.
    columns: usize,
    /// Output channels that it has room for: two registers, or one if that is enough.
    width: usize,
    /// First input channel, a multiple of the values per word.
    ci: usize,
    /// Words per tap.
    k: usize,
    /// Where its weights start.
    at: usize,
}

impl<E: Element> Conv<E> {
    /// Packs weights `[co, ci / groups, height, width]` and one bias per output channel.
    ///
    /// # Panics
    /// If a length does not fit the shape, or `E` does not run on `isa`.
    pub fn new(isa: Isa, shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        let ConvShape { co, ci, groups, size: [kh, kw], .. } = shape;
        assert!(
            groups > 0 && ci.is_multiple_of(groups) && co.is_multiple_of(groups),
            "{shape:?}: bad groups"
        );
        assert!(E::runs_on(isa), "{} does not run this precision", isa.name());
        assert_eq!(weights.len(), shape.weights(), "{shape:?}: wrong number of weights");
        assert_eq!(bias.len(), co, "{shape:?}: wrong number of biases");
        let (width, taps) = (isa.panel(), kh * kw);
        let (group_ci, group_co) = (ci / groups, co / groups);
        let mut panels = Vec::new();
        let mut at = 0;
        for first in (0..co).step_by(width) {
            let columns = width.min(co - first);
            let room = if columns <= width / 2 { width / 2 } else { width };
            let (first_group, last_group) = (first / group_co, (first + columns - 1) / group_co);
            let start = first_group * group_ci / E::PER_WORD * E::PER_WORD;
            let k = ((last_group + 1) * group_ci - start).div_ceil(E::PER_WORD);
            panels.push(Panel { co: first, columns, width: room, ci: start, k, at });
            at += taps * k * room * E::PER_WORD;
        }
        let mut packed = Buffer::zeros(at);
        for (panel, first) in panels.iter().flat_map(|p| (0..group_ci).step_by(CLOSE).map(move |i| (p, i))) {
            for column in 0..panel.columns {
                let o = panel.co + column;
                let own = (o / group_co) * group_ci - panel.ci;
                let filter = &weights[o * group_ci * taps..][..group_ci * taps];
                for (i, window) in filter.chunks_exact(taps).enumerate().skip(first).take(CLOSE) {
                    let (word, part) = ((own + i) / E::PER_WORD, (own + i) % E::PER_WORD);
                    for (tap, &value) in window.iter().enumerate() {
                        let to = ((tap * panel.k + word) * panel.width + column) * E::PER_WORD + part;
                        packed[panel.at + to] = E::from_f32(value);
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
        self.weights.len() * size_of::<E>()
    }

    /// Computes whole output rows. `residual`, of the output's height, width and channels, is added before the clamp.
    ///
    /// # Panics
    /// If a length or a layout does not fit, or the window leaves the bordered picture.
    pub fn rows(
        &self,
        input: Picture<'_, E>,
        pad: [usize; 2],
        residual: Option<Picture<'_, E>>,
        clamp: Clamp,
        out: Rows<'_, E>,
    ) {
        let window = Window { size: self.shape.size, stride: self.shape.stride, pad };
        let rows = out.count();
        assert_eq!((input.layout.c, out.layout.c), (self.shape.ci, self.shape.co), "channels differ");
        assert!(input.layout.pitch.is_multiple_of(E::PER_WORD), "pixels are no whole words");
        window.check(input, out.first, rows, out.layout.w);
        check_residual(residual, out.layout);
        let job = Job { conv: self, window, input, residual, clamp, rows, out };
        // SAFETY: all layouts were checked above.
        unsafe { E::dispatch(self.isa, job) }
    }
}

/// One call of [`Conv::rows`], checked: the layouts fit their slices and every window lies inside the bordered
/// picture.
struct Job<'a, E: Element> {
    conv: &'a Conv<E>,
    window: Window,
    input: Picture<'a, E>,
    residual: Option<Picture<'a, E>>,
    clamp: Clamp,
    rows: usize,
    out: Rows<'a, E>,
}

impl<E: Element> Kernel<E> for Job<'_, E> {
    /// Walks panels, rows and tiles.
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(mut self) {
        let (input, layout) = (&self.input.layout, &self.out.layout);
        let taps = self.window.taps(&self.conv.shape, input);
        let tiles = layout.w.div_ceil(V::PIXELS);
        // Light weights stay in the cache: every tile meets all panels at once, so that input, residual and output are
        // walked in a straight line. Heavy ones are walked once for all rows.
        let tiles_of = |row: usize| (0..tiles).map(move |tile| (row, tile));
        if self.conv.bytes() <= LIGHT {
            for (row, tile) in (0..self.rows).flat_map(tiles_of) {
                for panel in &self.conv.panels {
                    // SAFETY: passed on from the caller.
                    unsafe { self.tile::<V>(panel, row, tile, tiles, &taps) }
                }
            }
        } else {
            for panel in &self.conv.panels {
                for (row, tile) in (0..self.rows).flat_map(tiles_of) {
                    // SAFETY: passed on from the caller.
                    unsafe { self.tile::<V>(panel, row, tile, tiles, &taps) }
                }
            }
        }
    }
}

impl<E: Element> Job<'_, E> {
    /// One panel of tile number `tile` of the `tiles` in row `row`. Tiles are of nearly equal width: a row of 28 pixels
    /// is 14 + 14, one of 20 is 10 + 10.
    ///
    /// # Safety
    /// The job is as its maker promises, row, tile and panel are inside, the processor has `V`.
    #[inline(always)]
    unsafe fn tile<V: Lanes<E>>(
        &mut self,
        panel: &Panel,
        row: usize,
        tile: usize,
        tiles: usize,
        taps: &Taps,
    ) {
        let (input, layout) = (&self.input.layout, &self.out.layout);
        let y = (self.out.first + row) * self.window.stride + input.border - self.window.pad[0];
        let (x0, x1) = (layout.w * tile / tiles, layout.w * (tile + 1) / tiles);
        let x = x0 * self.window.stride + input.border - self.window.pad[1];
        let a = y * input.row_len() + x * input.pitch + panel.ci;
        let c = row * layout.row_len() + (layout.border + x0) * layout.pitch + panel.co;
        // SAFETY: `a` is the first window's first value and `c` the tile's first output value, the residual has the
        // output's shape, and all windows and rows lie inside their slices (checked by the maker). Panel and bias are
        // padded to the full width. A word that reaches over the last channel stays inside the pixel, which is a whole
        // number of words.
        unsafe {
            let residual = self.residual.map(|r| {
                let at = r.layout.at(self.out.first + row, x0) + panel.co;
                (r.data.as_ptr().add(at), r.layout.pitch)
            });
            let tile = Tile {
                a: self.input.data.as_ptr().add(a),
                pixel: self.window.stride * input.pitch,
                taps: taps.count,
                tap_step: [input.row_len(), input.pitch],
                k: panel.k * taps.joined,
                b: self.conv.weights.as_ptr().add(panel.at),
                c: self.out.data.as_mut_ptr().add(c),
                c_pixel: layout.pitch,
                finish: Some(Finish {
                    bias: self.conv.bias.as_ptr().add(panel.co),
                    residual,
                    clamp: self.clamp,
                    columns: panel.columns,
                }),
            };
            if panel.width == panel_width::<V>() {
                tile.run::<V, 2>(x1 - x0);
            } else {
                tile.run::<V, 1>(x1 - x0);
            }
        }
    }
}

/// How a window is walked.
struct Taps {
    /// Rows and columns of taps.
    count: [usize; 2],
    /// Taps that lie one behind the other in memory and are walked as one.
    joined: usize,
}

impl Window {
    /// With all input channels and no gap between pixels, a row of the window is contiguous: one tap per row.
    fn taps(&self, shape: &ConvShape, input: &Layout) -> Taps {
        let [rows, columns] = self.size;
        if shape.groups == 1 && input.pitch == input.c {
            Taps { count: [rows, 1], joined: columns }
        } else {
            Taps { count: [rows, columns], joined: 1 }
        }
    }
}

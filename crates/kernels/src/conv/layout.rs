//! How a picture with a border of zeros lies in memory, and which part of it a window reads.

use crate::element::Element;
use std::ops::Range;

/// The layout of one channels-last picture with a border of zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Height without the border.
    pub h: usize,
    /// Width without the border.
    pub w: usize,
    /// Channels.
    pub c: usize,
    /// Pixels of zeros on every side.
    pub border: usize,
    /// Values from one pixel to the next: at least `c`; those between two pixels are zero, or other maps' that lie in the
    /// same buffer, from a whole word on.
    pub pitch: usize,
}

impl Layout {
    /// Pixels without a gap between them.
    pub fn new(h: usize, w: usize, c: usize, border: usize) -> Self {
        Self { h, w, c, border, pitch: c }
    }

    /// The layout in which kernels read values of `E` fastest. A pixel is a whole number of words; and where pixels
    /// would lie a multiple of 2048 bytes apart, a gap of one cache line keeps neighbours out of the same set of the
    /// level-1 cache.
    pub fn for_kernels<E: Element>(h: usize, w: usize, c: usize, border: usize) -> Self {
        let pitch = c.next_multiple_of(E::PER_WORD);
        let same_set = (pitch * size_of::<E>()).is_multiple_of(2048);
        let gap = if same_set { 64 / size_of::<E>() } else { 0 };
        Self { h, w, c, border, pitch: pitch + gap }
    }

    /// Values in one row, borders included.
    pub fn row_len(&self) -> usize {
        (self.w + 2 * self.border) * self.pitch
    }

    /// Values in the picture, borders included.
    pub fn len(&self) -> usize {
        (self.h + 2 * self.border) * self.row_len()
    }

    /// Whether the picture holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the channels of pixel (`y`, `x`) start.
    pub fn at(&self, y: usize, x: usize) -> usize {
        (y + self.border) * self.row_len() + (x + self.border) * self.pitch
    }

    /// The rows without the upper and lower border: a range of values.
    pub fn rows(&self) -> Range<usize> {
        self.border * self.row_len()..(self.border + self.h) * self.row_len()
    }

    /// Sets the border, and the gaps between pixels, to zero.
    ///
    /// # Panics
    /// If `picture` has another length than the layout.
    pub fn clear_border<E: Element>(&self, picture: &mut [E]) {
        assert_eq!(picture.len(), self.len(), "picture does not fit its layout");
        let (rows, side) = (self.rows(), self.border * self.pitch);
        let zero = E::default();
        picture[..rows.start].fill(zero);
        picture[rows.end..].fill(zero);
        for row in picture[rows].chunks_exact_mut(self.row_len().max(1)) {
            row[..side].fill(zero);
            let end = row.len() - side;
            row[end..].fill(zero);
            if self.pitch > self.c {
                for pixel in row[side..end].chunks_exact_mut(self.pitch) {
                    pixel[self.c..].fill(zero);
                }
            }
        }
    }
}

/// A picture and its layout.
#[derive(Clone, Copy)]
pub struct Picture<'a, E = f32> {
    /// The values, borders included.
    pub data: &'a [E],
    /// How they lie.
    pub layout: Layout,
}

impl<'a, E: Element> Picture<'a, E> {
    /// Some rows as a picture of their own; what lies above and below them takes the place of its border.
    ///
    /// # Panics
    /// If there are no such rows.
    #[must_use]
    pub fn band(self, rows: Range<usize>) -> Picture<'a, E> {
        let (row, border) = (self.layout.row_len(), self.layout.border);
        let data = &self.data[rows.start * row..(rows.end + 2 * border) * row];
        Picture { data, layout: Layout { h: rows.len(), ..self.layout } }
    }
}

/// Whole output rows to be written, side borders included (kernels leave those alone).
pub struct Rows<'a, E = f32> {
    /// How the whole output picture lies.
    pub layout: Layout,
    /// The row, not counting the border, that `data` starts with.
    pub first: usize,
    /// The rows.
    pub data: &'a mut [E],
}

impl<E> Rows<'_, E> {
    /// How many rows there are.
    ///
    /// # Panics
    /// If the values are no number of whole rows, or the rows reach below the picture.
    pub(crate) fn count(&self) -> usize {
        let rows = self.data.len() / self.layout.row_len().max(1);
        assert_eq!(self.data.len(), rows * self.layout.row_len(), "output is no number of whole rows");
        assert!(self.first + rows <= self.layout.h, "rows below the output");
        rows
    }
}

/// Fails unless the residual has the shape of the output.
pub(super) fn check_residual<E: Element>(residual: Option<Picture<'_, E>>, out: Layout) {
    if let Some(r) = residual {
        assert_eq!(r.data.len(), r.layout.len(), "residual does not fit its layout");
        let (a, b) = (r.layout, out);
        assert_eq!((a.h, a.w, a.c), (b.h, b.w, b.c), "residual has another shape");
    }
}

/// A sliding window: its size, its step, and how far it reaches over the upper and left edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub size: [usize; 2],
    /// Step in both directions.
    pub stride: usize,
    /// Reach over the top and the left edge.
    pub pad: [usize; 2],
}

impl Window {
    /// Fails unless every window of `rows` output rows from `first_row` on, `w` wide, lies inside the picture.
    pub(super) fn check<E: Element>(&self, input: Picture<'_, E>, first_row: usize, rows: usize, w: usize) {
        assert_eq!(input.data.len(), input.layout.len(), "picture does not fit its layout");
        let border = input.layout.border;
        assert!(
            self.pad[0] <= border && self.pad[1] <= border,
            "border {border} is narrower than {:?}",
            self.pad
        );
        let reach = |last: usize, axis: usize| last * self.stride + self.size[axis] + border - self.pad[axis];
        if rows > 0 && w > 0 {
            assert!(
                reach(first_row + rows - 1, 0) <= input.layout.h + 2 * border,
                "window below the picture"
            );
            assert!(reach(w - 1, 1) <= input.layout.w + 2 * border, "window right of the picture");
        }
    }
}

/// The range that the results are cut to. `NaN` passes through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clamp {
    /// Smallest value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
}

impl Clamp {
    /// Every value passes.
    pub const NONE: Self = Self { low: f32::NEG_INFINITY, high: f32::INFINITY };
    /// `ReLU`: nothing below zero.
    pub const RELU: Self = Self { low: 0.0, high: f32::INFINITY };
    /// `ReLU6`: between zero and six.
    pub const RELU6: Self = Self { low: 0.0, high: 6.0 };
}

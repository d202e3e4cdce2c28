//! How a picture with a border of zeros lies in memory, and which part of it a window reads.

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
}

impl Layout {
    /// Values in one row, borders included.
    pub fn row_len(&self) -> usize {
        (self.w + 2 * self.border) * self.c
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
        (y + self.border) * self.row_len() + (x + self.border) * self.c
    }

    /// The rows without the upper and lower border: a range of values.
    pub fn rows(&self) -> std::ops::Range<usize> {
        self.border * self.row_len()..(self.border + self.h) * self.row_len()
    }

    /// Sets the border to zero.
    ///
    /// # Panics
    /// If `picture` has another length than the layout.
    pub fn clear_border(&self, picture: &mut [f32]) {
        assert_eq!(picture.len(), self.len(), "picture does not fit its layout");
        if self.border == 0 {
            return;
        }
        let (rows, side) = (self.rows(), self.border * self.c);
        picture[..rows.start].fill(0.0);
        picture[rows.end..].fill(0.0);
        for row in picture[rows].chunks_exact_mut(self.row_len().max(1)) {
            row[..side].fill(0.0);
            let end = row.len() - side;
            row[end..].fill(0.0);
        }
    }
}

/// A picture and its layout.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// The values, borders included.
    pub data: &'a [f32],
    /// How they lie.
    pub layout: Layout,
}

/// Whole output rows to be written, side borders included (kernels leave those alone).
pub struct Rows<'a> {
    /// How the whole output picture lies.
    pub layout: Layout,
    /// The row, not counting the border, that `data` starts with.
    pub first: usize,
    /// The rows.
    pub data: &'a mut [f32],
}

impl Rows<'_> {
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
    pub(super) fn check(&self, input: Picture<'_>, first_row: usize, rows: usize, w: usize) {
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

//! One direction of the resize-and-crop geometry.

/// What happens to one axis of a picture: `source` pixels are resized to `resized`, of which `output` are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) source: usize,
    pub(super) resized: usize,
    pub(super) output: usize,
    /// Resized pixel that becomes output pixel 0; negative where padding comes first.
    offset: isize,
}

/// The outputs that show resized pixels; those before and after are padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// First such output.
    pub(super) output: usize,
    /// The resized pixel it shows.
    pub(super) resized: usize,
    /// How many there are.
    pub(super) len: usize,
}

impl Axis {
    /// Keeps all of the resized axis.
    pub(super) fn whole(source: usize, resized: usize) -> Self {
        Self { source, resized, output: resized, offset: 0 }
    }

    /// Keeps `output` pixels around the centre; an odd rest is split as the original does: half to even for a crop,
    /// the smaller part first for padding.
    pub(super) fn cropped(source: usize, resized: usize, output: usize) -> Self {
        let offset = if resized >= output {
            let half = (resized - output) / 2;
            let odd = (resized - output) % 2;
            (half + (odd & half & 1)) as isize
        } else {
            -(((output - resized) / 2) as isize)
        };
        Self { source, resized, output, offset }
    }

    pub(super) fn window(self) -> Window {
        let output = (-self.offset).max(0) as usize;
        let resized = self.offset.max(0) as usize;
        Window { output, resized, len: (self.output - output).min(self.resized - resized) }
    }

    /// The source pixels `[first, end)` that the output shows, in part or whole; never empty.
    pub(super) fn visible(self) -> [usize; 2] {
        let Window { resized: first, len, .. } = self.window();
        // Source pixel x covers [x, x + 1) * resized / source of the resized axis.
        let start = first * self.source / self.resized;
        let end = ((first + len) * self.source).div_ceil(self.resized);
        [start, end]
    }

    /// Where the centre of source pixel `x` lies in the output, in output pixels from the centre of the first.
    pub(super) fn output_position(self, x: usize) -> f64 {
        (x as f64 + 0.5) * self.resized as f64 / self.source as f64 - 0.5 - self.offset as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_rest_is_split_half_to_even() {
        let first = |resized| Axis::cropped(100, resized, 224).window().resized;
        assert_eq!(first(341), 58); // 58.5
        assert_eq!(first(299), 38); // 37.5
        assert_eq!((first(224), first(225), first(226), first(227)), (0, 0, 1, 2));
    }

    #[test]
    fn padding_puts_the_smaller_part_first() {
        let axis = Axis::cropped(50, 101, 128);
        assert_eq!(axis.window(), Window { output: 13, resized: 0, len: 101 });
        assert_eq!(axis.visible(), [0, 50]);
    }

    #[test]
    fn visible_is_never_empty() {
        // Two pixels become 256, of which the middle ten are kept: both pixels show in part.
        assert_eq!(Axis::cropped(2, 256, 10).visible(), [0, 2]);
        assert_eq!(Axis::cropped(1, 256, 1).visible(), [0, 1]);
        assert_eq!(Axis::cropped(1024, 256, 224).visible(), [64, 960]);
    }

    #[test]
    fn centres_meet() {
        assert_eq!(Axis::cropped(512, 256, 224).output_position(33), 0.25);
        assert_eq!(Axis::whole(10, 10).output_position(4), 4.0);
        assert_eq!(Axis::cropped(100, 100, 128).output_position(0), 14.0);
    }
}

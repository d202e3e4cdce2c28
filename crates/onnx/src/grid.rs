//! Finds the grid of patches in what a layer gives: which axes are height, width and channels, which tokens are no patch.

use crate::channel_axis::ChannelAxis;
use crate::{Layout, OnnxError};

/// Prefix tokens that are not declared are at most so many: class, distillation, registers.
const MOST_PREFIX_TOKENS: usize = 8;

/// A network without padding loses at most so many rows and columns of its grid.
const LOST: f64 = 4.0;

/// What is known of a layer before it has run.
#[derive(Debug, Clone)]
pub(crate) struct Tap {
    pub(crate) layer: String,
    pub(crate) declared: Option<Layout>,
    pub(crate) prefix_tokens: Option<usize>,
    pub(crate) channel_axis: Option<ChannelAxis>,
}

/// How the values of a layer are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) layout: Layout,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Tokens before the first patch.
    pub(crate) prefix: usize,
}

impl Tap {
    /// The grid in a `shape` that one `picture` of `[height, width]` pixels gave.
    pub(crate) fn grid(&self, shape: &[usize], picture: [usize; 2]) -> Result<Grid, OnnxError> {
        let wrong = |problem: String| OnnxError::NotAMap {
            layer: self.layer.clone(),
            shape: shape.to_vec(),
            picture,
            problem,
        };
        if shape.first() != Some(&1) {
            return Err(wrong("the first axis must be the picture's".into()));
        }
        if shape.contains(&0) {
            return Err(wrong("it is empty".into()));
        }
        match (shape, self.declared) {
            (&[_, a, b, c], None) => match self.four_axes([a, b, c], picture) {
                Ok(layout) => Ok(Grid::of(layout, [a, b, c])),
                Err(Some(readings)) => Err(OnnxError::AmbiguousLayout {
                    layer: self.layer.clone(),
                    shape: shape.to_vec(),
                    picture,
                    readings,
                }),
                Err(None) => Err(wrong(
                    "no two axes have the picture's aspect: declare its layout, nchw or nhwc".into(),
                )),
            },
            (&[_, a, b, c], Some(layout @ (Layout::Nchw | Layout::Nhwc))) => Ok(Grid::of(layout, [a, b, c])),
            (&[_, tokens, channels], None | Some(Layout::Tokens)) => {
                if self.declared.is_none() {
                    self.may_be_tokens(channels, picture).map_err(|problem| wrong(problem.into()))?;
                }
                let (height, width, prefix) = self.patches(tokens, picture).map_err(wrong)?;
                Ok(Grid { layout: Layout::Tokens, height, width, channels, prefix })
            }
            (_, None) => Err(wrong("a map has three axes, for tokens, or four".into())),
            (_, Some(layout)) => Err(wrong(format!("that is not {layout}, as declared"))),
        }
    }

    /// The layout of `[1, a, b, c]`; else two that it may be, or none.
    fn four_axes(&self, [a, b, c]: [usize; 3], picture: [usize; 2]) -> Result<Layout, Option<[Layout; 2]>> {
        match self.channel_axis {
            Some(ChannelAxis::Second) => return Ok(Layout::Nchw),
            Some(ChannelAxis::Last) => return Ok(Layout::Nhwc),
            None => {}
        }
        match (has_aspect([b, c], picture), has_aspect([a, b], picture)) {
            (true, true) => Err(Some([Layout::Nchw, Layout::Nhwc])),
            (true, false) => Ok(Layout::Nchw),
            (false, true) => Ok(Layout::Nhwc),
            (false, false) => Err(None),
        }
    }

    /// Whether the last of three axes can only be the channels.
    fn may_be_tokens(&self, last: usize, picture: [usize; 2]) -> Result<(), &'static str> {
        match self.channel_axis {
            Some(ChannelAxis::Last) => Ok(()),
            Some(ChannelAxis::Second) => Err("its second axis holds channels, its third would have to"),
            None if token_grids(last, self.prefix_tokens, picture).is_empty() => Ok(()),
            None => Err("its last axis may hold the tokens, too: declare the layout tokens if it does not"),
        }
    }

    /// Height and width of the grid, and the number of tokens before it.
    fn patches(&self, tokens: usize, picture: [usize; 2]) -> Result<(usize, usize, usize), String> {
        let grids = token_grids(tokens, self.prefix_tokens, picture);
        match (grids.as_slice(), self.prefix_tokens) {
            (&[grid], _) => Ok(grid),
            (&[(h, w, prefix), (h2, w2, prefix2), ..], _) => Err(format!(
                "{tokens} tokens are a grid of {h} x {w} after {prefix}, or of {h2} x {w2} after {prefix2}: declare the \
                 number of prefix tokens"
            )),
            (&[], None) => Err(format!(
                "no patch size makes {tokens} tokens with at most {MOST_PREFIX_TOKENS} before them: declare the number \
                 of prefix tokens"
            )),
            (&[], Some(prefix)) => {
                Err(format!("no patch size makes {tokens} tokens with {prefix} before them"))
            }
        }
    }
}

impl Grid {
    fn of(layout: Layout, [a, b, c]: [usize; 3]) -> Self {
        let [height, width, channels] = if layout == Layout::Nchw { [b, c, a] } else { [a, b, c] };
        Self { layout, height, width, channels, prefix: 0 }
    }

    /// Writes the `values` of the layer as `[h, w, c]`.
    pub(crate) fn copy(&self, values: &[f32], to: &mut [f32]) {
        let skipped = self.prefix * self.channels;
        if self.layout != Layout::Nchw {
            return to.copy_from_slice(&values[skipped..]);
        }
        let pixels = self.height * self.width;
        for (channel, plane) in values.chunks_exact(pixels).enumerate() {
            for (value, pixel) in plane.iter().zip(to.chunks_exact_mut(self.channels)) {
                pixel[channel] = *value;
            }
        }
    }
}

/// Whether one cell size, the same in both directions, makes this grid of the picture, give or take what is [`LOST`].
fn has_aspect(grid: [usize; 2], picture: [usize; 2]) -> bool {
    let cells = |i: usize, lost: f64| (grid[i] as f64 + lost) / picture[i] as f64;
    (0..2).all(|i| grid[i] <= picture[i])
        && cells(0, -LOST).max(cells(1, -LOST)) <= cells(0, LOST).min(cells(1, LOST))
}

/// All grids `(height, width, prefix)` of square patches of whole pixels that make so many tokens.
fn token_grids(tokens: usize, prefix: Option<usize>, [h, w]: [usize; 2]) -> Vec<(usize, usize, usize)> {
    let mut grids: Vec<_> = (1..=h.min(w))
        .map(|patch| (h / patch, w / patch))
        .filter_map(|(rows, columns)| Some((rows, columns, tokens.checked_sub(rows * columns)?)))
        .filter(|&(.., before)| prefix.map_or(before <= MOST_PREFIX_TOKENS, |p| p == before))
        .collect();
    grids.dedup();
    grids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tap(declared: Option<Layout>, prefix_tokens: Option<usize>, channel_axis: Option<ChannelAxis>) -> Tap {
        Tap { layer: "x".into(), declared, prefix_tokens, channel_axis }
    }

    fn found(shape: &[usize], picture: [usize; 2]) -> Result<Grid, String> {
        tap(None, None, None).grid(shape, picture).map_err(|e| e.to_string())
    }

    #[test]
    fn four_axes_are_told_apart_by_the_aspect() {
        assert_eq!(found(&[1, 28, 28, 48], [224, 224]).unwrap(), Grid::of(Layout::Nhwc, [28, 28, 48]));
        assert_eq!(found(&[1, 384, 25, 25], [224, 224]).unwrap(), Grid::of(Layout::Nchw, [384, 25, 25]));
        // Without padding, 320 x 240 gives 37 x 27.
        assert_eq!(found(&[1, 384, 37, 27], [320, 240]).unwrap(), Grid::of(Layout::Nchw, [384, 37, 27]));
        assert_eq!(found(&[1, 20, 15, 96], [320, 240]).unwrap(), Grid::of(Layout::Nhwc, [20, 15, 96]));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_asked_for() {
        for shape in [[1, 28, 28, 28], [1, 14, 14, 16], [1, 4, 4, 6]] {
            let error = tap(None, None, None).grid(&shape, [224, 224]).unwrap_err();
            assert!(matches!(error, OnnxError::AmbiguousLayout { .. }), "{error}");
            let declared = tap(Some(Layout::Nchw), None, None).grid(&shape, [224, 224]).unwrap();
            assert_eq!((declared.height, declared.channels), (shape[2], shape[1]));
            let known = tap(None, None, Some(ChannelAxis::Last)).grid(&shape, [224, 224]).unwrap();
            assert_eq!((known.height, known.channels), (shape[1], shape[3]));
        }
        assert!(found(&[1, 10, 50, 100], [224, 224]).unwrap_err().contains("declare its layout"));
        assert!(found(&[1, 64, 28, 28], [16, 16]).is_err(), "more cells than pixels");
    }

    #[test]
    fn tokens_become_the_grid_of_the_patch_size() {
        let grid = |shape: &[usize], picture| {
            found(shape, picture).map(|g| (g.layout, g.height, g.width, g.channels, g.prefix))
        };
        let tokens = Layout::Tokens;
        assert_eq!(grid(&[1, 197, 96], [224, 224]), Ok((tokens, 14, 14, 96, 1)));
        assert_eq!(grid(&[1, 198, 768], [224, 224]), Ok((tokens, 14, 14, 768, 2)));
        assert_eq!(grid(&[1, 301, 384], [320, 240]), Ok((tokens, 20, 15, 384, 1)));
        assert_eq!(grid(&[1, 301, 384], [240, 320]), Ok((tokens, 15, 20, 384, 1)));
        assert_eq!(
            grid(&[1, 261, 768], [224, 224]),
            Ok((tokens, 16, 16, 768, 5)),
            "registers, patches of 14"
        );
        assert_eq!(grid(&[1, 50, 768], [224, 224]), Ok((tokens, 7, 7, 768, 1)));
        assert_eq!(grid(&[1, 3136, 96], [224, 224]), Ok((tokens, 56, 56, 96, 0)));
        assert!(grid(&[1, 180, 96], [224, 224]).unwrap_err().contains("no patch size makes 180 tokens"));
        // 4 x 4 and one, or 3 x 3 and eight.
        assert!(grid(&[1, 17, 96], [224, 224]).unwrap_err().contains("declare the number of prefix tokens"));
        let declared = tap(None, Some(1), None).grid(&[1, 17, 96], [224, 224]).unwrap();
        assert_eq!((declared.height, declared.width, declared.prefix), (4, 4, 1));
        assert!(tap(None, Some(2), None).grid(&[1, 197, 96], [224, 224]).is_err());
        assert_eq!(tap(None, Some(16), None).grid(&[1, 212, 96], [224, 224]).unwrap().prefix, 16);
    }

    #[test]
    fn an_axis_that_may_hold_tokens_as_well_is_asked_for() {
        // 1024 is 32 x 32.
        let shape = [1, 197, 1024];
        assert!(found(&shape, [224, 224]).unwrap_err().contains("declare the layout tokens"));
        for sure in [tap(Some(Layout::Tokens), None, None), tap(None, None, Some(ChannelAxis::Last))] {
            assert_eq!(sure.grid(&shape, [224, 224]).unwrap().channels, 1024);
        }
        let second = tap(None, None, Some(ChannelAxis::Second));
        assert!(second.grid(&[1, 197, 96], [224, 224]).is_err());
    }

    #[test]
    fn other_shapes_are_no_maps() {
        for shape in [&[2, 64, 28, 28][..], &[1, 64], &[], &[1, 0, 28, 28], &[1, 2, 3, 4, 5]] {
            let error = tap(None, None, None).grid(shape, [224, 224]).unwrap_err();
            assert!(matches!(error, OnnxError::NotAMap { .. }), "{error}");
        }
        for (layout, shape) in [(Layout::Tokens, &[1, 64, 28, 28][..]), (Layout::Nhwc, &[1, 197, 96])] {
            assert!(tap(Some(layout), None, None).grid(shape, [224, 224]).is_err());
        }
    }

    #[test]
    fn copies_put_channels_last() {
        let values: Vec<f32> = (0..12).map(|v| v as f32).collect();
        let mut to = [0.0; 12];
        Grid { layout: Layout::Nchw, height: 2, width: 3, channels: 2, prefix: 0 }.copy(&values, &mut to);
        assert_eq!(to[..4], [0.0, 6.0, 1.0, 7.0]);
        let mut to = [0.0; 8];
        Grid { layout: Layout::Tokens, height: 2, width: 2, channels: 2, prefix: 2 }.copy(&values, &mut to);
        assert_eq!(to[..4], [4.0, 5.0, 6.0, 7.0]);
    }
}

//! Where every value of a plan lies: in which buffer, in which layout.

use crate::compile::{Kind, Plan};
use crate::graph::Padding;
use patchcore_kernels::conv::Layout;
use patchcore_kernels::element::Element;

/// The layer whose window does not fit into its input.
pub(crate) struct TooSmall(pub(crate) String);

/// Where a value lies: in the buffer of the value `home`, from `channel` on. Most values have a buffer of their own; what
/// is concatenated is written side by side into one.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Place {
    pub(crate) home: usize,
    pub(crate) channel: usize,
}

/// Where each value lies for one size of input, and the windows that read it.
pub(crate) struct Layouts {
    pub(crate) values: Vec<Layout>,
    /// Upper and left padding of each step.
    pub(crate) pads: Vec<[usize; 2]>,
}

/// Puts what is concatenated into the buffer of the last concatenation: for every value, its place. A value that two
/// concatenations read, or whose words would straddle its neighbour's, or whose step reads the same buffer, keeps a buffer
/// of its own and is copied.
pub(crate) fn places<E: Element>(plan: &Plan<E>) -> Vec<Place> {
    let steps = &plan.steps;
    let own = |home| Place { home, channel: 0 };
    let mut concats = vec![0; steps.len() + 1];
    for step in steps.iter().filter(|s| matches!(s.kind, Kind::Concat)) {
        step.sources().for_each(|value| concats[value] += 1);
    }
    let mut places: Vec<Place> = (0..=steps.len()).map(own).collect();
    for (i, step) in steps.iter().enumerate().rev().filter(|(_, s)| matches!(s.kind, Kind::Concat)) {
        let Place { home, mut channel } = places[i + 1];
        for value in step.sources() {
            let channels = plan.channels_of(value);
            let whole_words = channel.is_multiple_of(E::PER_WORD) && channels.is_multiple_of(E::PER_WORD);
            if value > 0 && concats[value] == 1 && whole_words {
                places[value] = Place { home, channel };
            }
            channel += channels;
        }
    }
    for (i, step) in steps.iter().enumerate().filter(|(_, s)| !matches!(s.kind, Kind::Concat)) {
        if step.sources().any(|value| places[value].home == places[i + 1].home) {
            places[i + 1] = own(i + 1);
        }
    }
    places
}

/// The layouts of all values for a picture of this height and width.
pub(crate) fn lay_out<E: Element>(
    plan: &Plan<E>,
    places: &[Place],
    h: usize,
    w: usize,
) -> Result<Layouts, TooSmall> {
    let mut values = vec![Layout::for_kernels::<E>(h, w, plan.channels, 0)];
    let mut pads = Vec::with_capacity(plan.steps.len());
    // The border that the readers of a buffer need.
    let mut borders = vec![0; plan.steps.len() + 1];
    for step in &plan.steps {
        let from = values[step.input];
        let (size, stride) = step.kind.window();
        let (padding, needs_border) = match &step.kind {
            Kind::Conv(_, padding) | Kind::Winograd(_, padding) | Kind::Depthwise(_, padding) => {
                (*padding, true)
            }
            Kind::Pool(pool) => (Padding::Symmetric(pool.pad), false),
            Kind::GlobalMean | Kind::Gate | Kind::Concat | Kind::Pointwise => (Padding::Symmetric(0), false),
        };
        let too_small = || TooSmall(step.name.clone());
        let (mut oh, top, bottom) = reach(from.h, size[0], stride, padding).ok_or_else(too_small)?;
        let (mut ow, left, right) = reach(from.w, size[1], stride, padding).ok_or_else(too_small)?;
        if matches!(step.kind, Kind::GlobalMean) {
            (oh, ow) = (1, 1);
        }
        if needs_border {
            let border = &mut borders[places[step.input].home];
            *border = top.max(bottom).max(left).max(right).max(*border);
        }
        pads.push([top, left]);
        values.push(Layout::for_kernels::<E>(oh, ow, step.channels, 0));
    }
    for value in 0..values.len() {
        let home = places[value].home;
        values[value].pitch = values[home].pitch;
        values[value].border = borders[home];
    }
    Ok(Layouts { values, pads })
}

/// Output length, and how far the windows reach over the start and the end of an axis; `None` if no window fits.
fn reach(len: usize, size: usize, stride: usize, padding: Padding) -> Option<(usize, usize, usize)> {
    let (out, before) = match padding {
        Padding::Symmetric(pad) => ((len + 2 * pad).checked_sub(size)? / stride + 1, pad),
        Padding::Centred => return reach(len, size, stride, Padding::Symmetric(size / 2)),
        Padding::Same => {
            let out = len.div_ceil(stride);
            let total = ((out.checked_sub(1)?) * stride + size).saturating_sub(len);
            (out, total / 2)
        }
    };
    let end = (out - 1) * stride + size;
    (len > 0).then_some((out, before, end.saturating_sub(len + before)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Precision;
    use crate::compile::compile;
    use crate::graph::{Graph, Layer, Op};
    use crate::weights::{WeightTensor, Weights};
    use patchcore_kernels::isa::Isa;

    /// Nothing is copied inside a block of `DenseNet`.
    #[test]
    fn dense_layers_write_into_one_buffer() {
        let (mut g, input) = Graph::new(3);
        let mut x = g.conv("stem", input, 8, 1, 1, Padding::Symmetric(0));
        for i in 0..3 {
            let new = g.conv(format!("a{i}"), x, 4, 1, 1, Padding::Symmetric(0));
            let new = g.conv(format!("b{i}"), new, 4, 3, 1, Padding::Symmetric(1));
            x = g.concat(x, new);
        }
        let weights = |layer: &Layer| match layer.op {
            Op::Conv { shape, .. } => Some((format!("{}.weight", layer.names[0]), shape)),
            _ => None,
        };
        let mut all = Weights::default();
        for (key, shape) in g.layers().iter().filter_map(weights) {
            let dims = vec![shape.co, shape.ci, shape.size[0], shape.size[1]];
            all.insert(key, WeightTensor { values: vec![0.5; shape.weights()], shape: dims });
        }
        let (plan, _) = compile::<f32>(&g, &[x], &all, Isa::best(), Precision::F32).unwrap();
        let last = plan.steps.len();
        let places = places(&plan);
        // Stem, then per layer two convolutions and the concatenation.
        for (value, channel) in [(1, 0), (3, 8), (4, 0), (6, 12), (7, 0), (9, 16), (10, 0)] {
            assert!(places[value] == Place { home: last, channel }, "value {value}");
        }
    }

    #[test]
    fn reach_of_both_paddings() {
        assert_eq!(reach(224, 7, 2, Padding::Symmetric(3)), Some((112, 3, 2)));
        assert_eq!(reach(224, 3, 2, Padding::Same), Some((112, 0, 1)));
        assert_eq!(reach(209, 3, 2, Padding::Same), Some((105, 1, 1)));
        assert_eq!(reach(28, 5, 1, Padding::Same), Some((28, 2, 2)));
        assert_eq!(reach(12, 7, 1, Padding::Centred), Some((12, 3, 3)));
        assert_eq!(reach(2, 5, 1, Padding::Symmetric(1)), None);
        assert_eq!(reach(0, 3, 2, Padding::Same), None);
    }
}

//! Runs a plan: lays out every map for the size of the input, then step by step.
//!
//! While there are enough pictures, every thread runs the whole plan on a picture of its own: its maps stay in its own
//! caches and nobody waits. What is left over is computed picture by picture, each step spread over the threads. A
//! picture's bits are the same either way.

use crate::compile::{Kind, Plan, Step};
use crate::graph::Padding;
use patchcore_kernels::buffer::Buffer;
use patchcore_kernels::conv::{Clamp, Conv, Layout, Picture, Rows, Window, WinogradConv};
use patchcore_kernels::element::Element;
use patchcore_kernels::pool::max_rows;
use patchcore_tensor::Tensor;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Input rows that one task keeps close, in bytes; about half of a level-2 cache.
const CLOSE: usize = 160 << 10;
/// Weights above this size are walked once per task, so a task gets as many rows as the threads leave it.
const HEAVY: usize = 1200 << 10;
/// Scratch memory of one band of Winograd's tiles, in bytes: with the weights of a point it stays in a level-2 cache.
const BAND: usize = 512 << 10;

/// The layer whose window does not fit into its input.
pub(crate) struct TooSmall(pub(crate) String);

/// A plan that is ready to run, with the memory of earlier runs.
pub(crate) struct Executor<E: Element> {
    plan: Plan<E>,
    /// For every value the last step that reads it; a value that nobody reads is free after it was made.
    last_reader: Vec<usize>,
    maps: Shelf<E>,
    products: Shelf<f32>,
}

/// Buffers of earlier steps and runs, to be used again.
#[derive(Default)]
struct Shelf<E: Element>(Mutex<Vec<Buffer<E>>>);

impl<E: Element> Shelf<E> {
    /// The smallest buffer that is large enough, or a new one; its values are unspecified.
    fn take(&self, len: usize) -> Buffer<E> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting =
            free.iter().enumerate().filter(|(_, b)| b.capacity() >= len).min_by_key(|(_, b)| b.capacity());
        let mut buffer = match fitting.map(|(i, _)| i) {
            Some(i) => free.swap_remove(i),
            None => Buffer::zeros(0),
        };
        buffer.resize(len);
        buffer
    }

    fn give(&self, buffer: Buffer<E>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// Where each value lies for one size of input, and the windows that read it.
struct Layouts {
    values: Vec<Layout>,
    /// Upper and left padding of each step.
    pads: Vec<[usize; 2]>,
}

/// One picture, and where its tapped maps go.
type Task<'a> = (&'a [f32], Vec<&'a mut [f32]>);

impl<E: Element> Executor<E> {
    pub(crate) fn new(plan: Plan<E>) -> Self {
        let mut last_reader: Vec<usize> =
            (0..=plan.steps.len()).map(|value| value.saturating_sub(1)).collect();
        for (i, step) in plan.steps.iter().enumerate() {
            for value in std::iter::once(step.input).chain(step.residual) {
                last_reader[value] = i;
            }
        }
        Self { plan, last_reader, maps: Shelf::default(), products: Shelf::default() }
    }

    /// Channels of the input.
    pub(crate) fn channels(&self) -> usize {
        self.plan.channels
    }

    /// Multiply-adds of all convolutions on one picture, as they are defined: windows at the edge count in full.
    pub(crate) fn multiply_adds(&self, h: usize, w: usize) -> Result<u64, TooSmall> {
        let values = lay_out(&self.plan, h, w)?.values;
        let of_step = |(step, out): (&Step<Kind<E>>, &Layout)| {
            let ([height, width], _) = step.kind.window();
            let channels = match &step.kind {
                Kind::Conv(conv, _) => conv.shape().ci / conv.shape().groups,
                Kind::Winograd(..) => values[step.input].c,
                Kind::Depthwise(..) => 1,
                Kind::MaxPool { .. } | Kind::Pointwise => 0,
            };
            (out.h * out.w * out.c * height * width * channels) as u64
        };
        Ok(self.plan.steps.iter().zip(&values[1..]).map(of_step).sum())
    }

    /// The tapped maps for a batch of pictures, in the memory of earlier ones.
    pub(crate) fn run(&self, pictures: &Tensor, tapped: &mut Vec<Tensor>) -> Result<(), TooSmall> {
        let [n, h, w, c] = pictures.shape();
        let layouts = lay_out(&self.plan, h, w)?;
        let shape = |&tap: &usize| layouts.values[tap];
        tapped.resize_with(self.plan.taps.len(), Tensor::default);
        for (map, l) in tapped.iter_mut().zip(self.plan.taps.iter().map(shape)) {
            map.reset([n, l.h, l.w, l.c]);
        }
        let mut maps: Vec<_> = tapped
            .iter_mut()
            .zip(&self.plan.taps)
            .map(|(map, tap)| {
                let l = shape(tap);
                map.data_mut().chunks_exact_mut((l.h * l.w * l.c).max(1))
            })
            .collect();
        let mut tasks: Vec<Task<'_>> = pictures
            .data()
            .chunks_exact((h * w * c).max(1))
            .map(|picture| (picture, maps.iter_mut().filter_map(Iterator::next).collect()))
            .collect();
        let threads = rayon::current_num_threads();
        let alone = if threads > 1 { tasks.len() / threads * threads } else { 0 };
        let (alone, shared) = tasks.split_at_mut(alone);
        for round in alone.chunks_mut(threads) {
            round.par_iter_mut().for_each(|task| self.forward(&layouts, task, false));
        }
        for task in shared {
            self.forward(&layouts, task, threads > 1);
        }
        Ok(())
    }

    /// The whole plan on one picture; `parallel` spreads every step over the threads.
    fn forward(&self, layouts: &Layouts, (picture, maps): &mut Task<'_>, parallel: bool) {
        let mut values: Vec<Option<Buffer<E>>> = (0..=self.plan.steps.len()).map(|_| None).collect();
        let mut input = self.maps.take(layouts.values[0].len());
        bordered(picture, layouts.values[0], &mut input);
        values[0] = Some(input);
        let mut first = 0;
        while first < self.plan.steps.len() {
            let end = self.fused_end(layouts, first);
            let layout = layouts.values[end];
            let mut out = self.maps.take(layout.len());
            layout.clear_border(&mut out);
            {
                let source = |value: usize| Picture {
                    data: values[value].as_deref().unwrap_or(&[]),
                    layout: layouts.values[value],
                };
                let step = &self.plan.steps[end - 1];
                let (input, residual) = (source(self.plan.steps[first].input), step.residual.map(source));
                let out = &mut out[layout.rows()];
                if end == first + 1 {
                    self.step(step, layouts.pads[first], input, residual, layout, out, parallel);
                } else {
                    self.inverted(layouts, first..end, input, residual, out, parallel);
                }
            }
            for (map, _) in maps.iter_mut().zip(&self.plan.taps).filter(|(_, tap)| **tap == end) {
                unbordered(&out, layout, map);
            }
            values[end] = Some(out);
            for (value, &last) in values.iter_mut().zip(&self.last_reader).take(end + 1) {
                if last < end
                    && let Some(buffer) = value.take()
                {
                    self.maps.give(buffer);
                }
            }
            first = end;
        }
    }

    /// Where the steps end that run together with `first`: a convolution whose large map only a depthwise convolution
    /// reads, which may be followed by a 1x1 convolution (an inverted residual).
    fn fused_end(&self, layouts: &Layouts, first: usize) -> usize {
        let steps = &self.plan.steps;
        // Whether the map after step `i` is read by the next step alone.
        let private = |i: usize| {
            let readers = steps.iter().filter(|s| s.input == i + 1 || s.residual == Some(i + 1)).count();
            readers == 1
                && steps.get(i + 1).is_some_and(|s| s.input == i + 1)
                && !self.plan.taps.contains(&(i + 1))
        };
        let large = layouts.values[first + 1].len() * size_of::<E>() > BAND / 2;
        let expands = matches!(steps[first].kind, Kind::Conv(..)) && steps[first].residual.is_none();
        if !(large && expands && private(first) && matches!(steps[first + 1].kind, Kind::Depthwise(..))) {
            return first + 1;
        }
        let projects = private(first + 1)
            && layouts.values[first + 2].border == 0
            && matches!(&steps[first + 2].kind, Kind::Conv(conv, _) if conv.shape().size == [1, 1] && conv.shape().stride == 1);
        first + 2 + usize::from(projects)
    }

    /// Runs the steps that [`fused_end`](Self::fused_end) found, a few rows at a time: the large maps between them never
    /// exist as a whole, only the rows that the next window needs, and these stay in the cache.
    fn inverted(
        &self,
        layouts: &Layouts,
        steps: Range<usize>,
        input: Picture<'_, E>,
        residual: Option<Picture<'_, E>>,
        out: &mut [E],
        parallel: bool,
    ) {
        let (wide, deep, last) =
            (layouts.values[steps.start + 1], layouts.values[steps.start + 2], layouts.values[steps.end]);
        let [expand, depthwise] = [&self.plan.steps[steps.start], &self.plan.steps[steps.start + 1]];
        let project = (steps.len() == 3).then(|| &self.plan.steps[steps.start + 2]);
        let ([size, _], stride) = depthwise.kind.window();
        let [top, left] = layouts.pads[steps.start + 1];
        let wide_row = wide.row_len();
        let band = (BAND / 2 / (wide_row * stride * size_of::<E>())).max(1);
        let rows_per_task = fair_rows(last.h, parallel);
        chunks(parallel, out, rows_per_task * last.row_len(), |task, out| {
            // Rows of the wide map from the uppermost that the window needs; beside and beyond the picture it is zero.
            let mut window = self.maps.take(((band - 1) * stride + size) * wide_row);
            window.fill(E::default());
            let mut middle = self.maps.take(band * deep.row_len());
            middle.fill(E::default());
            let mut have = 0;
            for (number, out) in out.chunks_mut(band * last.row_len()).enumerate() {
                let (row, rows) = (task * rows_per_task + number * band, out.len() / last.row_len());
                let need = (rows - 1) * stride + size;
                // Window row `i` is row `row * stride + i - top` of the wide map.
                let inside = |i: usize| (row * stride + i).saturating_sub(top).min(wide.h);
                let above = top.saturating_sub(row * stride).clamp(have, need);
                let below = (above + inside(need) - inside(above)).clamp(above, need);
                window[have * wide_row..above * wide_row].fill(E::default());
                window[below * wide_row..need * wide_row].fill(E::default());
                if above < below {
                    let data = &mut window[above * wide_row..below * wide_row];
                    let rows = Rows { layout: wide, first: inside(above), data };
                    self.rows(expand, layouts.pads[steps.start], input, None, rows);
                }
                let seen = Layout { h: need - 2 * wide.border, ..wide };
                let seen = Picture { data: &window[..need * wide_row], layout: seen };
                let (pad, layout) = ([wide.border, left], Layout { h: rows, ..deep });
                let out_layout = Layout { h: rows, ..last };
                if let Some(project) = project {
                    let data = &mut middle[..layout.len()];
                    self.rows(depthwise, pad, seen, None, Rows { layout, first: 0, data });
                    let middle = Picture { data: &middle[..layout.len()], layout };
                    let residual = residual.map(|r| r.band(row..row + rows));
                    let rows = Rows { layout: out_layout, first: 0, data: out };
                    self.rows(project, [0, 0], middle, residual, rows);
                } else {
                    self.rows(depthwise, pad, seen, None, Rows { layout: out_layout, first: 0, data: out });
                }
                let done = rows * stride;
                have = need.saturating_sub(done);
                if have > 0 {
                    window.copy_within(done * wide_row..need * wide_row, 0);
                }
            }
            self.maps.give(window);
            self.maps.give(middle);
        });
    }

    #[expect(clippy::too_many_arguments, reason = "called once; all of it is what a step is")]
    fn step(
        &self,
        step: &Step<Kind<E>>,
        pad: [usize; 2],
        input: Picture<'_, E>,
        residual: Option<Picture<'_, E>>,
        layout: Layout,
        out: &mut [E],
        parallel: bool,
    ) {
        if let Kind::Winograd(conv, _) = &step.kind {
            return self.winograd(conv, pad, input, residual, step.clamp, layout, out, parallel);
        }
        let rows = match &step.kind {
            Kind::Conv(conv, _) => rows_per_task(conv, input.layout, layout, parallel),
            _ => fair_rows(layout.h, parallel),
        };
        chunks(parallel, out, rows * layout.row_len(), |task, data| {
            self.rows(step, pad, input, residual, Rows { layout, first: task * rows, data });
        });
    }

    /// Some rows of a step that is computed row by row.
    fn rows(
        &self,
        step: &Step<Kind<E>>,
        pad: [usize; 2],
        input: Picture<'_, E>,
        residual: Option<Picture<'_, E>>,
        rows: Rows<'_, E>,
    ) {
        match &step.kind {
            Kind::Conv(conv, _) => conv.rows(input, pad, residual, step.clamp, rows),
            Kind::Winograd(..) => unreachable!("computed in bands of tiles"),
            Kind::Depthwise(conv, _) => conv.rows(input, pad, step.clamp, rows),
            Kind::MaxPool { size, stride, .. } => {
                let window = Window { size: [*size; 2], stride: *stride, pad };
                max_rows(self.plan.isa, input, window, rows);
            }
            Kind::Pointwise => pointwise(input, residual, step.clamp, rows),
        }
    }

    /// Band by band of tile rows. With light weights every thread has bands of its own; heavy ones are walked once for
    /// all tiles of a band, and the threads share each phase.
    #[expect(clippy::too_many_arguments, reason = "called once; all of it is what a step is")]
    fn winograd(
        &self,
        conv: &WinogradConv<E>,
        pad: [usize; 2],
        input: Picture<'_, E>,
        residual: Option<Picture<'_, E>>,
        clamp: Clamp,
        layout: Layout,
        out: &mut [E],
        parallel: bool,
    ) {
        let tiling = conv.tiling(layout);
        let row_bytes = tiling.columns * tiling.window_len * size_of::<E>()
            + tiling.points * tiling.products_len(tiling.columns) * size_of::<f32>();
        let shared = parallel && conv.bytes() > HEAVY;
        let band = if conv.bytes() > HEAVY { 8 * BAND } else { BAND };
        let most = (band / row_bytes).clamp(1, fair_rows(tiling.rows, parallel && !shared));
        // Bands of nearly equal height.
        let tile_rows = tiling.rows.div_ceil(tiling.rows.div_ceil(most));
        chunks(parallel && !shared, out, tile_rows * tiling.side * layout.row_len(), |number, data| {
            let first = number * tile_rows;
            let tile_rows = (data.len() / layout.row_len()).div_ceil(tiling.side);
            let row_len = tiling.columns * tiling.window_len;
            let mut windows = self.maps.take(tile_rows * row_len);
            let rows = if shared { 1 } else { tile_rows };
            chunks(shared, &mut windows, rows * row_len, |i, windows| {
                conv.transform_input(input, pad, layout, first + i * rows, windows);
            });
            let point_len = tiling.products_len(tile_rows * tiling.columns);
            let mut products = self.products.take(tiling.points * point_len);
            let points = if shared { 1 } else { tiling.points };
            chunks(shared, &mut products, points * point_len, |i, products| {
                conv.multiply(layout, &windows, i * points, products);
            });
            let rows = rows * tiling.side;
            chunks(shared, data, rows * layout.row_len(), |i, data| {
                let rows = Rows { layout, first: first * tiling.side + i * rows, data };
                conv.transform_output(&products, first, residual, clamp, rows);
            });
            self.maps.give(windows);
            self.products.give(products);
        });
    }
}

/// Calls `f` with every chunk and its number, on all threads or in order.
fn chunks<T: Send>(parallel: bool, data: &mut [T], len: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if parallel {
        data.par_chunks_mut(len.max(1)).enumerate().for_each(|(i, chunk)| f(i, chunk));
    } else {
        data.chunks_mut(len.max(1)).enumerate().for_each(|(i, chunk)| f(i, chunk));
    }
}

/// Rows of a task, when each thread gets one.
fn fair_rows(rows: usize, parallel: bool) -> usize {
    if parallel { rows.div_ceil(rayon::current_num_threads()).max(1) } else { rows }
}

/// How many output rows of a convolution make one task. Any number gives the same bits.
fn rows_per_task<E: Element>(conv: &Conv<E>, input: Layout, out: Layout, parallel: bool) -> usize {
    let fair = fair_rows(out.h, parallel);
    if conv.bytes() > HEAVY {
        return fair;
    }
    let close = CLOSE / (input.row_len() * conv.shape().stride * size_of::<E>()).max(1);
    close.clamp(1, fair)
}

fn lay_out<E: Element>(plan: &Plan<E>, h: usize, w: usize) -> Result<Layouts, TooSmall> {
    let mut values = vec![Layout::for_kernels::<E>(h, w, plan.channels, 0)];
    let mut pads = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let from = values[step.input];
        let (size, stride) = step.kind.window();
        let (padding, needs_border) = match &step.kind {
            Kind::Conv(_, padding) | Kind::Winograd(_, padding) | Kind::Depthwise(_, padding) => {
                (*padding, true)
            }
            Kind::MaxPool { pad, .. } => (Padding::Symmetric(*pad), false),
            Kind::Pointwise => (Padding::Symmetric(0), false),
        };
        let too_small = || TooSmall(step.name.clone());
        let (oh, top, bottom) = reach(from.h, size[0], stride, padding).ok_or_else(too_small)?;
        let (ow, left, right) = reach(from.w, size[1], stride, padding).ok_or_else(too_small)?;
        if needs_border {
            let border = top.max(bottom).max(left).max(right);
            values[step.input].border = values[step.input].border.max(border);
        }
        pads.push([top, left]);
        values.push(Layout::for_kernels::<E>(oh, ow, step.channels, 0));
    }
    Ok(Layouts { values, pads })
}

/// Output length, and how far the windows reach over the start and the end of an axis; `None` if no window fits.
fn reach(len: usize, size: usize, stride: usize, padding: Padding) -> Option<(usize, usize, usize)> {
    let (out, before) = match padding {
        Padding::Symmetric(pad) => ((len + 2 * pad).checked_sub(size)? / stride + 1, pad),
        Padding::Same => {
            let out = len.div_ceil(stride);
            let total = ((out.checked_sub(1)?) * stride + size).saturating_sub(len);
            (out, total / 2)
        }
    };
    let end = (out - 1) * stride + size;
    (len > 0).then_some((out, before, end.saturating_sub(len + before)))
}

/// Sum and clamp of two maps.
fn pointwise<E: Element>(
    input: Picture<'_, E>,
    residual: Option<Picture<'_, E>>,
    clamp: Clamp,
    rows: Rows<'_, E>,
) {
    let Rows { layout, first, data } = rows;
    for (row, out) in data.chunks_exact_mut(layout.row_len().max(1)).enumerate() {
        for x in 0..layout.w {
            let at = |picture: Picture<'_, E>, c: usize| {
                picture.data[picture.layout.at(first + row, x) + c].to_f32()
            };
            let pixel = &mut out[(layout.border + x) * layout.pitch..][..layout.c];
            for (c, v) in pixel.iter_mut().enumerate() {
                let sum = at(input, c) + residual.map_or(0.0, |r| at(r, c));
                // Comparisons, not `max`, so that NaN passes through.
                let clamped = if sum < clamp.low {
                    clamp.low
                } else if sum > clamp.high {
                    clamp.high
                } else {
                    sum
                };
                *v = E::from_f32(clamped);
            }
        }
    }
}

/// Copies a plain picture into a buffer with borders.
fn bordered<E: Element>(from: &[f32], layout: Layout, to: &mut [E]) {
    layout.clear_border(to);
    for (i, pixel) in from.chunks_exact(layout.c.max(1)).enumerate() {
        let at = layout.at(i / layout.w, i % layout.w);
        for (to, &value) in to[at..].iter_mut().zip(pixel) {
            *to = E::from_f32(value);
        }
    }
}

/// Copies a map out of a buffer with borders.
fn unbordered<E: Element>(from: &[E], layout: Layout, to: &mut [f32]) {
    for (i, pixel) in to.chunks_exact_mut(layout.c.max(1)).enumerate() {
        let at = layout.at(i / layout.w, i % layout.w);
        for (value, from) in pixel.iter_mut().zip(&from[at..]) {
            *value = from.to_f32();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reach_of_both_paddings() {
        assert_eq!(reach(224, 7, 2, Padding::Symmetric(3)), Some((112, 3, 2)));
        assert_eq!(reach(224, 3, 2, Padding::Same), Some((112, 0, 1)));
        assert_eq!(reach(209, 3, 2, Padding::Same), Some((105, 1, 1)));
        assert_eq!(reach(28, 5, 1, Padding::Same), Some((28, 2, 2)));
        assert_eq!(reach(2, 5, 1, Padding::Symmetric(1)), None);
        assert_eq!(reach(0, 3, 2, Padding::Same), None);
    }
}

//! Runs a plan, step by step.
//!
//! While there are enough pictures, every thread runs the whole plan on a picture of its own: its maps stay in its own
//! caches and nobody waits. What is left over is computed picture by picture, each step spread over the threads. A
//! picture's bits are the same either way.

mod fused;

use crate::compile::{Kind, Plan, Step};
use crate::graph::{Pool, PoolKind};
use crate::layouts::{Layouts, Place, TooSmall, lay_out, places};
use patchcore_kernels::buffer::Buffer;
use patchcore_kernels::conv::{Clamp, Conv, Layout, Picture, Rows, Window, WinogradConv};
use patchcore_kernels::element::Element;
use patchcore_kernels::pointwise::{curve_rows, gate_rows};
use patchcore_kernels::pool::{max_rows, mean_of, mean_rows, row_sums};
use patchcore_tensor::Tensor;
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Input rows that one task keeps close, in bytes; about half of a level-2 cache.
const CLOSE: usize = 160 << 10;
/// Weights above this size are walked once per task, so a task gets as many rows as the threads leave it.
const HEAVY: usize = 1200 << 10;
/// Scratch memory of one band of Winograd's tiles, in bytes: with the weights of a point it stays in a level-2 cache.
const BAND: usize = 512 << 10;

/// A plan that is ready to run, with the memory of earlier runs.
pub(crate) struct Executor<E: Element> {
    plan: Plan<E>,
    places: Vec<Place>,
    /// For every buffer the last step that reads it; one that nobody reads is free after it was made.
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

/// One picture, and where its tapped maps go.
type Task<'a> = (&'a [f32], Vec<&'a mut [f32]>);

impl<E: Element> Executor<E> {
    pub(crate) fn new(plan: Plan<E>) -> Self {
        let places = places(&plan);
        let mut last_reader: Vec<usize> =
            (0..=plan.steps.len()).map(|value| value.saturating_sub(1)).collect();
        for (i, step) in plan.steps.iter().enumerate() {
            for value in step.sources() {
                let home = places[value].home;
                last_reader[home] = last_reader[home].max(i);
            }
        }
        Self { plan, places, last_reader, maps: Shelf::default(), products: Shelf::default() }
    }

    /// Channels of the input.
    pub(crate) fn channels(&self) -> usize {
        self.plan.channels
    }

    /// Multiply-adds of all convolutions on one picture, as they are defined: windows at the edge count in full.
    pub(crate) fn multiply_adds(&self, h: usize, w: usize) -> Result<u64, TooSmall> {
        let values = lay_out(&self.plan, &self.places, h, w)?.values;
        let of_step = |(step, out): (&Step<Kind<E>>, &Layout)| {
            let ([height, width], _) = step.kind.window();
            let channels = match &step.kind {
                Kind::Conv(conv, _) => conv.shape().ci / conv.shape().groups,
                Kind::Winograd(..) => values[step.input].c,
                Kind::Depthwise(..) => 1,
                Kind::Pool(_) | Kind::GlobalMean | Kind::Gate | Kind::Concat | Kind::Pointwise => 0,
            };
            (out.h * out.w * out.c * height * width * channels) as u64
        };
        Ok(self.plan.steps.iter().zip(&values[1..]).map(of_step).sum())
    }

    /// The tapped maps for a batch of pictures, in the memory of earlier ones.
    pub(crate) fn run(&self, pictures: &Tensor, tapped: &mut Vec<Tensor>) -> Result<(), TooSmall> {
        let [n, h, w, c] = pictures.shape();
        let layouts = lay_out(&self.plan, &self.places, h, w)?;
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
        let mut buffers: Vec<Option<Buffer<E>>> = (0..=self.plan.steps.len()).map(|_| None).collect();
        let mut input = self.maps.take(layouts.values[0].len());
        bordered(picture, layouts.values[0], &mut input);
        buffers[0] = Some(input);
        let mut first = 0;
        while first < self.plan.steps.len() {
            let end = self.fused_end(layouts, first);
            let (layout, Place { home, channel }) = (layouts.values[end], self.places[end]);
            let mut out = buffers[home].take().unwrap_or_else(|| self.fresh(layouts.values[home]));
            {
                let source = |value: usize| {
                    let (layout, Place { home, channel }) = (layouts.values[value], self.places[value]);
                    let data = buffers[home].as_deref().unwrap_or(&[]);
                    Picture { data: data.get(channel..channel + layout.len()).unwrap_or(&[]), layout }
                };
                let (begin, step) = (&self.plan.steps[first], &self.plan.steps[end - 1]);
                let out = &mut out[channel..][layout.rows()];
                match (&begin.kind, end - first) {
                    (Kind::Concat, _) => self.concat(begin, end, source, layout, out),
                    (_, 1) => {
                        let (input, second) = (source(begin.input), begin.second.map(source));
                        self.step(step, layouts.pads[first], input, second, layout, out, parallel);
                    }
                    (Kind::Conv(..), _) => {
                        let (input, residual) = (source(begin.input), step.second.map(source));
                        self.inverted(layouts, first..end, input, residual, out, parallel);
                    }
                    _ => {
                        let inputs = (source(begin.input), begin.second.map(source));
                        self.prepared(layouts, first, inputs, step.second.map(source), out, parallel);
                    }
                }
            }
            for (map, _) in maps.iter_mut().zip(&self.plan.taps).filter(|(_, tap)| **tap == end) {
                unbordered(&out[channel..], layout, map);
            }
            buffers[home] = Some(out);
            for (buffer, &last) in buffers.iter_mut().zip(&self.last_reader).take(end + 1) {
                if last < end
                    && let Some(buffer) = buffer.take()
                {
                    self.maps.give(buffer);
                }
            }
            first = end;
        }
    }

    /// A buffer with a border of zeros. The last value that shares it may end one pixel behind the layout's end.
    fn fresh(&self, layout: Layout) -> Buffer<E> {
        let mut buffer = self.maps.take(layout.len() + layout.pitch);
        layout.clear_border(&mut buffer[..layout.len()]);
        buffer
    }

    /// Copies the operands of a concatenation that do not lie in its buffer already.
    fn concat<'a>(
        &self,
        step: &Step<Kind<E>>,
        value: usize,
        source: impl Fn(usize) -> Picture<'a, E>,
        layout: Layout,
        out: &mut [E],
    ) {
        let place = self.places[value];
        let mut channel = 0;
        for operand in step.sources() {
            let c = self.plan.channels_of(operand);
            if self.places[operand] != (Place { home: place.home, channel: place.channel + channel }) {
                let from = source(operand);
                for (y, row) in out.chunks_exact_mut(layout.row_len().max(1)).enumerate() {
                    for x in 0..layout.w {
                        let pixel = &from.data[from.layout.at(y, x)..][..c];
                        row[(layout.border + x) * layout.pitch + channel..][..c].copy_from_slice(pixel);
                    }
                }
            }
            channel += c;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "called once; all of it is what a step is")]
    fn step(
        &self,
        step: &Step<Kind<E>>,
        pad: [usize; 2],
        input: Picture<'_, E>,
        second: Option<Picture<'_, E>>,
        layout: Layout,
        out: &mut [E],
        parallel: bool,
    ) {
        match &step.kind {
            Kind::Winograd(conv, _) => {
                return self.winograd(step, conv, pad, input, second, layout, out, parallel);
            }
            Kind::GlobalMean => return self.global_mean(input, layout, out, parallel),
            _ => {}
        }
        let rows = match &step.kind {
            Kind::Conv(conv, _) => rows_per_task(conv, input.layout, layout, parallel),
            _ => fair_rows(layout.h, parallel),
        };
        chunks(parallel, out, rows * layout.row_len(), |task, data| {
            self.rows(step, pad, input, second, Rows { layout, first: task * rows, data });
        });
    }

    /// The mean of each channel: row by row on all threads, then over the rows.
    fn global_mean(&self, input: Picture<'_, E>, layout: Layout, out: &mut [E], parallel: bool) {
        let Layout { h, w, c, .. } = input.layout;
        let mut sums = self.products.take(h * c);
        let rows = fair_rows(h, parallel);
        chunks(parallel, &mut sums, rows * c, |task, sums| row_sums(self.plan.isa, input, task * rows, sums));
        mean_of(&sums, h * w, &mut out[layout.border * layout.pitch..][..c]);
        self.products.give(sums);
    }

    /// Some rows of a step that is computed row by row.
    fn rows(
        &self,
        step: &Step<Kind<E>>,
        pad: [usize; 2],
        input: Picture<'_, E>,
        second: Option<Picture<'_, E>>,
        rows: Rows<'_, E>,
    ) {
        let Rows { layout, first, data } = rows;
        let rows = Rows { layout, first, data: &mut *data };
        match &step.kind {
            Kind::Conv(conv, _) => conv.rows(input, pad, second, step.clamp, rows),
            Kind::Depthwise(conv, _) => conv.rows(input, pad, step.clamp, rows),
            Kind::Pool(Pool { kind, size, stride, .. }) => {
                let window = Window { size: [*size; 2], stride: *stride, pad };
                match kind {
                    PoolKind::Max => max_rows(self.plan.isa, input, window, rows),
                    PoolKind::Mean => mean_rows(self.plan.isa, input, window, rows),
                }
            }
            Kind::Gate => {
                if let Some(gate) = second {
                    gate_rows(self.plan.isa, input, gate, rows);
                }
            }
            Kind::Pointwise => pointwise(input, second, step.clamp, rows),
            Kind::Winograd(..) | Kind::GlobalMean | Kind::Concat => unreachable!("not computed row by row"),
        }
        if let Some(curve) = step.curve {
            curve_rows(self.plan.isa, curve, Rows { layout, first, data });
        }
    }

    /// Band by band of tile rows. With light weights every thread has bands of its own; heavy ones are walked once for
    /// all tiles of a band, and the threads share each phase.
    #[expect(clippy::too_many_arguments, reason = "called once; all of it is what a step is")]
    fn winograd(
        &self,
        step: &Step<Kind<E>>,
        conv: &WinogradConv<E>,
        pad: [usize; 2],
        input: Picture<'_, E>,
        residual: Option<Picture<'_, E>>,
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
                let row = first * tiling.side + i * rows;
                let rows = Rows { layout, first: row, data: &mut *data };
                conv.transform_output(&products, first, residual, step.clamp, rows);
                if let Some(curve) = step.curve {
                    curve_rows(self.plan.isa, curve, Rows { layout, first: row, data });
                }
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
    use crate::compile::compile;
    use crate::graph::{Graph, LayerId, Padding};
    use crate::weights::{WeightTensor, Weights};
    use crate::{Precision, graph::Op};
    use patchcore_kernels::element::Bf16;
    use patchcore_kernels::isa::Isa;
    use patchcore_testkit::weights::{tensor, uniform};

    /// The tapped maps of a graph whose convolutions have weights from the formula.
    fn run<E: Element>(graph: &Graph, taps: &[LayerId], precision: Precision) -> Vec<Tensor> {
        let mut weights = Weights::default();
        for layer in graph.layers() {
            if let Op::Conv { shape, .. } = layer.op {
                let key = format!("{}.weight", layer.names[0]);
                let shape = vec![shape.co, shape.ci, shape.size[0], shape.size[1]];
                let values = tensor(&key, &shape, 0, 1.0);
                weights.insert(key, WeightTensor { shape, values });
            }
        }
        let (plan, _) = compile::<E>(graph, taps, &weights, Isa::available()[0], precision).unwrap();
        let values = uniform("picture", 0, 2 * 6 * 7 * 3).into_iter().map(|v| v as f32).collect();
        let mut maps = Vec::new();
        let run = Executor::new(plan).run(&Tensor::from_vec([2, 6, 7, 3], values).unwrap(), &mut maps);
        assert!(run.is_ok());
        maps
    }

    /// Concatenations of all kinds: of the input, of a map that is read twice, of odd numbers of channels, of concatenations,
    /// and of what a convolution made of the same buffer.
    fn concatenations<E: Element>(precision: Precision) {
        for channels in [4, 5] {
            let (mut g, input) = Graph::new(3);
            let a = g.conv("a", input, channels, 3, 1, Padding::Symmetric(1));
            let b = g.concat(a, input);
            let c = g.concat(b, a);
            let d = g.conv("d", c, channels, 3, 1, Padding::Symmetric(1));
            let e = g.concat(c, d);
            let f = g.conv("f", a, channels, 1, 1, Padding::Symmetric(0));
            let h = g.concat(e, f);
            let last = g.conv("last", h, 4, 3, 1, Padding::Symmetric(1));
            let maps = run::<E>(&g, &[a, d, f, h, last], precision);
            let picture = uniform("picture", 0, 2 * 6 * 7 * 3);
            for (i, pixel) in maps[3].data().chunks_exact(4 * channels + 3).enumerate() {
                let of = |map: usize| maps[map].data()[i * channels..][..channels].to_vec();
                let input = picture[i * 3..][..3].iter().map(|&v| E::from_f32(v as f32).to_f32()).collect();
                assert_eq!(pixel, [of(0), input, of(0), of(1), of(2)].concat());
            }
            // Without the taps: other places, same bits.
            assert_eq!(run::<E>(&g, &[last], precision)[0], maps[4]);
        }
    }

    #[test]
    fn concatenated_maps_are_their_parts() {
        concatenations::<f32>(Precision::F32);
        concatenations::<Bf16>(Precision::Bf16);
    }
}

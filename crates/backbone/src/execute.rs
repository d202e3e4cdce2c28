//! Runs a plan: lays out every map for the size of the input, then step by step, rows in parallel.

use crate::compile::{Kind, Plan, Step};
use crate::graph::{Clamp, Padding};
use patchcore_kernels::buffer::Buffer;
use patchcore_kernels::conv::{Layout, Picture, Rows, Window};
use patchcore_kernels::pool::max_rows;
use patchcore_tensor::Tensor;
use rayon::prelude::*;
use std::sync::Mutex;

/// Input rows that one task keeps close, in bytes; about half of a level-2 cache.
const CLOSE: usize = 160 << 10;
/// Weights above this size are walked once per task, so a task gets as many rows as the threads leave it.
const HEAVY: usize = 600 << 10;

/// The layer whose window does not fit into its input.
pub(crate) struct TooSmall(pub(crate) String);

/// Buffers of earlier runs, to be used again.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Vec<Buffer>>);

impl Pool {
    fn take(&self, len: usize) -> Buffer {
        let mut free = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let fitting =
            free.iter().enumerate().filter(|(_, b)| b.capacity() >= len).min_by_key(|(_, b)| b.capacity());
        let mut buffer = match fitting.map(|(i, _)| i) {
            Some(i) => free.swap_remove(i),
            None => Buffer::zeros(0),
        };
        buffer.resize(len);
        buffer
    }

    fn give(&self, buffer: Buffer) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(buffer);
    }
}

/// Where each value lies for one size of input, and the windows that read it.
struct Layouts {
    values: Vec<Layout>,
    /// Upper and left padding of each step.
    pads: Vec<[usize; 2]>,
}

/// The tapped maps for a batch of pictures.
pub(crate) fn run(plan: &Plan, pool: &Pool, pictures: &Tensor) -> Result<Vec<Tensor>, TooSmall> {
    let [n, h, w, c] = pictures.shape();
    let layouts = lay_out(plan, h, w)?;
    let last_reader = last_readers(plan);
    let mut values: Vec<Option<Buffer>> = (0..=plan.steps.len()).map(|_| None).collect();
    values[0] = Some(bordered(pool, pictures.data(), layouts.values[0], n));
    debug_assert_eq!(c, layouts.values[0].c);
    let mut tapped: Vec<Option<Tensor>> = plan.taps.iter().map(|_| None).collect();
    for (i, step) in plan.steps.iter().enumerate() {
        let mut out = pool.take(n * layouts.values[i + 1].len());
        {
            let source = |value: usize| Source {
                data: values[value].as_deref().unwrap_or(&[]),
                layout: layouts.values[value],
            };
            run_step(
                step,
                layouts.pads[i],
                source(step.input),
                step.residual.map(source),
                layouts.values[i + 1],
                &mut out,
            );
        }
        values[i + 1] = Some(out);
        for (slot, &tap) in tapped.iter_mut().zip(&plan.taps) {
            if tap == i + 1 {
                *slot = values[i + 1].as_deref().map(|data| unbordered(data, layouts.values[tap], n));
            }
        }
        for value in 0..=i + 1 {
            if last_reader[value] <= i
                && let Some(buffer) = values[value].take()
            {
                pool.give(buffer);
            }
        }
    }
    Ok(tapped.into_iter().flatten().collect())
}

/// For every value the last step that reads it; a value that nobody reads is free after it was made.
fn last_readers(plan: &Plan) -> Vec<usize> {
    let mut last: Vec<usize> = (0..=plan.steps.len()).map(|value| value.saturating_sub(1)).collect();
    for (i, step) in plan.steps.iter().enumerate() {
        for value in std::iter::once(step.input).chain(step.residual) {
            last[value] = i;
        }
    }
    last
}

fn lay_out(plan: &Plan, h: usize, w: usize) -> Result<Layouts, TooSmall> {
    let mut values = vec![Layout { h, w, c: plan.channels, border: 0 }];
    let mut pads = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        let from = values[step.input];
        let (size, stride, padding, needs_border) = match &step.kind {
            Kind::Conv(conv, padding) => (conv.shape().size, conv.shape().stride, *padding, true),
            Kind::Depthwise(conv, padding) => (conv.size(), conv.stride(), *padding, true),
            Kind::MaxPool { size, stride, pad } => ([*size; 2], *stride, Padding::Symmetric(*pad), false),
            Kind::Pointwise => ([1, 1], 1, Padding::Symmetric(0), false),
        };
        let too_small = || TooSmall(step.name.clone());
        let (oh, top, bottom) = reach(from.h, size[0], stride, padding).ok_or_else(too_small)?;
        let (ow, left, right) = reach(from.w, size[1], stride, padding).ok_or_else(too_small)?;
        if needs_border {
            let border = top.max(bottom).max(left).max(right);
            values[step.input].border = values[step.input].border.max(border);
        }
        pads.push([top, left]);
        values.push(Layout { h: oh, w: ow, c: step.channels, border: 0 });
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

/// A batch of pictures of one layout.
#[derive(Clone, Copy)]
struct Source<'a> {
    data: &'a [f32],
    layout: Layout,
}

impl<'a> Source<'a> {
    fn picture(self, n: usize) -> Picture<'a> {
        let len = self.layout.len();
        Picture { data: &self.data[n * len..(n + 1) * len], layout: self.layout }
    }
}

fn run_step(
    step: &Step,
    pad: [usize; 2],
    input: Source<'_>,
    residual: Option<Source<'_>>,
    layout: Layout,
    out: &mut [f32],
) {
    let per_task = rows_per_task(step, input, layout, out.len() / layout.len().max(1));
    out.par_chunks_mut(layout.len()).enumerate().for_each(|(n, picture)| {
        layout.clear_border(picture);
        let (from, extra) = (input.picture(n), residual.map(|r| r.picture(n)));
        picture[layout.rows()].par_chunks_mut(per_task * layout.row_len()).enumerate().for_each(
            |(task, data)| {
                let rows = Rows { layout, first: task * per_task, data };
                match &step.kind {
                    Kind::Conv(conv, _) => conv.rows(from, pad, extra, step.clamp, rows),
                    Kind::Depthwise(conv, _) => conv.rows(from, pad, step.clamp, rows),
                    Kind::MaxPool { size, stride, .. } => {
                        max_rows(from, Window { size: [*size; 2], stride: *stride, pad }, rows);
                    }
                    Kind::Pointwise => pointwise(from, extra, step.clamp, rows),
                }
            },
        );
    });
}

/// How many output rows make one task. Any number gives the same bits.
fn rows_per_task(step: &Step, input: Source<'_>, out: Layout, pictures: usize) -> usize {
    let tasks_wanted = rayon::current_num_threads().div_ceil(pictures.max(1)) * 2;
    let fair = if rayon::current_num_threads() == 1 { out.h } else { out.h.div_ceil(tasks_wanted) };
    let close = match &step.kind {
        Kind::Conv(conv, _) if conv.bytes() > HEAVY => out.h,
        Kind::Conv(conv, _) => {
            CLOSE / (input.layout.row_len() * conv.shape().stride * size_of::<f32>()).max(1)
        }
        _ => out.h,
    };
    close.min(fair).max(1)
}

fn pointwise(input: Picture<'_>, residual: Option<Picture<'_>>, clamp: Clamp, rows: Rows<'_>) {
    let Rows { layout, first, data } = rows;
    let (side, width) = (layout.border * layout.c, layout.w * layout.c);
    for (row, out) in data.chunks_exact_mut(layout.row_len().max(1)).enumerate() {
        let out = &mut out[side..side + width];
        let from = input.layout.at(first + row, 0);
        out.copy_from_slice(&input.data[from..from + width]);
        if let Some(r) = residual {
            let from = r.layout.at(first + row, 0);
            out.iter_mut().zip(&r.data[from..from + width]).for_each(|(o, v)| *o += v);
        }
        for v in out {
            // Comparisons, not `max`, so that NaN passes through.
            *v = if *v < clamp.low {
                clamp.low
            } else if *v > clamp.high {
                clamp.high
            } else {
                *v
            };
        }
    }
}

/// Copies plain pictures into a buffer with borders.
fn bordered(pool: &Pool, data: &[f32], layout: Layout, n: usize) -> Buffer {
    let mut out = pool.take(n * layout.len());
    let row = layout.w * layout.c;
    for (picture, from) in
        out.chunks_exact_mut(layout.len().max(1)).zip(data.chunks_exact((layout.h * row).max(1)))
    {
        layout.clear_border(picture);
        for y in 0..layout.h {
            let at = layout.at(y, 0);
            picture[at..at + row].copy_from_slice(&from[y * row..(y + 1) * row]);
        }
    }
    out
}

fn unbordered(data: &[f32], layout: Layout, n: usize) -> Tensor {
    let mut out = Tensor::zeros([n, layout.h, layout.w, layout.c]);
    let row = layout.w * layout.c;
    let pictures = out.data_mut().chunks_exact_mut((layout.h * row).max(1));
    for (to, picture) in pictures.zip(data.chunks_exact(layout.len().max(1))) {
        for y in 0..layout.h {
            let at = layout.at(y, 0);
            to[y * row..(y + 1) * row].copy_from_slice(&picture[at..at + row]);
        }
    }
    out
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

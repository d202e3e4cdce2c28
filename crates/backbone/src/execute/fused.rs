//! Steps that run together, a few rows at a time, so that what lies between them stays in a cache.

use super::{BAND, Executor, HEAVY, chunks, fair_rows};
use crate::compile::Kind;
use crate::layouts::Layouts;
use patchcore_kernels::conv::{Layout, Picture, Rows};
use patchcore_kernels::element::Element;
use std::ops::Range;

impl<E: Element> Executor<E> {
    /// Where the steps end that run together with `first`: a convolution whose large map only a depthwise convolution
    /// reads, which may be followed by a 1x1 convolution (an inverted residual); or a scale per channel whose map only a
    /// 1x1 convolution reads.
    pub(super) fn fused_end(&self, layouts: &Layouts, first: usize) -> usize {
        let steps = &self.plan.steps;
        // Whether the map after step `i` is read by the next step alone.
        let private = |i: usize| {
            let readers = steps.iter().filter(|s| s.sources().any(|value| value == i + 1)).count();
            readers == 1
                && steps.get(i + 1).is_some_and(|s| s.input == i + 1)
                && !self.plan.taps.contains(&(i + 1))
        };
        // Whether step `i` is a 1x1 convolution of what the step before it makes.
        let projects = |i: usize| {
            private(i - 1)
                && layouts.values[i].border == 0
                && matches!(&steps[i].kind, Kind::Conv(conv, _) if conv.shape().size == [1, 1] && conv.shape().stride == 1)
        };
        let scales = match &steps[first].kind {
            Kind::Depthwise(conv, _) => conv.size() == [1, 1] && conv.stride() == 1,
            Kind::Gate => true,
            _ => false,
        };
        if scales {
            return first + 1 + usize::from(projects(first + 1));
        }
        let large = layouts.values[first + 1].len() * size_of::<E>() > BAND / 2;
        let expands = matches!(steps[first].kind, Kind::Conv(..)) && steps[first].second.is_none();
        if !(large && expands && private(first) && matches!(steps[first + 1].kind, Kind::Depthwise(..))) {
            return first + 1;
        }
        first + 2 + usize::from(projects(first + 2))
    }

    /// Runs a scale per channel and the 1x1 convolution behind it, some rows at a time, so that what lies between them
    /// stays in the cache.
    pub(super) fn prepared(
        &self,
        layouts: &Layouts,
        first: usize,
        (input, gate): (Picture<'_, E>, Option<Picture<'_, E>>),
        residual: Option<Picture<'_, E>>,
        out: &mut [E],
        parallel: bool,
    ) {
        let (deep, last) = (layouts.values[first + 1], layouts.values[first + 2]);
        let [scale, project] = [&self.plan.steps[first], &self.plan.steps[first + 1]];
        let heavy = matches!(&project.kind, Kind::Conv(conv, _) if conv.bytes() > HEAVY);
        let rows_per_task = fair_rows(last.h, parallel);
        let most = if heavy { 8 * BAND } else { BAND / 2 };
        let band = (most / (deep.row_len() * size_of::<E>())).clamp(1, rows_per_task);
        chunks(parallel, out, rows_per_task * last.row_len(), |task, out| {
            let mut middle = self.fresh(Layout { h: band, ..deep });
            for (number, data) in out.chunks_mut(band * last.row_len()).enumerate() {
                let (row, rows) = (task * rows_per_task + number * band, data.len() / last.row_len());
                let layout = Layout { h: rows, ..deep };
                let middle = &mut middle[..layout.len()];
                let seen = input.band(row..row + rows);
                let pad = layouts.pads[first];
                self.rows(scale, pad, seen, gate, Rows { layout, first: 0, data: &mut *middle });
                let middle = Picture { data: middle, layout };
                let residual = residual.map(|r| r.band(row..row + rows));
                let rows = Rows { layout: Layout { h: rows, ..last }, first: 0, data };
                self.rows(project, [0, 0], middle, residual, rows);
            }
            self.maps.give(middle);
        });
    }

    /// Runs the steps that [`fused_end`](Self::fused_end) found, a few rows at a time: the large maps between them never
    /// exist as a whole, only the rows that the next window needs, and these stay in the cache.
    pub(super) fn inverted(
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
}

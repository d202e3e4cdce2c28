//! Maximum pooling over channels-last pictures.

use crate::conv::{Layout, Picture, Rows, Window};
use crate::element::Element;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::Kernel;
use std::ops::Range;

/// Computes whole output rows of maximum pooling; places outside the picture do not count (the
/// border's zeros neither). A window that sees only NaN gives NaN; other NaN lose against numbers only if they come
/// first, so a NaN anywhere in a window stays NaN.
///
/// # Panics
/// If a length or a layout does not fit, or a window sees no pixel at all.
pub fn max_rows<E: Element>(isa: Isa, input: Picture<'_, E>, window: Window, out: Rows<'_, E>) {
    out.count();
    assert_eq!(input.data.len(), input.layout.len(), "picture does not fit its layout");
    assert_eq!(input.layout.c, out.layout.c, "channels differ");
    // SAFETY: the job is safe code.
    unsafe { E::dispatch(isa, Job { input, window, out }) }
}

struct Job<'a, E> {
    input: Picture<'a, E>,
    window: Window,
    out: Rows<'a, E>,
}

impl<E: Element> Kernel<E> for Job<'_, E> {
    /// Plain loops: the compiler makes them as wide as the instruction set of the caller.
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        let (from, Layout { w, c, border, pitch, .. }) = (self.input.layout, self.out.layout);
        for (row, out) in self.out.data.chunks_exact_mut(self.out.layout.row_len().max(1)).enumerate() {
            let ys = inside(self.window, self.out.first + row, 0, from.h);
            for x in 0..w {
                let xs = inside(self.window, x, 1, from.w);
                let best = &mut out[(border + x) * pitch..][..c];
                best.fill(E::from_f32(f32::NEG_INFINITY));
                for y in ys.clone() {
                    for x in xs.clone() {
                        for (best, &value) in best.iter_mut().zip(&self.input.data[from.at(y, x)..][..c]) {
                            // Written so that a NaN replaces any number and no number replaces a NaN.
                            let (b, v) = (best.to_f32(), value.to_f32());
                            *best = if v <= b || b.is_nan() { *best } else { value };
                        }
                    }
                }
            }
        }
    }
}

/// The places of an axis that a window sees.
fn inside(window: Window, at: usize, axis: usize, len: usize) -> Range<usize> {
    let start = at * window.stride;
    let first = start.saturating_sub(window.pad[axis]);
    let end = (start + window.size[axis]).saturating_sub(window.pad[axis]).min(len);
    assert!(first < end, "a pooling window sees no pixel");
    first..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::Layout;

    #[test]
    fn three_by_three_with_stride_two() {
        let layout = Layout::new(3, 4, 1, 0);
        let data: Vec<f32> = (0..12).map(|v| -(v as f32)).collect();
        let window = Window { size: [3, 3], stride: 2, pad: [1, 1] };
        let out_layout = Layout::new(2, 2, 1, 1);
        let mut out = vec![9.0; 2 * out_layout.row_len()];
        max_rows(
            Isa::best(),
            Picture { data: &data, layout },
            window,
            Rows { layout: out_layout, first: 0, data: &mut out },
        );
        assert_eq!(out, [9.0, 0.0, -1.0, 9.0, 9.0, -4.0, -5.0, 9.0]);
    }

    #[test]
    fn nan_survives() {
        let layout = Layout::new(1, 3, 1, 0);
        let window = Window { size: [1, 3], stride: 1, pad: [0, 1] };
        let out_layout = Layout::new(1, 3, 1, 0);
        let mut out = vec![0.0; 3];
        max_rows(
            Isa::best(),
            Picture { data: &[1.0, f32::NAN, 2.0], layout },
            window,
            Rows { layout: out_layout, first: 0, data: &mut out },
        );
        assert!(out.iter().all(|v| v.is_nan()));
    }
}

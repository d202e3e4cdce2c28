//! Maximum pooling over channels-last pictures.

use crate::conv::{Picture, Rows, Window};

/// Computes whole output rows of maximum pooling; places outside the picture do not count (the
/// border's zeros neither). A window that sees only NaN gives NaN; other NaN lose against numbers only if they come
/// first, so a NaN anywhere in a window stays NaN.
///
/// # Panics
/// If a length or a layout does not fit, or a window sees no pixel at all.
pub fn max_rows(input: Picture<'_>, window: Window, out: Rows<'_>) {
    out.count();
    let Rows { layout: out_layout, first: first_row, data: out } = out;
    let (from, c) = (input.layout, out_layout.c);
    assert_eq!(input.data.len(), from.len(), "picture does not fit its layout");
    assert_eq!(from.c, c, "channels differ");
    let inside = |at: usize, axis: usize, len: usize| {
        let start = at * window.stride;
        let first = start.saturating_sub(window.pad[axis]);
        let end = (start + window.size[axis]).saturating_sub(window.pad[axis]).min(len);
        assert!(first < end, "a pooling window sees no pixel");
        first..end
    };
    for (row, out) in out.chunks_exact_mut(out_layout.row_len().max(1)).enumerate() {
        let ys = inside(first_row + row, 0, from.h);
        for x in 0..out_layout.w {
            let xs = inside(x, 1, from.w);
            let at = (out_layout.border + x) * c;
            let best = &mut out[at..at + c];
            best.fill(f32::NEG_INFINITY);
            for y in ys.clone() {
                for x in xs.clone() {
                    let at = from.at(y, x);
                    for (best, &value) in best.iter_mut().zip(&input.data[at..at + c]) {
                        // Written so that a NaN replaces any number and no number replaces a NaN.
                        *best = if value <= *best || best.is_nan() { *best } else { value };
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::Layout;

    #[test]
    fn three_by_three_with_stride_two() {
        let layout = Layout { h: 3, w: 4, c: 1, border: 0 };
        let data: Vec<f32> = (0..12).map(|v| -(v as f32)).collect();
        let window = Window { size: [3, 3], stride: 2, pad: [1, 1] };
        let out_layout = Layout { h: 2, w: 2, c: 1, border: 1 };
        let mut out = vec![9.0; 2 * out_layout.row_len()];
        max_rows(
            Picture { data: &data, layout },
            window,
            Rows { layout: out_layout, first: 0, data: &mut out },
        );
        assert_eq!(out, [9.0, 0.0, -1.0, 9.0, 9.0, -4.0, -5.0, 9.0]);
    }

    #[test]
    fn nan_survives() {
        let layout = Layout { h: 1, w: 3, c: 1, border: 0 };
        let window = Window { size: [1, 3], stride: 1, pad: [0, 1] };
        let out_layout = Layout { h: 1, w: 3, c: 1, border: 0 };
        let mut out = vec![0.0; 3];
        max_rows(
            Picture { data: &[1.0, f32::NAN, 2.0], layout },
            window,
            Rows { layout: out_layout, first: 0, data: &mut out },
        );
        assert!(out.iter().all(|v| v.is_nan()));
    }
}

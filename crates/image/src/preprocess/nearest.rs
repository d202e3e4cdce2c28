//! Resizing by the nearest pixel, for masks that hold classes: the numbers that Pillow gives for `NEAREST`.

use super::axis::Axis;
use super::resize::padded;

/// Resizes `source`, `[rows.source, columns.source]`, and cuts or pads with zeros to `[rows.output, columns.output]`.
pub(super) fn resize(source: &[u8], rows: Axis, columns: Axis) -> Vec<u8> {
    let across = places(columns);
    let mut small = Vec::with_capacity(rows.output * columns.output);
    for y in places(rows) {
        let row = &source[y * columns.source..][..columns.source];
        small.extend(across.iter().map(|&x| row[x]));
    }
    padded::<1>(small, rows, columns)
}

/// The source pixel of each kept output.
fn places(axis: Axis) -> Vec<usize> {
    let window = axis.window();
    let step = axis.source as f64 / axis.resized as f64;
    // Pillow adds the step again and again; a product would round otherwise.
    let positions = std::iter::successors(Some(0.5 * step), |position| Some(position + step));
    let kept = positions.skip(window.resized).take(window.len);
    kept.map(|position| (position as usize).min(axis.source - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_not_blended() {
        let source = [1, 2, 3, 4, 5, 6];
        assert_eq!(resize(&source, Axis::whole(2, 1), Axis::whole(3, 6)), [4, 4, 5, 5, 6, 6]);
        assert_eq!(resize(&source, Axis::whole(2, 4), Axis::whole(3, 1)), [2, 2, 5, 5]);
        assert_eq!(resize(&source, Axis::whole(2, 2), Axis::whole(3, 3)), source);
    }

    #[test]
    fn the_rest_is_black() {
        assert_eq!(resize(&[7], Axis::cropped(1, 1, 2), Axis::cropped(1, 1, 3)), [0, 7, 0, 0, 0, 0]);
    }
}

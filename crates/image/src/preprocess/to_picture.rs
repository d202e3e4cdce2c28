//! From a map of the input back to the pixels of the picture.

use super::axis::Axis;
use patchcore_tensor::AnomalyMap;

pub(super) fn map_to_picture(map: &AnomalyMap, rows: Axis, columns: Axis) -> AnomalyMap {
    assert_eq!(
        [map.height(), map.width()],
        [rows.output, columns.output],
        "the map has not the size of the input"
    );
    let hidden = map.min_max().map_or(0.0, |(least, _)| least);
    let ([y0, y1], [x0, x1]) = (rows.visible(), columns.visible());
    let (down, across) = (neighbours(rows, y0..y1), neighbours(columns, x0..x1));
    let mut values = vec![hidden; rows.source * columns.source];
    let lines = values.chunks_exact_mut(columns.source).skip(y0);
    for (line, vertical) in lines.zip(&down) {
        let row = |y: usize| &map.data()[y * columns.output..][..columns.output];
        let (upper, lower) = (row(vertical.first), row(vertical.second));
        for (value, horizontal) in line[x0..x1].iter_mut().zip(&across) {
            *value = vertical.between(horizontal.of(upper), horizontal.of(lower));
        }
    }
    map_of(rows.source, columns.source, values)
}

/// Two neighbouring map pixels and how far the place is from the first to the second, 0..1.
struct Neighbours {
    first: usize,
    second: usize,
    fraction: f32,
}

impl Neighbours {
    fn between(&self, a: f32, b: f32) -> f32 {
        a + (b - a) * self.fraction
    }

    fn of(&self, row: &[f32]) -> f32 {
        self.between(row[self.first], row[self.second])
    }
}

/// The neighbours of each of these source pixels, clamped to the map pixels that show the picture and no padding.
fn neighbours(axis: Axis, sources: std::ops::Range<usize>) -> Vec<Neighbours> {
    let window = axis.window();
    let (least, most) = (window.output as f64, (window.output + window.len - 1) as f64);
    let at = |x| {
        let position = axis.output_position(x).clamp(least, most);
        let first = position as usize;
        let second = (first + 1).min(window.output + window.len - 1);
        Neighbours { first, second, fraction: (position - first as f64) as f32 }
    };
    sources.map(at).collect()
}

/// A map of values whose number is right by construction.
pub(super) fn map_of(h: usize, w: usize, values: Vec<f32>) -> AnomalyMap {
    AnomalyMap::from_vec(h, w, values).expect("one value for each pixel")
}

//! Resizing with a triangle filter, in fixed point: the numbers that Pillow gives for `BILINEAR`.
//!
//! Each axis goes on its own, columns first, with 8-bit values in between. Towards a smaller size the triangle is
//! widened by the factor of reduction (antialiasing). Weights are integers of 22 fractional bits. Only what the crop
//! keeps is computed, which changes no kept value.

use super::axis::Axis;
use patchcore_kernels::isa::Isa;
use patchcore_kernels::resample::{FRACTION_BITS, weighted_rows};

/// Source rows whose columns are resized together.
const BAND: usize = 16;
/// Bytes of a turned pixel, with room for any number of channels.
const PIXEL: usize = 4;
/// Bytes of a turned column.
const TURNED: usize = BAND * PIXEL;

/// Resizes `source`, `[rows.source, columns.source, C]`, and cuts or pads with zeros to
/// `[rows.output, columns.output, C]`.
///
/// # Panics
/// If `source` has not that length.
pub(super) fn resize<const C: usize>(source: &[u8], rows: Axis, columns: Axis) -> Vec<u8> {
    assert_eq!(source.len(), rows.source * columns.source * C, "values do not fill the picture");
    let (down, across) = (Weights::of(rows), Weights::of(columns));
    let (stride, width) = (columns.source * C, across.len() * C);
    let needed = down.sources();
    let mut columns_of = Columns::of(across);
    // The rows from `begin` on, their columns resized: no more of them than the next output needs, and a band.
    let (mut narrow, mut begin, mut end) = (Vec::new(), needed.start, needed.start);
    let mut small = vec![0; down.len() * width];
    for ((first, weights), out) in down.iter().zip(small.chunks_exact_mut(width.max(1))) {
        if end < first + weights.len() {
            narrow.drain(..(first - begin) * width);
            begin = first;
        }
        while end < first + weights.len() {
            let next = needed.end.min(end + BAND);
            columns_of.resize::<C>(&source[end * stride..next * stride], stride, &mut narrow);
            end = next;
        }
        weighted_rows(Isa::best(), &narrow[(first - begin) * width..], width, weights, out);
    }
    padded::<C>(small, rows, columns)
}

/// For each kept output: its first source pixel and the weights from there on.
struct Weights {
    /// First source pixel and number of weights.
    spans: Vec<(usize, usize)>,
    /// All weights, one span after the other.
    weights: Vec<i32>,
}

impl Weights {
    fn of(axis: Axis) -> Self {
        let window = axis.window();
        let kept = window.resized..window.resized + window.len;
        let mut this = Self { spans: Vec::with_capacity(window.len), weights: Vec::new() };
        if axis.source == axis.resized {
            kept.for_each(|i| this.push(i, &[1.0]));
            return this;
        }
        let scale = axis.source as f64 / axis.resized as f64;
        let support = scale.max(1.0);
        let inverse = 1.0 / support;
        for i in kept {
            let centre = (i as f64 + 0.5) * scale;
            let first = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(axis.source);
            let triangle = |j| (1.0 - ((j as f64 - centre + 0.5) * inverse).abs()).max(0.0);
            let mut weights: Vec<f64> = (first..end).map(triangle).collect();
            let sum: f64 = weights.iter().sum();
            for weight in &mut weights {
                *weight /= sum;
            }
            this.push(first, &weights);
        }
        this
    }

    fn push(&mut self, first: usize, weights: &[f64]) {
        self.spans.push((first, weights.len()));
        let one = f64::from(1 << FRACTION_BITS);
        self.weights.extend(weights.iter().map(|w| (w * one + 0.5) as i32));
    }

    fn len(&self) -> usize {
        self.spans.len()
    }

    /// The source pixels that any output needs. Spans begin and end in ascending order.
    fn sources(&self) -> std::ops::Range<usize> {
        match (self.spans.first(), self.spans.last()) {
            (Some(&(start, _)), Some(&(last, count))) => start..last + count,
            _ => 0..0,
        }
    }

    /// First source pixel and weights of each output.
    fn iter(&self) -> impl Iterator<Item = (usize, &[i32])> {
        let mut rest = &self.weights[..];
        self.spans.iter().map(move |&(first, count)| {
            let (weights, after) = rest.split_at(count);
            rest = after;
            (first, weights)
        })
    }
}

/// Resizes the columns of a band of rows. The band is turned on its side first, `[columns, BAND, PIXEL]`: there a column
/// is a row, and one weight meets the values of the whole band.
struct Columns {
    across: Weights,
    turned: Vec<u8>,
}

impl Columns {
    fn of(across: Weights) -> Self {
        let turned = vec![0; across.sources().len() * TURNED];
        Self { across, turned }
    }

    /// Adds the rows of `band`, at most `BAND` and at least one, to `narrow`.
    fn resize<const C: usize>(&mut self, band: &[u8], stride: usize, narrow: &mut Vec<u8>) {
        let (needed, height) = (self.across.sources(), band.len() / stride);
        // A band that is too short repeats its last row; nobody looks at what comes of it.
        let lines: [&[[u8; C]]; BAND] = std::array::from_fn(|y| {
            let row = &band[y.min(height - 1) * stride..][..stride];
            &row.as_chunks::<C>().0[needed.clone()]
        });
        for (x, column) in self.turned.as_chunks_mut::<TURNED>().0.iter_mut().enumerate() {
            for (pixel, line) in column.as_chunks_mut::<PIXEL>().0.iter_mut().zip(lines) {
                pixel[..C].copy_from_slice(&line[x]);
            }
        }
        let width = self.across.len() * C;
        let start = narrow.len();
        narrow.resize(start + height * width, 0);
        for (i, (first, weights)) in self.across.iter().enumerate() {
            let mut column = [0; TURNED];
            let from = &self.turned[(first - needed.start) * TURNED..];
            weighted_rows(Isa::best(), from, TURNED, weights, &mut column);
            let places = narrow[start..].chunks_exact_mut(width);
            for (row, pixel) in places.zip(column.as_chunks::<PIXEL>().0) {
                row[i * C..][..C].copy_from_slice(&pixel[..C]);
            }
        }
    }
}

/// Puts the resized window into the output, black around it where it is smaller.
pub(super) fn padded<const C: usize>(small: Vec<u8>, rows: Axis, columns: Axis) -> Vec<u8> {
    let (down, across) = (rows.window(), columns.window());
    if down.len == rows.output && across.len == columns.output {
        return small;
    }
    let mut out = vec![0; rows.output * columns.output * C];
    let lines = out.chunks_exact_mut(columns.output * C).skip(down.output);
    for (line, row) in lines.zip(small.chunks_exact(across.len * C)) {
        line[across.output * C..][..row.len()].copy_from_slice(row);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same filter written down plainly in `f64`, both axes at once.
    fn twin(source: &[u8], [h, w]: [usize; 2], [to_h, to_w]: [usize; 2]) -> Vec<f64> {
        let weights = |n: usize, m: usize, i: usize| -> Vec<f64> {
            let scale = n as f64 / m as f64;
            let f = scale.max(1.0);
            let centre = (i as f64 + 0.5) * scale;
            let raw: Vec<f64> =
                (0..n).map(|j| (1.0 - ((j as f64 + 0.5 - centre) / f).abs()).max(0.0)).collect();
            let sum: f64 = raw.iter().sum();
            raw.iter().map(|v| v / sum).collect()
        };
        let mut out = Vec::new();
        for y in 0..to_h {
            let down = weights(h, to_h, y);
            for x in 0..to_w {
                let across = weights(w, to_w, x);
                let row = |sy: usize| -> f64 {
                    across.iter().enumerate().map(|(sx, a)| a * f64::from(source[sy * w + sx])).sum()
                };
                out.push(
                    down.iter().enumerate().map(|(sy, d)| if *d == 0.0 { 0.0 } else { d * row(sy) }).sum(),
                );
            }
        }
        out
    }

    fn noise(n: usize, seed: u64) -> Vec<u8> {
        patchcore_testkit::weights::uniform("noise", seed, n).iter().map(|u| (u * 256.0) as u8).collect()
    }

    /// The same integers pixel by pixel: all columns, then all rows.
    fn exact_twin<const C: usize>(source: &[u8], rows: Axis, columns: Axis) -> Vec<u8> {
        let round = |sum: i64| ((sum + (1 << (FRACTION_BITS - 1))) >> FRACTION_BITS).clamp(0, 255) as u8;
        let (down, across) = (Weights::of(rows), Weights::of(columns));
        let mut narrow = Vec::new();
        for row in source.chunks_exact(columns.source * C) {
            for (first, weights) in across.iter() {
                for c in 0..C {
                    let terms = weights.iter().zip(first..);
                    narrow.push(round(terms.map(|(&w, x)| i64::from(w) * i64::from(row[x * C + c])).sum()));
                }
            }
        }
        let width = across.len() * C;
        let mut out = Vec::new();
        for (first, weights) in down.iter() {
            for i in 0..width {
                let terms = weights.iter().zip(first..);
                out.push(round(terms.map(|(&w, y)| i64::from(w) * i64::from(narrow[y * width + i])).sum()));
            }
        }
        padded::<C>(out, rows, columns)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn bands_and_blocks_change_no_bit(h in 1usize..90, w in 1usize..90, to_h in 1usize..50, to_w in 1usize..50, crop in 1usize..60, seed: u64) {
            let source = noise(h * w * 3, seed);
            for (rows, columns) in [
                (Axis::whole(h, to_h), Axis::whole(w, to_w)),
                (Axis::cropped(h, to_h, crop), Axis::cropped(w, to_w, crop)),
                (Axis::whole(h, h), Axis::whole(w, to_w)),
            ] {
                prop_assert_eq!(resize::<3>(&source, rows, columns), exact_twin::<3>(&source, rows, columns));
                let grey = &source[..h * w];
                prop_assert_eq!(resize::<1>(grey, rows, columns), exact_twin::<1>(grey, rows, columns));
            }
        }

        #[test]
        fn a_constant_picture_stays_constant(h in 1usize..40, w in 1usize..40, to_h in 1usize..40, to_w in 1usize..40, v: u8) {
            let out = resize::<3>(&vec![v; h * w * 3], Axis::whole(h, to_h), Axis::whole(w, to_w));
            prop_assert_eq!(out, vec![v; to_h * to_w * 3]);
        }

        #[test]
        fn the_same_size_is_the_same_picture(h in 1usize..20, w in 1usize..20, seed: u64) {
            let source = noise(h * w * 3, seed);
            prop_assert_eq!(&resize::<3>(&source, Axis::whole(h, h), Axis::whole(w, w)), &source);
        }

        // Half a level from each of the two roundings, and a little for the fixed point.
        #[test]
        fn within_one_level_of_the_plain_formula(h in 1usize..30, w in 1usize..30, to_h in 1usize..30, to_w in 1usize..30, seed: u64) {
            let source = noise(h * w, seed);
            let out = resize::<1>(&source, Axis::whole(h, to_h), Axis::whole(w, to_w));
            for (got, expected) in out.iter().zip(twin(&source, [h, w], [to_h, to_w])) {
                prop_assert!((f64::from(*got) - expected).abs() <= 1.001, "{} {}", got, expected);
            }
        }

        #[test]
        fn a_crop_is_a_cut_out_of_the_whole(h in 1usize..30, w in 1usize..30, to in 1usize..40, crop in 1usize..40, seed: u64) {
            let source = noise(h * w * 3, seed);
            let whole = resize::<3>(&source, Axis::whole(h, to), Axis::whole(w, to));
            let (rows, columns) = (Axis::cropped(h, to, crop), Axis::cropped(w, to, crop));
            let out = resize::<3>(&source, rows, columns);
            let window = rows.window();
            for y in 0..crop {
                for x in 0..crop {
                    let inside = |v: usize| (window.output..window.output + window.len).contains(&v);
                    let source_of = |v: usize| v - window.output + window.resized;
                    let expected = if inside(y) && inside(x) {
                        let at = (source_of(y) * to + source_of(x)) * 3;
                        whole[at..at + 3].to_vec()
                    } else {
                        vec![0; 3]
                    };
                    prop_assert_eq!(&out[(y * crop + x) * 3..][..3], &expected[..]);
                }
            }
        }

        #[test]
        fn channels_do_not_mix(h in 1usize..20, w in 1usize..20, to_h in 1usize..20, to_w in 1usize..20, seed: u64) {
            let source = noise(h * w * 3, seed);
            let out = resize::<3>(&source, Axis::whole(h, to_h), Axis::whole(w, to_w));
            for c in 0..3 {
                let channel: Vec<u8> = source.iter().skip(c).step_by(3).copied().collect();
                let alone = resize::<1>(&channel, Axis::whole(h, to_h), Axis::whole(w, to_w));
                prop_assert!(out.iter().skip(c).step_by(3).eq(alone.iter()));
            }
        }
    }

    #[test]
    fn white_does_not_overflow() {
        let out = resize::<1>(&[255; 5000], Axis::whole(1, 3), Axis::whole(5000, 1));
        assert_eq!(out, [255; 3]);
    }

    #[test]
    fn a_strip_costs_what_is_kept() {
        // The shorter side of 1 would make 256 x 4,194,304 pixels if all of it were computed.
        let out = resize::<3>(
            &vec![9; 16_384 * 3],
            Axis::cropped(1, 256, 224),
            Axis::cropped(16_384, 4_194_304, 224),
        );
        assert_eq!(out, vec![9; 224 * 224 * 3]);
    }
}

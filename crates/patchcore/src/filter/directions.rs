//! The leading principal directions of a sample of rows, by subspace iteration.
//!
//! How well they fit decides how much a filter saves, never what it finds: a few iterations are enough.

use crate::PatchRows;
use patchcore_kernels::conv::{Clamp, Conv, ConvShape, Layout, Picture, Rows};
use patchcore_kernels::isa::Isa;
use patchcore_tensor::Embeddings;
use rayon::prelude::*;

/// Rows of the sample.
const SAMPLE: usize = 2048;
/// Directions that are carried along beyond those wanted, for a better fit.
const SPARE: usize = 16;
const ITERATIONS: usize = 4;

fn sample(rows: &dyn PatchRows) -> Embeddings {
    rows.select(&(0..rows.len()).step_by(rows.len().div_ceil(SAMPLE).max(1)).collect::<Vec<_>>())
}

/// The mean of the sample, `[d]`.
pub(super) fn mean_row(rows: &dyn PatchRows) -> Vec<f32> {
    mean_of(&sample(rows))
}

fn mean_of(sample: &Embeddings) -> Vec<f32> {
    let mut mean = vec![0.0f64; sample.dim()];
    for row in sample.data().chunks_exact(sample.dim().max(1)) {
        mean.iter_mut().zip(row).for_each(|(m, &v)| *m += f64::from(v) / sample.len() as f64);
    }
    mean.into_iter().map(|m| m as f32).collect()
}

/// The mean of the sample, `[d]`, and `count` orthonormal directions, `[count, d]`.
pub(super) fn principal_directions(rows: &dyn PatchRows, count: usize) -> (Vec<f32>, Vec<f32>) {
    let d = rows.dim();
    let sample = sample(rows);
    let mean = mean_of(&sample);
    // The centred sample, `[d, sample]`.
    let centred = |j: usize| sample.data().iter().skip(j).step_by(d).map(move |v| (v, j));
    let turned: Vec<f32> = (0..d).flat_map(centred).map(|(v, j)| v - mean[j]).collect();
    let n = sample.len();
    drop(sample);
    let covariance = Product::new(&turned, n).of(&turned);
    drop(turned);
    let covariance = Product::new(&covariance, d);
    let block = (count + SPARE).min(d);
    let mut directions: Vec<f32> = (0..block * d).map(noise).collect();
    for _ in 0..ITERATIONS {
        orthonormalise(&mut directions, d);
        directions = covariance.of(&directions);
    }
    orthonormalise(&mut directions, d);
    // What rounding left of the first pass, where directions were nearly parallel.
    orthonormalise(&mut directions, d);
    directions.truncate(count * d);
    (mean, directions)
}

/// A value in -0.5..0.5 that looks random.
fn noise(i: usize) -> f32 {
    let mixed = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed >> 40) as f32 / (1u64 << 24) as f32 - 0.5
}

/// Gram and Schmidt's way, row by row; a row that depends on those before it becomes zero.
fn orthonormalise(rows: &mut [f32], d: usize) {
    let dot = |a: &[f32], b: &[f32]| -> f32 {
        let mut lanes = [0.0f32; 16];
        for (a, b) in a.chunks(16).zip(b.chunks(16)) {
            lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (x, y))| *lane += x * y);
        }
        lanes.iter().sum()
    };
    for i in 0..rows.len() / d {
        let (before, own) = rows.split_at_mut(i * d);
        let own = &mut own[..d];
        let length = dot(own, own).sqrt();
        for other in before.chunks_exact(d) {
            let share = dot(own, other);
            own.iter_mut().zip(other).for_each(|(v, o)| *v -= share * o);
        }
        let left = dot(own, own).sqrt();
        let scale = if left > length * 1e-6 { 1.0 / left } else { 0.0 };
        for v in own {
            *v *= scale;
        }
    }
}

/// Dot products with a fixed set of rows: a matrix product, computed as 1x1 convolutions, each adding a piece of the rows
/// to what the ones before have summed, so that rounding does not pile up.
pub(super) struct Product {
    pieces: Vec<Conv>,
    d: usize,
    co: usize,
}

/// Values of a piece.
const DEPTH: usize = 512;
/// Rows of one task.
const BLOCK: usize = 48;

/// Memory of a product.
#[derive(Default)]
pub(super) struct ProductSpace {
    /// A piece of the rows, laid out for the convolution.
    piece: Vec<f32>,
    /// What the pieces before have summed.
    before: Vec<f32>,
}

impl Product {
    /// Packs `rows` of `d` values.
    pub(super) fn new(rows: &[f32], d: usize) -> Self {
        let co = rows.len() / d;
        let piece = |first: usize| {
            let ci = DEPTH.min(d - first);
            let shape = ConvShape { co, ci, groups: 1, size: [1, 1], stride: 1 };
            let own: Vec<f32> =
                rows.chunks_exact(d).flat_map(|row| row[first..first + ci].iter().copied()).collect();
            Conv::new(Isa::best(), shape, &own, &vec![0.0; co])
        };
        Self { pieces: (0..d).step_by(DEPTH).map(piece).collect(), d, co }
    }

    /// How many roundings, one after the other, a term of a product may have met: its own, one for each term of its piece
    /// that is added, and one for each piece.
    pub(super) fn roundings(&self) -> usize {
        1 + DEPTH + self.pieces.len()
    }

    /// For each of `others`, its dot products with all packed rows.
    pub(super) fn of(&self, others: &[f32]) -> Vec<f32> {
        let (co, d) = (self.co, self.d);
        let mut out = vec![0.0; others.len() / d * co];
        let blocks = out.par_chunks_mut(BLOCK * co).zip(others.par_chunks(BLOCK * d));
        blocks.for_each_init(ProductSpace::default, |space, (out, rows)| self.block(rows, space, out));
        out
    }

    /// As [`of`](Self::of), on this thread.
    pub(super) fn block(&self, rows: &[f32], space: &mut ProductSpace, out: &mut [f32]) {
        let n = rows.len() / self.d;
        let to = Layout::new(1, n, self.co, 0);
        let ProductSpace { piece, before } = space;
        before.resize(out.len(), 0.0);
        for (i, conv) in self.pieces.iter().enumerate() {
            let ci = conv.shape().ci;
            let layout = Layout::for_kernels::<f32>(1, n, ci, 0);
            piece.clear();
            piece.resize(layout.len(), 0.0);
            for (pixel, row) in piece.chunks_exact_mut(layout.pitch).zip(rows.chunks_exact(self.d)) {
                pixel[..ci].copy_from_slice(&row[i * DEPTH..][..ci]);
            }
            before.copy_from_slice(out);
            let sum = (i > 0).then_some(Picture { data: &before[..], layout: to });
            let out = Rows { layout: to, first: 0, data: &mut *out };
            conv.rows(Picture { data: &piece[..], layout }, [0, 0], sum, Clamp::NONE, out);
        }
    }
}

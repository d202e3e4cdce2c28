//! The original's two greedy samplers, on rows that are projected already.
//!
//! Both pick the row with the largest anchor value again and again, lowest index on ties, and lower each anchor value to
//! the distance to the pick. They differ in the start: the mean distance to ten random rows (which are no members of the
//! coreset, but their mean stays as a cap), or the root of the sum of squared distances to all rows. A row may be picked
//! again once everything left is at distance zero, as in the original.

use super::farthest::{Farthest, Unit};
use crate::{PatchRows, Progress};
use patchcore_kernels::distance::squared_l2;
use patchcore_kernels::isa::Isa;
use rayon::prelude::*;

/// `ApproximateGreedyCoresetSampler`: picks `rows` rows, starting from the mean distance to `start`.
pub fn approximate_greedy(
    embeddings: &dyn PatchRows,
    start: &[usize],
    rows: usize,
    progress: &dyn Progress,
) -> Vec<usize> {
    let isa = Isa::best();
    let start = embeddings.select(start);
    let anchors = (0..embeddings.len())
        .into_par_iter()
        .map_init(Vec::new, |space, i| {
            let row = embeddings.row(i, space);
            let distance = |p| squared_l2(isa, start.row(p), row).sqrt();
            (0..start.len()).map(distance).sum::<f32>() / start.len() as f32
        })
        .collect();
    pick(embeddings, anchors, rows, progress)
}

/// `GreedyCoresetSampler`: picks `rows` rows. Its matrix of all distances is never made: the sum of squared distances
/// from a row to all rows is `n |x|² + sum |y|² - 2 x · sum y`, in `f64`.
pub fn exact_greedy(embeddings: &dyn PatchRows, rows: usize, progress: &dyn Progress) -> Vec<usize> {
    let (n, d) = (embeddings.len(), embeddings.dim());
    let mut space = Vec::new();
    let norm = |row: &[f32]| row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
    let norms: f64 = (0..n).map(|i| norm(embeddings.row(i, &mut space))).sum();
    let mut sum = vec![0.0f64; d];
    for i in 0..n {
        sum.iter_mut().zip(embeddings.row(i, &mut space)).for_each(|(s, &v)| *s += f64::from(v));
    }
    let anchors = (0..n)
        .map(|i| {
            let row = embeddings.row(i, &mut space);
            let dot: f64 = row.iter().zip(&sum).map(|(&v, s)| f64::from(v) * s).sum();
            (n as f64 * norm(row) + norms - 2.0 * dot).max(0.0).sqrt() as f32
        })
        .collect();
    pick(embeddings, anchors, rows, progress)
}

fn pick(embeddings: &dyn PatchRows, anchors: Vec<f32>, rows: usize, progress: &dyn Progress) -> Vec<usize> {
    let mut farthest = Farthest::new(embeddings, anchors, Unit::Plain, rows, progress);
    for _ in 0..rows {
        let Some((index, _)) = farthest.largest() else { break };
        farthest.pick(index);
    }
    farthest.into_picks()
}

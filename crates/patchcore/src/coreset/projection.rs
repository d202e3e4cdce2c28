//! The random linear map that the original's samplers apply before they measure distances.

use crate::PatchRows;
use crate::mt19937::Mt19937;
use patchcore_tensor::Embeddings;
use rayon::prelude::*;

/// A matrix `[to, from]`, row-major.
pub struct Projection {
    from: usize,
    weights: Vec<f32>,
}

impl Projection {
    /// The default initialisation of a linear layer without bias, drawn from `words`.
    pub fn from_stream(words: &mut Mt19937, from: usize, to: usize) -> Self {
        let bound = (1.0 / (from as f64).sqrt()) as f32;
        Self { from, weights: words.torch_uniform(bound, from * to) }
    }

    /// A given matrix, `[to, from]`.
    ///
    /// # Panics
    /// If the length is no multiple of `from`.
    pub fn from_weights(from: usize, weights: Vec<f32>) -> Self {
        assert!(from > 0 && weights.len().is_multiple_of(from), "weights are no rows of {from}");
        Self { from, weights }
    }

    /// The matrix, `[to, from]`.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Every row times the matrix; sums in `f64`, so that the result is the nearest `f32`.
    pub fn apply(&self, embeddings: &dyn PatchRows) -> Embeddings {
        let to = self.weights.len() / self.from;
        let mut out = vec![0.0; embeddings.len() * to];
        out.par_chunks_mut(to.max(1)).enumerate().for_each_init(Vec::new, |space, (i, out)| {
            let row = embeddings.row(i, space);
            for (o, weights) in out.iter_mut().zip(self.weights.chunks_exact(self.from)) {
                *o = dot(row, weights);
            }
        });
        Embeddings::from_vec(embeddings.len(), to, out).unwrap_or_default()
    }
}

/// Eight running sums in `f64`, added in order.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f64; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for (sum, (&x, &y)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += f64::from(x) * f64::from(y);
        }
    }
    sums.iter().sum::<f64>() as f32
}

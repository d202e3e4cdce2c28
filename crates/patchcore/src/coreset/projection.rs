//! The random linear map that the original's samplers apply before they measure distances.

use crate::PatchRows;
use crate::mt19937::Mt19937;
use patchcore_kernels::isa::Isa;
use patchcore_kernels::product::wide_products;
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
        let wide: Vec<f64> = self.weights.iter().map(|&v| v.into()).collect();
        let mut out = vec![0.0; embeddings.len() * to];
        out.par_chunks_mut(to.max(1)).enumerate().for_each_init(Vec::new, |space, (i, out)| {
            wide_products(Isa::best(), embeddings.row(i, space), &wide, out);
        });
        Embeddings::from_vec(embeddings.len(), to, out).unwrap_or_default()
    }
}

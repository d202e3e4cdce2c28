//! From feature maps to patch embeddings: pool every layer, bring it to the first layer's grid, join.
//!
//! Two ways to join. [`Reduction::Raw`] keeps one mean per channel and concatenates the layers: our default.
//! [`Reduction::Pooled`] averages each layer to `pretrain` values and their concatenation to `target` values: the
//! original. Source: Roth et al. 2022, section 3.1.

use crate::Error;
use crate::patch::{PatchShape, pool_bins, pool_patches};
use crate::resample::resample_rows;
use patchcore_tensor::{Embeddings, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How the layers' vectors become one embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// One value per channel and layer, concatenated.
    Raw,
    /// The original's two poolings.
    Pooled {
        /// `pretrain_embed_dimension`: values per layer.
        pretrain: usize,
        /// `target_embed_dimension`: values per embedding.
        target: usize,
    },
}

/// Turns the feature maps of a picture into embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchEmbedding {
    /// The patches.
    pub patch: PatchShape,
    /// How layers are joined.
    pub reduction: Reduction,
}

/// The embeddings of one picture and the grid on which they lie, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureEmbeddings {
    /// One row per patch.
    pub rows: Embeddings,
    /// Height and width of the grid.
    pub grid: [usize; 2],
}

impl PatchEmbedding {
    /// The width of an embedding for layers with these channels.
    pub fn dim(&self, channels: &[usize]) -> usize {
        match self.reduction {
            Reduction::Raw => channels.iter().sum(),
            Reduction::Pooled { target, .. } => target,
        }
    }

    /// The embeddings of every picture of a batch; `maps` holds one `[n, h, w, c]` per layer, and the first gives the
    /// grid.
    ///
    /// # Errors
    /// [`Error::NoPatch`] if a map is too small for a patch.
    ///
    /// # Panics
    /// If there is no map.
    pub fn embed(&self, maps: &[Tensor]) -> Result<Vec<PictureEmbeddings>, Error> {
        let n = maps[0].shape()[0];
        (0..n).into_par_iter().map(|i| self.embed_picture(maps, i)).collect()
    }

    fn embed_picture(&self, maps: &[Tensor], i: usize) -> Result<PictureEmbeddings, Error> {
        let grid_of = |map: &Tensor| {
            let [_, h, w, _] = map.shape();
            self.patch.grid(h, w).ok_or(Error::NoPatch { h, w, patchsize: self.patch.size })
        };
        let grid = grid_of(&maps[0])?;
        let patches = grid[0] * grid[1];
        let widths: Vec<usize> = maps
            .iter()
            .map(|map| match self.reduction {
                Reduction::Raw => map.shape()[3],
                Reduction::Pooled { pretrain, .. } => pretrain,
            })
            .collect();
        let joined_width: usize = widths.iter().sum();
        let mut joined = vec![0.0; patches * joined_width];
        let mut at = 0;
        for (map, &d) in maps.iter().zip(&widths) {
            let [_, h, w, c] = map.shape();
            let [own_h, own_w] = grid_of(map)?;
            let pooled = pool_patches(map.picture(i), [h, w, c], self.patch, d);
            resample_rows(&pooled, [own_h, own_w, d], grid, |place, values| {
                joined[place * joined_width + at..][..d].copy_from_slice(values);
            });
            at += d;
        }
        let rows = match self.reduction {
            Reduction::Raw => Embeddings::from_vec(patches, joined_width, joined),
            Reduction::Pooled { target, .. } => {
                let mut out = vec![0.0; patches * target];
                let rows = joined.chunks_exact(joined_width.max(1));
                rows.zip(out.chunks_exact_mut(target.max(1))).for_each(|(row, out)| pool_bins(row, out));
                Embeddings::from_vec(patches, target, out)
            }
        };
        // The lengths are products of the numbers used above.
        let rows = rows.unwrap_or_default();
        Ok(PictureEmbeddings { rows, grid })
    }
}

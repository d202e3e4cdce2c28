//! From feature maps to patch embeddings: pool every layer, bring it to the first layer's grid, join.
//!
//! Two ways to join. [`Reduction::Raw`] keeps one mean per channel and concatenates the layers: our default.
//! [`Reduction::Pooled`] averages each layer to `pretrain` values and their concatenation to `target` values: the
//! original. Source: Roth et al. 2022, section 3.1.

use crate::Error;
use crate::patch::{PatchShape, pool_patches};
use crate::resample::{tap, taps};
use patchcore_kernels::isa::Isa;
use patchcore_kernels::patches::{Between, Map, Spaced, mean_bins, mean_patches, mix_row};
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
#[derive(Debug, Clone, PartialEq, Default)]
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
        let embed = |i| {
            let mut embeddings = PictureEmbeddings::default();
            self.embed_into(maps, i, &mut JoinSpace::default(), &mut embeddings)?;
            Ok(embeddings)
        };
        (0..n).into_par_iter().map(embed).collect()
    }

    /// The embeddings of picture `i` of a batch.
    pub(crate) fn embed_into(
        &self,
        maps: &[Tensor],
        i: usize,
        space: &mut JoinSpace,
        out: &mut PictureEmbeddings,
    ) -> Result<(), Error> {
        let layers: Vec<Layer<'_>> =
            maps.iter().map(|map| Layer::new(self, map, i)).collect::<Result<_, Error>>()?;
        let grid @ [h, w] = layers[0].grid;
        let columns: Vec<Vec<Between>> = layers.iter().map(|layer| taps(layer.grid[1], w)).collect();
        space.coarse.resize_with(layers.len(), Vec::new);
        for (layer, pooled) in layers.iter().zip(&mut space.coarse).filter(|(layer, _)| layer.grid != grid) {
            pool_patches(layer.map, self.patch, layer.d, pooled);
        }
        let joined: usize = layers.iter().map(|layer| layer.d).sum();
        let dim = self.dim(&maps.iter().map(|map| map.shape()[3]).collect::<Vec<_>>());
        // A row of the grid, all layers joined.
        let join = |y: usize, out: &mut [f32]| {
            let mut at = 0;
            for ((layer, columns), pooled) in layers.iter().zip(&columns).zip(&space.coarse) {
                let out = Spaced { data: &mut out[at..], pitch: joined, d: layer.d };
                if layer.grid == grid {
                    mean_patches(Isa::best(), layer.map, self.patch.window(), [y, w], out);
                } else {
                    let map = Map { data: pooled, shape: [layer.grid[0], layer.grid[1], layer.d] };
                    mix_row(Isa::best(), map, tap(layer.grid[0], h, y), columns, out);
                }
                at += layer.d;
            }
        };
        out.grid = grid;
        out.rows.reset(h * w, dim);
        let rows = out.rows.data_mut().par_chunks_mut((w * dim).max(1));
        match self.reduction {
            Reduction::Raw => rows.enumerate().for_each(|(y, out)| join(y, out)),
            Reduction::Pooled { .. } => {
                space.joined.resize(h * w * joined, 0.0);
                let rows = rows.zip(space.joined.par_chunks_mut((w * joined).max(1)));
                rows.enumerate().for_each(|(y, (out, row))| {
                    join(y, row);
                    mean_bins(Isa::best(), row, joined, out, dim);
                });
            }
        }
        patchcore_faults::spoil("embed", out.rows.data_mut());
        Ok(())
    }
}

/// Memory for what lies between feature maps and embeddings.
#[derive(Debug, Default)]
pub(crate) struct JoinSpace {
    /// The pooled patches of each layer on its own grid, where that is not the first layer's.
    coarse: Vec<Vec<f32>>,
    /// All layers' vectors, one after the other in each patch.
    joined: Vec<f32>,
}

/// One layer of one picture.
struct Layer<'a> {
    map: Map<'a>,
    /// Height and width of its patch grid.
    grid: [usize; 2],
    /// Values that it adds to an embedding.
    d: usize,
}

impl<'a> Layer<'a> {
    fn new(embedding: &PatchEmbedding, map: &'a Tensor, i: usize) -> Result<Self, Error> {
        let [_, h, w, c] = map.shape();
        let patch = embedding.patch;
        let grid = patch.grid(h, w).ok_or(Error::NoPatch { h, w, patchsize: patch.size })?;
        let d = match embedding.reduction {
            Reduction::Raw => c,
            Reduction::Pooled { pretrain, .. } => pretrain,
        };
        Ok(Self { map: Map { data: map.picture(i), shape: [h, w, c] }, grid, d })
    }
}

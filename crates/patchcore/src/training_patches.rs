//! The patches of all training pictures, held once.

use crate::bank::{MemoryBank, Origin};
use crate::embedding::PictureEmbeddings;
use patchcore_tensor::Embeddings;

/// The embeddings of all training pictures, and which rows belong to which picture.
#[derive(Default)]
pub(crate) struct TrainingPatches {
    pub(crate) rows: Embeddings,
    /// First row and grid of each picture.
    pub(crate) pictures: Vec<(usize, [usize; 2])>,
    pub(crate) names: Vec<String>,
    pub(crate) skipped: Vec<String>,
}

impl TrainingPatches {
    pub(crate) fn push(&mut self, picture: &PictureEmbeddings, total: usize) {
        if self.rows.is_empty() {
            // Room for all at once: growing would copy what is the largest thing in memory.
            self.rows = Embeddings::with_capacity(picture.rows.len() * total, picture.rows.dim());
        }
        self.pictures.push((self.rows.len(), picture.grid));
        self.rows.extend(picture.rows.data());
    }

    /// The rows of one picture.
    pub(crate) fn picture(&self, i: usize) -> &[f32] {
        let (first, [h, w]) = self.pictures[i];
        &self.rows.data()[first * self.rows.dim()..(first + h * w) * self.rows.dim()]
    }

    pub(crate) fn bank(&self, indices: &[usize]) -> MemoryBank {
        let origin = |&row: &usize| {
            let picture = self.pictures.partition_point(|&(first, _)| first <= row) - 1;
            let (first, [_, w]) = self.pictures[picture];
            let place = row - first;
            Origin { picture: picture as u32, y: (place / w) as u32, x: (place % w) as u32 }
        };
        MemoryBank { rows: self.rows.select(indices), origins: indices.iter().map(origin).collect() }
    }
}

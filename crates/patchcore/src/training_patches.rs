//! The patches of all training pictures, held once.

use crate::bank::{MemoryBank, Origin};
use crate::embedding::PictureEmbeddings;
use patchcore_tensor::Embeddings;

/// Most pictures of a sample, and most patches of each.
const SAMPLE: [usize; 2] = [8, 24];

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

    /// Some patches of some pictures, with the pictures' numbers, spread evenly over both.
    pub(crate) fn sample(&self) -> Vec<(u32, Vec<f32>)> {
        let of_picture = |i: usize| {
            let rows = self.picture(i).chunks_exact(self.rows.dim().max(1));
            let every = rows.len().div_ceil(SAMPLE[1]).max(1);
            (i as u32, rows.step_by(every).flatten().copied().collect())
        };
        let every = self.pictures.len().div_ceil(SAMPLE[0]).max(1);
        (0..self.pictures.len()).step_by(every).map(of_picture).collect()
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

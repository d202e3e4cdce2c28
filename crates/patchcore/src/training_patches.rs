//! The patches of all training pictures, held once.

use crate::bank::{MemoryBank, Origin};
use crate::embedding::PictureEmbeddings;
use crate::{Error, FeaturePrecision, Features};

/// Most pictures of a sample, and most patches of each.
const SAMPLE: [usize; 2] = [8, 24];

/// One member's embeddings of all training pictures, and which rows belong to which picture.
#[derive(Default)]
pub(crate) struct TrainingPatches {
    pub(crate) rows: Features,
    pub(crate) pictures: Vec<TrainingPicture>,
}

/// Where a picture's patches are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrainingPicture {
    /// Its first row; the others follow in raster order.
    first: usize,
    /// Rows and columns of its patch grid.
    pub(crate) grid: [usize; 2],
    /// Size `[h, w]` of the network's input that it became.
    pub(crate) input: [usize; 2],
}

impl TrainingPatches {
    /// Adds the patches of the next picture, one of `total`.
    pub(crate) fn push(
        &mut self,
        name: &str,
        picture: &PictureEmbeddings,
        input: [usize; 2],
        precision: FeaturePrecision,
        total: usize,
    ) -> Result<(), Error> {
        if self.rows.is_empty() {
            // Room for all at once: growing would copy what is the largest thing in memory.
            self.rows = Features::with_capacity(precision, picture.rows.len() * total, picture.rows.dim());
        }
        let first = self.rows.len();
        self.rows.extend(picture.rows.data(), name)?;
        self.pictures.push(TrainingPicture { first, grid: picture.grid, input });
        Ok(())
    }

    /// The rows of one picture; in `space` if they are not kept as `f32`.
    pub(crate) fn picture<'a>(&'a self, i: usize, space: &'a mut Vec<f32>) -> &'a [f32] {
        let TrainingPicture { first, grid: [h, w], .. } = self.pictures[i];
        self.rows.values(first * self.rows.dim()..(first + h * w) * self.rows.dim(), space)
    }

    /// Some patches of some pictures, with the pictures' numbers, spread evenly over both.
    pub(crate) fn sample(&self) -> Vec<(u32, Vec<f32>)> {
        let of_picture = |i: usize| {
            let mut space = Vec::new();
            let rows = self.picture(i, &mut space).chunks_exact(self.rows.dim().max(1));
            let every = rows.len().div_ceil(SAMPLE[1]).max(1);
            (i as u32, rows.step_by(every).flatten().copied().collect())
        };
        let every = self.pictures.len().div_ceil(SAMPLE[0]).max(1);
        (0..self.pictures.len()).step_by(every).map(of_picture).collect()
    }

    pub(crate) fn bank(&self, indices: &[usize]) -> MemoryBank {
        let origin = |&row: &usize| {
            let picture = self.pictures.partition_point(|picture| picture.first <= row) - 1;
            let TrainingPicture { first, grid: [_, w], .. } = self.pictures[picture];
            let place = row - first;
            Origin { picture: picture as u32, y: (place / w) as u32, x: (place % w) as u32 }
        };
        MemoryBank { rows: self.rows.select(indices), origins: indices.iter().map(origin).collect() }
    }
}

//! The patches of a training set, in whatever numbers they are kept.

use crate::Error;
use patchcore_kernels::distance::squared_l2_to;
use patchcore_kernels::isa::Isa;
use patchcore_tensor::{Embeddings, HalfEmbeddings};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// In which numbers `fit` keeps the embeddings of all training patches. Distances are computed in `f32` either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeaturePrecision {
    /// As they were computed.
    #[default]
    F32,
    /// Rounded to 11 bits of precision, in half the memory. The memory bank holds the rounded values.
    F16,
}

impl FeaturePrecision {
    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}

/// Embeddings that a coreset can be chosen from, `[n, d]`: [`Embeddings`] or [`HalfEmbeddings`].
pub trait PatchRows: Sync {
    /// Number of patches, `n`.
    fn len(&self) -> usize;

    /// Width of a row, `d`.
    fn dim(&self) -> usize;

    /// Whether there is no row.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values at these places of the memory order, as `f32`; in `space` if they are kept as something else.
    fn values<'a>(&'a self, places: Range<usize>, space: &'a mut Vec<f32>) -> &'a [f32];

    /// The rows with these numbers, in this order.
    fn select(&self, indices: &[usize]) -> Embeddings;

    /// The squared distances of `row` to the rows with these numbers.
    fn squared_l2_to(&self, row: &[f32], numbers: &[u32], out: &mut [f32]);

    /// Row `i`.
    fn row<'a>(&'a self, i: usize, space: &'a mut Vec<f32>) -> &'a [f32] {
        self.values(i * self.dim()..(i + 1) * self.dim(), space)
    }
}

impl PatchRows for Embeddings {
    fn len(&self) -> usize {
        self.len()
    }

    fn dim(&self) -> usize {
        self.dim()
    }

    fn values<'a>(&'a self, places: Range<usize>, _space: &'a mut Vec<f32>) -> &'a [f32] {
        &self.data()[places]
    }

    fn select(&self, indices: &[usize]) -> Embeddings {
        self.select(indices)
    }

    fn squared_l2_to(&self, row: &[f32], numbers: &[u32], out: &mut [f32]) {
        squared_l2_to(Isa::best(), row, self.data(), numbers, out);
    }
}

impl PatchRows for HalfEmbeddings {
    fn len(&self) -> usize {
        self.len()
    }

    fn dim(&self) -> usize {
        self.dim()
    }

    fn values<'a>(&'a self, places: Range<usize>, space: &'a mut Vec<f32>) -> &'a [f32] {
        self.values(places, space)
    }

    fn select(&self, indices: &[usize]) -> Embeddings {
        self.select(indices)
    }

    fn squared_l2_to(&self, row: &[f32], numbers: &[u32], out: &mut [f32]) {
        squared_l2_to(Isa::best(), row, self.data(), numbers, out);
    }
}

/// All rows but those of a stretch, without a copy of them.
pub(crate) struct Without<'a> {
    rows: &'a dyn PatchRows,
    left_out: Range<usize>,
}

impl<'a> Without<'a> {
    /// `rows` without those with these numbers.
    pub(crate) fn new(rows: &'a dyn PatchRows, left_out: Range<usize>) -> Self {
        Self { rows, left_out }
    }

    /// The number among all rows of row `i` of these.
    pub(crate) fn number(&self, i: usize) -> usize {
        if i < self.left_out.start { i } else { i + self.left_out.len() }
    }
}

impl PatchRows for Without<'_> {
    fn len(&self) -> usize {
        self.rows.len() - self.left_out.len()
    }

    fn dim(&self) -> usize {
        self.rows.dim()
    }

    fn values<'a>(&'a self, places: Range<usize>, space: &'a mut Vec<f32>) -> &'a [f32] {
        let [gap, skipped] = [self.left_out.start, self.left_out.len()].map(|rows| rows * self.dim());
        if places.end <= gap {
            self.rows.values(places, space)
        } else if places.start >= gap {
            self.rows.values(places.start + skipped..places.end + skipped, space)
        } else {
            let mut part = Vec::new();
            let mut both = self.rows.values(places.start..gap, &mut part).to_vec();
            both.extend_from_slice(self.rows.values(gap + skipped..places.end + skipped, &mut part));
            *space = both;
            space
        }
    }

    fn select(&self, indices: &[usize]) -> Embeddings {
        self.rows.select(&indices.iter().map(|&i| self.number(i)).collect::<Vec<_>>())
    }

    fn squared_l2_to(&self, row: &[f32], numbers: &[u32], out: &mut [f32]) {
        let numbers: Vec<u32> = numbers.iter().map(|&i| self.number(i as usize) as u32).collect();
        self.rows.squared_l2_to(row, &numbers, out);
    }
}

/// The embeddings of all training patches, in the numbers that were asked for.
pub enum Features {
    /// As they were computed.
    F32(Embeddings),
    /// In half the memory.
    F16(HalfEmbeddings),
}

impl Default for Features {
    fn default() -> Self {
        Self::F32(Embeddings::default())
    }
}

impl std::ops::Deref for Features {
    type Target = dyn PatchRows;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::F32(rows) => rows,
            Self::F16(rows) => rows,
        }
    }
}

impl Features {
    /// No rows yet, room for `rows` of `d` values.
    pub(crate) fn with_capacity(precision: FeaturePrecision, rows: usize, d: usize) -> Self {
        match precision {
            FeaturePrecision::F32 => Self::F32(Embeddings::with_capacity(rows, d)),
            FeaturePrecision::F16 => Self::F16(HalfEmbeddings::with_capacity(rows, d)),
        }
    }

    /// Bytes that the rows take.
    pub fn bytes(&self) -> usize {
        match self {
            Self::F32(rows) => size_of_val(rows.data()),
            Self::F16(rows) => size_of_val(rows.data()),
        }
    }

    /// Keeps the first rows, and gives back the memory of the others.
    pub fn truncate(&mut self, rows: usize) {
        match self {
            Self::F32(all) => all.truncate(rows),
            Self::F16(all) => all.truncate(rows),
        }
    }

    /// Adds the rows of a picture with this name.
    pub(crate) fn extend(&mut self, rows: &[f32], picture: &str) -> Result<(), Error> {
        match self {
            Self::F32(all) => all.extend(rows),
            Self::F16(all) => all
                .extend(rows)
                .map_err(|value| Error::FeatureRange { picture: picture.to_string(), value })?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_around_a_gap_are_the_rows_copied() {
        let data: Vec<f32> = (0..18).map(|v| v as f32).collect();
        let all = Embeddings::from_vec(6, 3, data.clone()).unwrap();
        let mut half = HalfEmbeddings::with_capacity(6, 3);
        half.extend(&data).unwrap();
        for left_out in [0..0, 0..2, 1..4, 4..6, 6..6] {
            let kept: Vec<usize> = (0..6).filter(|i| !left_out.contains(i)).collect();
            let copied = all.select(&kept);
            for rows in [&all as &dyn PatchRows, &half] {
                let view = Without::new(rows, left_out.clone());
                assert_eq!((view.len(), view.dim()), (kept.len(), 3));
                for from in 0..copied.data().len() {
                    for to in from..=copied.data().len() {
                        assert_eq!(view.values(from..to, &mut Vec::new()), &copied.data()[from..to]);
                    }
                }
                let picked: Vec<usize> = (0..kept.len()).rev().collect();
                assert_eq!(view.select(&picked), copied.select(&picked));
                let numbers: Vec<u32> = picked.iter().map(|&i| i as u32).collect();
                let [mut got, mut expected] = [vec![0.0; picked.len()], vec![0.0; picked.len()]];
                view.squared_l2_to(&[1.0, 2.0, 3.0], &numbers, &mut got);
                PatchRows::squared_l2_to(&copied, &[1.0, 2.0, 3.0], &numbers, &mut expected);
                assert_eq!(got, expected);
            }
        }
    }
}

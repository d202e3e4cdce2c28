use crate::{ShapeError, checked};

/// Patch embeddings, one row per patch: `[n, d]`, `f32`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Embeddings {
    n: usize,
    d: usize,
    data: Vec<f32>,
}

impl Embeddings {
    /// Takes `data` as `n` rows of `d` values.
    ///
    /// # Errors
    /// [`ShapeError`] if the length is not `n * d`.
    pub fn from_vec(n: usize, d: usize, data: Vec<f32>) -> Result<Self, ShapeError> {
        checked(&[n, d], data.len())?;
        Ok(Self { n, d, data })
    }

    /// No rows yet, room for `rows` of `d` values.
    pub fn with_capacity(rows: usize, d: usize) -> Self {
        Self { n: 0, d, data: Vec::with_capacity(rows * d) }
    }

    /// Changes the shape, keeping the memory where it is large enough. The values are unspecified: old ones or zeros.
    pub fn reset(&mut self, n: usize, d: usize) {
        self.data.resize(n * d, 0.0);
        (self.n, self.d) = (n, d);
    }

    /// Number of patches, `n`.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Width of a row, `d`.
    pub fn dim(&self) -> usize {
        self.d
    }

    /// One row, `[d]`.
    ///
    /// # Panics
    /// If `patch_index` is not below [`len`](Self::len).
    pub fn row(&self, patch_index: usize) -> &[f32] {
        &self.data[patch_index * self.d..(patch_index + 1) * self.d]
    }

    /// All rows, in memory order.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All rows, in memory order, to be changed.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// All values, given up by the owner.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }

    /// Adds rows at the end; `rows.len()` must be a multiple of `d`.
    ///
    /// # Panics
    /// If it is not.
    pub fn extend(&mut self, rows: &[f32]) {
        assert!(rows.len().is_multiple_of(self.d.max(1)), "{} values are no rows of {}", rows.len(), self.d);
        self.data.extend_from_slice(rows);
        self.n += rows.len() / self.d.max(1);
    }

    /// Keeps the first rows, and gives back the memory of the others.
    pub fn truncate(&mut self, rows: usize) {
        self.n = self.n.min(rows);
        self.data.truncate(self.n * self.d);
        self.data.shrink_to_fit();
    }

    /// The rows with these numbers, in this order.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Embeddings {
        let mut out = Embeddings::with_capacity(indices.len(), self.d);
        for &i in indices {
            out.extend(self.row(i));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn select_keeps_the_order_given() {
        let e = Embeddings::from_vec(3, 2, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let s = e.select(&[2, 0]);
        assert_eq!((s.len(), s.dim(), s.data()), (2, 2, &[4.0, 5.0, 0.0, 1.0][..]));
    }

    #[test]
    fn a_wrong_length_is_refused() {
        assert!(Embeddings::from_vec(3, 2, vec![0.0; 5]).is_err());
    }
}

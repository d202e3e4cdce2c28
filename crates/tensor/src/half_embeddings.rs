use crate::Embeddings;
use half::f16;
use half::slice::HalfFloatSliceExt;
use std::ops::Range;

/// Patch embeddings kept in half the memory, one row per patch: `[n, d]`, `f16`.
///
/// ```
/// use patchcore_tensor::HalfEmbeddings;
/// let mut rows = HalfEmbeddings::with_capacity(1, 3);
/// assert!(rows.extend(&[0.1, -2.0, 65_504.0]).is_ok());
/// assert_eq!(rows.values(0..3, &mut Vec::new()), [0.099975586, -2.0, 65_504.0]);
/// // What `f16` cannot hold is given back.
/// assert_eq!(rows.extend(&[0.0, 1e5, 0.0]), Err(1e5));
/// assert_eq!(rows.len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HalfEmbeddings {
    n: usize,
    d: usize,
    data: Vec<f16>,
}

impl HalfEmbeddings {
    /// No rows yet, room for `rows` of `d` values.
    pub fn with_capacity(rows: usize, d: usize) -> Self {
        Self { n: 0, d, data: Vec::with_capacity(rows * d) }
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

    /// All rows, in memory order.
    pub fn data(&self) -> &[f16] {
        &self.data
    }

    /// Adds rows at the end, each value rounded to the nearest; `rows.len()` must be a multiple of `d`.
    ///
    /// # Errors
    /// The first value that is finite and too large for `f16`; then nothing is added.
    ///
    /// # Panics
    /// If the length does not fit.
    pub fn extend(&mut self, rows: &[f32]) -> Result<(), f32> {
        assert!(rows.len().is_multiple_of(self.d.max(1)), "{} values are no rows of {}", rows.len(), self.d);
        let first = self.data.len();
        self.data.resize(first + rows.len(), f16::ZERO);
        self.data[first..].convert_from_f32_slice(rows);
        let pairs = self.data[first..].iter().zip(rows);
        if let Some((_, &value)) = pairs.into_iter().find(|(half, v)| half.is_infinite() && v.is_finite()) {
            self.data.truncate(first);
            return Err(value);
        }
        self.n += rows.len() / self.d.max(1);
        Ok(())
    }

    /// Keeps the first rows, and gives back the memory of the others.
    pub fn truncate(&mut self, rows: usize) {
        self.n = self.n.min(rows);
        self.data.truncate(self.n * self.d);
        self.data.shrink_to_fit();
    }

    /// The values at these places of the memory order, as `f32` in `space`.
    ///
    /// # Panics
    /// If a place is not below `n * d`.
    pub fn values<'a>(&self, places: Range<usize>, space: &'a mut Vec<f32>) -> &'a [f32] {
        space.resize(places.len(), 0.0);
        self.data[places].convert_to_f32_slice(space);
        space
    }

    /// The rows with these numbers, in this order, as `f32`.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Embeddings {
        let mut out = Embeddings::with_capacity(indices.len(), self.d);
        let mut space = Vec::new();
        for &i in indices {
            out.extend(self.values(i * self.d..(i + 1) * self.d, &mut space));
        }
        out
    }
}

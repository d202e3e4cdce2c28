use crate::{ShapeError, checked};

/// One score per pixel or patch, `[h, w]`, `f32`; higher is more anomalous.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnomalyMap {
    h: usize,
    w: usize,
    data: Vec<f32>,
}

impl AnomalyMap {
    /// Takes `data` as `h` rows of `w` scores.
    ///
    /// # Errors
    /// [`ShapeError`] if the length is not `h * w`.
    pub fn from_vec(h: usize, w: usize, data: Vec<f32>) -> Result<Self, ShapeError> {
        checked(&[h, w], data.len())?;
        Ok(Self { h, w, data })
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.h
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.w
    }

    /// All scores, row by row.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All scores, given up by the owner.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }

    /// The score at row `y`, column `x`.
    ///
    /// # Panics
    /// If the place is outside the map.
    pub fn at(&self, y: usize, x: usize) -> f32 {
        assert!(y < self.h && x < self.w, "({y}, {x}) outside a {}x{} map", self.h, self.w);
        self.data[y * self.w + x]
    }

    /// Whether no score is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        self.data.iter().all(|score| score.is_finite())
    }

    /// The smallest and the largest score; `None` for an empty map. NaN is ignored unless all is NaN.
    pub fn min_max(&self) -> Option<(f32, f32)> {
        let first = *self.data.first()?;
        Some(self.data.iter().fold((first, first), |(lo, hi), &v| (lo.min(v), hi.max(v))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_first() {
        let m = AnomalyMap::from_vec(2, 3, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(m.at(1, 0), 3.0);
        assert_eq!(m.min_max(), Some((0.0, 5.0)));
    }
}

use crate::{ShapeError, checked};

/// A batch of pictures or feature maps, `[n, h, w, c]` in memory order, `f32`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tensor {
    shape: [usize; 4],
    data: Vec<f32>,
}

impl Tensor {
    /// Takes `data` as a tensor of `shape` = `[n, h, w, c]`.
    ///
    /// # Errors
    /// [`ShapeError`] if the length is not the product of the shape.
    pub fn from_vec(shape: [usize; 4], data: Vec<f32>) -> Result<Self, ShapeError> {
        checked(&shape, data.len())?;
        Ok(Self { shape, data })
    }

    /// A tensor of zeros.
    pub fn zeros(shape: [usize; 4]) -> Self {
        Self { shape, data: vec![0.0; shape.iter().product()] }
    }

    /// Changes the shape, keeping the memory where it is large enough. The values are unspecified: old ones or zeros.
    pub fn reset(&mut self, shape: [usize; 4]) {
        self.data.resize(shape.iter().product(), 0.0);
        self.shape = shape;
    }

    /// `[n, h, w, c]`.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// All values, in memory order.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values, in memory order, to be changed.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The channels of one pixel, `[c]`.
    ///
    /// # Panics
    /// If an index is outside the shape.
    pub fn pixel(&self, n: usize, y: usize, x: usize) -> &[f32] {
        let [_, h, w, c] = self.shape;
        assert!(n < self.shape[0] && y < h && x < w, "pixel ({n}, {y}, {x}) outside {:?}", self.shape);
        let at = ((n * h + y) * w + x) * c;
        &self.data[at..at + c]
    }

    /// One picture of the batch, `[h, w, c]` in memory order.
    ///
    /// # Panics
    /// If `n` is outside the batch.
    pub fn picture(&self, n: usize) -> &[f32] {
        let size = self.shape[1] * self.shape[2] * self.shape[3];
        &self.data[n * size..(n + 1) * size]
    }

    /// Joins tensors of equal `[h, w, c]` along `n`; `None` if there are none or their shapes differ.
    pub fn stack(parts: &[&Tensor]) -> Option<Tensor> {
        let [_, h, w, c] = parts.first()?.shape;
        if parts.iter().any(|p| p.shape[1..] != [h, w, c]) {
            return None;
        }
        let data: Vec<f32> = parts.iter().flat_map(|p| p.data.iter().copied()).collect();
        Some(Tensor { shape: [parts.iter().map(|p| p.shape[0]).sum(), h, w, c], data })
    }

    /// The same values as `[n, c, h, w]`, the order that `PyTorch` uses.
    pub fn to_nchw(&self) -> Vec<f32> {
        let [n, h, w, c] = self.shape;
        let mut out = Vec::with_capacity(self.data.len());
        for picture in self.data.chunks_exact((h * w * c).max(1)).take(n) {
            for channel in 0..c {
                out.extend(picture.iter().skip(channel).step_by(c));
            }
        }
        out
    }

    /// Takes values in `[n, c, h, w]` order; `shape` is given as `[n, h, w, c]`.
    ///
    /// # Errors
    /// [`ShapeError`] if the length is not the product of the shape.
    pub fn from_nchw(shape: [usize; 4], values: &[f32]) -> Result<Self, ShapeError> {
        checked(&shape, values.len())?;
        let [n, h, w, c] = shape;
        let mut out = Self::zeros(shape);
        for i in 0..n {
            for channel in 0..c {
                for p in 0..h * w {
                    out.data[(i * h * w + p) * c + channel] = values[(i * c + channel) * h * w + p];
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nchw_and_back() {
        let t = Tensor::from_vec([2, 2, 3, 4], (0..48).map(|v| v as f32).collect()).unwrap();
        let back = Tensor::from_nchw([2, 2, 3, 4], &t.to_nchw()).unwrap();
        assert_eq!(t, back);
        assert_eq!(t.to_nchw()[1], t.pixel(0, 0, 1)[0]);
    }

    #[test]
    fn a_wrong_length_is_named() {
        let e = Tensor::from_vec([1, 2, 2, 3], vec![0.0; 11]).unwrap_err();
        assert_eq!(e.to_string(), "shape [1, 2, 2, 3] needs 12 values, got 11");
    }

    #[test]
    fn stack_refuses_unequal_pictures() {
        let (one, two) = (Tensor::zeros([1, 2, 2, 3]), Tensor::zeros([2, 2, 2, 3]));
        assert!(Tensor::stack(&[&one, &Tensor::zeros([1, 2, 3, 3])]).is_none());
        assert_eq!(Tensor::stack(&[&one, &two]).unwrap().shape()[0], 3);
    }
}

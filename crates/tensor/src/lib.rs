//! Shapes and owners of numbers: pictures as tensors, patch embeddings, anomaly maps.
//!
//! Axes are written in memory order. A [`Tensor`] is `[n, h, w, c]` (channels last, as the kernels want them),
//! [`Embeddings`] are `[n, d]`, an [`AnomalyMap`] is `[h, w]`. Lengths are checked once, when a value is made.
//!
//! ```
//! use patchcore_tensor::Tensor;
//!
//! let t = Tensor::from_vec([1, 2, 2, 3], (0..12).map(|v| v as f32).collect())?;
//! assert_eq!(t.pixel(0, 1, 0), &[6.0, 7.0, 8.0]);
//! # Ok::<(), patchcore_tensor::ShapeError>(())
//! ```

mod anomaly_map;
mod embeddings;
mod half_embeddings;
mod tensor;

pub use anomaly_map::AnomalyMap;
pub use embeddings::Embeddings;
pub use half_embeddings::HalfEmbeddings;
pub use tensor::Tensor;

/// A buffer whose length does not fit the shape it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("shape {shape:?} needs {expected} values, got {got}")]
pub struct ShapeError {
    /// The shape that was asked for.
    pub shape: Vec<usize>,
    /// The product of the shape (`usize::MAX` if it overflows).
    pub expected: usize,
    /// The length of the buffer.
    pub got: usize,
}

fn checked(shape: &[usize], got: usize) -> Result<(), ShapeError> {
    let expected = shape.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis));
    match expected {
        Some(expected) if expected == got => Ok(()),
        _ => Err(ShapeError { shape: shape.to_vec(), expected: expected.unwrap_or(usize::MAX), got }),
    }
}

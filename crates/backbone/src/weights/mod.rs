//! Reads pretrained weights: `.safetensors`, and the `.pth` / `.pt` files that torch.save writes.
//!
//! ```text
//! file_format -+-> safetensors ----------------------------------------------------------+-> Weights
//!              +-> torch_zip ----+                                                        |
//!              +-> torch_legacy -+-> pickle (opcodes -> plain data) -> state_dict -> torch_tensor
//! ```
//!
//! A torch.save file carries a pickle, which in Python is a program. Here it is data: a small interpreter builds plain
//! values, a fixed table says which names may occur, and nothing is ever called, imported or written to disk. The bytes
//! of a file set every limit: no reader allocates more than a small multiple of them.
//!
//! Integer tensors (`num_batches_tracked`) are known but not kept; `f16`, `bf16` and `f64` become `f32`. A state dict may
//! stand alone or under `state_dict` or `model`, and a prefix `module.` that all names share is taken off.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod dtype;
mod error;
mod file_format;
mod nearest;
mod pickle;
mod safetensors;
mod state_dict;
mod torch_legacy;
mod torch_names;
mod torch_tensor;
mod torch_zip;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::{WeightsError, WeightsErrorKind};

use file_format::FileFormat;

/// One named array of a network, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightTensor {
    /// Length of each axis; empty for a single number.
    pub shape: Vec<usize>,
    /// As many values as the product of `shape`.
    pub values: Vec<f32>,
}

/// The tensors of a weight file by name, in the order of their names.
///
/// # Examples
///
/// ```
/// use patchcore_backbone::weights::{WeightTensor, Weights};
///
/// let mut weights = Weights::default();
/// weights.insert("conv1.weight", WeightTensor { shape: vec![1, 2], values: vec![0.5, -0.5] });
///
/// assert_eq!(weights.take("conv1.weight", &[1, 2])?.values, [0.5, -0.5]);
/// let error = weights.take("conv1.weight", &[2, 1]).unwrap_err();
/// assert_eq!(error.to_string(), "conv1.weight: shape [1, 2], expected [2, 1]");
/// # Ok::<(), patchcore_backbone::weights::WeightsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Weights {
    tensors: BTreeMap<String, WeightTensor>,
    /// Integer tensors by name, with their type, so that asking for one gives the right error.
    skipped: BTreeMap<String, &'static str>,
}

impl Weights {
    /// Reads a weight file, whatever its ending: the format is recognised by content.
    ///
    /// The whole file is copied into memory first, so a change on disk afterwards has no effect.
    ///
    /// # Errors
    ///
    /// [`WeightsError::File`] if there is no regular file to read, else
    /// [`WeightsError::InFile`] with what [`Weights::from_bytes`] found.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let bytes = patchcore_files::read_regular(path, u64::MAX)?;
        Self::from_bytes(&bytes).map_err(|error| error.in_file(path))
    }

    /// Reads the bytes of a weight file.
    ///
    /// # Errors
    ///
    /// Anything in [`WeightsError`] that is not about paths, shapes or missing names: another kind of file, a truncated
    /// one, names that a state dict does not need, tensors that do not fit their bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        let mut weights = match file_format::recognise(bytes)? {
            FileFormat::Safetensors => safetensors::read(bytes)?,
            FileFormat::TorchZip => torch_zip::read(bytes)?,
            FileFormat::TorchLegacy => torch_legacy::read(bytes)?,
        };
        weights.strip_module_prefix();
        Ok(weights)
    }

    /// Adds a tensor, in place of one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: WeightTensor) {
        self.tensors.insert(name.into(), tensor);
    }

    /// All names in ascending order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The tensor of that name, unchecked.
    pub fn get(&self, name: &str) -> Option<&WeightTensor> {
        self.tensors.get(name)
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The tensor of that name, if it has this shape and only finite values.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Missing`] with the most similar names, [`WeightsError::WrongDtype`] if it holds integers,
    /// [`WeightsError::WrongShape`], or [`WeightsError::NotFinite`] with the first bad value.
    pub fn take(&self, name: &str, shape: &[usize]) -> Result<&WeightTensor, WeightsError> {
        let tensor = self.get(name).ok_or_else(|| self.missing(name))?;
        let (name, got) = (|| name.to_owned(), &tensor.shape);
        if got != shape || shape_product(shape) != Some(tensor.values.len()) {
            return Err(WeightsError::WrongShape {
                name: name(),
                got: got.clone(),
                expected: shape.to_vec(),
            });
        }
        match tensor.values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(WeightsError::NotFinite { name: name(), index }),
            None => Ok(tensor),
        }
    }

    fn missing(&self, name: &str) -> WeightsError {
        match self.skipped.get(name) {
            Some(dtype) => WeightsError::WrongDtype { name: name.to_owned(), dtype },
            None => WeightsError::Missing {
                name: name.to_owned(),
                nearest: nearest::names(name, self.names(), 3).into_iter().map(str::to_owned).collect(),
            },
        }
    }

    fn skip(&mut self, name: &str, dtype: &'static str) {
        self.skipped.insert(name.to_owned(), dtype);
    }

    /// Takes off what `torch.nn.DataParallel` puts before every name.
    fn strip_module_prefix(&mut self) {
        const PREFIX: &str = "module.";
        if self.tensors.keys().chain(self.skipped.keys()).all(|name| name.starts_with(PREFIX)) {
            let bare = |name: String| name.strip_prefix(PREFIX).map_or(name.clone(), str::to_owned);
            self.tensors = std::mem::take(&mut self.tensors).into_iter().map(|(k, v)| (bare(k), v)).collect();
            self.skipped = std::mem::take(&mut self.skipped).into_iter().map(|(k, v)| (bare(k), v)).collect();
        }
    }
}

/// How many values a tensor of this shape holds, if that can be counted.
fn shape_product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &length| n.checked_mul(length))
}

/// A shape as text: `[64, 3, 7, 7]`.
fn shape_list(shape: &[usize]) -> String {
    format!("{shape:?}")
}

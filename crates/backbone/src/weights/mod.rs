//! Reads pretrained weights: `.safetensors`, and the `.pth` / `.pt` files that torch.save writes.
//!
//! ```text
//! file_format -+-> safetensors ----------------------------------------------------------+-> store -> Weights
//!              +-> torch_zip ----+                                                        |
//!              +-> torch_legacy -+-> patchcore_pickle (opcodes -> plain data) -> state_dict -> torch_tensor
//! ```
//!
//! A reader gives the table of a file: names, shapes, and where the values lie. The values of a file on disk are read
//! when they are [taken](Weights::take), so that what no network asks for costs nothing.
//!
//! A torch.save file carries a pickle, which in Python is a program. Here it is data: a small interpreter builds plain
//! values, a fixed table says which names may occur, and nothing is ever called, imported or written to disk. The bytes
//! of a file set every limit: no reader allocates more than a small multiple of them.
//!
//! [`TorchFile`] is the same for a file that holds more than a state dict: its reader finds the tensors.
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
mod safetensors;
mod state_dict;
mod store;
mod torch_file;
mod torch_legacy;
mod torch_names;
mod torch_tensor;
mod torch_zip;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use patchcore_files::RegularFile;

pub use error::{WeightsError, WeightsErrorKind};
pub use nearest::names as nearest_names;
pub use torch_file::TorchFile;

use file_format::FileFormat;
use store::{Listing, OpenFile, Source, Stored};

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
#[derive(Debug, Clone, Default)]
pub struct Weights {
    tensors: BTreeMap<String, Entry>,
    /// Integer tensors by name, with their type, so that asking for one gives the right error.
    skipped: BTreeMap<String, &'static str>,
    /// Where those tensors are that are not here yet.
    file: Option<Arc<OpenFile>>,
}

#[derive(Debug, Clone)]
enum Entry {
    Here(WeightTensor),
    Stored(Stored),
}

impl Entry {
    fn shape(&self) -> &[usize] {
        match self {
            Self::Here(tensor) => &tensor.shape,
            Self::Stored(tensor) => &tensor.shape,
        }
    }
}

impl Weights {
    /// Opens a weight file, whatever its ending: the format is recognised by content.
    ///
    /// The whole table of tensors is checked now. Their values are read when they are taken: the file stays open, and a
    /// change of it in between is an error then. (Torch files whose tensors share storages are read whole.)
    ///
    /// # Errors
    ///
    /// [`WeightsError::File`] if there is no regular file to read, else
    /// [`WeightsError::InFile`] with what [`Weights::from_bytes`] found.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let file = Arc::new(RegularFile::open(path)?);
        Self::from_file(&file).map_err(|error| error.in_file(path))
    }

    fn from_file(file: &Arc<RegularFile>) -> Result<Self, WeightsError> {
        let listing = list(&Source::File(Arc::clone(file)))?;
        if !listing.is_whole() {
            return Self::from_bytes(&file.read_range(0, file.len())?);
        }
        Ok(Self::stored(listing, file).without_module_prefix())
    }

    /// The tensors of an open file, all of them whole, read when they are taken.
    fn stored(listing: Listing<'static>, file: &Arc<RegularFile>) -> Self {
        let Listing { tensors, skipped, zip } = listing;
        let tensors = tensors.into_iter().map(|(name, tensor)| (name, Entry::Stored(tensor))).collect();
        let file = Some(Arc::new(OpenFile { file: Arc::clone(file), zip }));
        Self { tensors, skipped: skipped.into_iter().collect(), file }
    }

    /// The tensors of a file in memory.
    fn decoded(listing: Listing<'_>, bytes: &[u8]) -> Result<Self, WeightsError> {
        let decode = |(name, tensor): (String, Stored)| {
            let tensor = tensor.decode(&name, bytes)?;
            Ok((name, Entry::Here(tensor)))
        };
        let tensors = listing.tensors.into_iter().map(decode).collect::<Result<_, WeightsError>>()?;
        Ok(Self { tensors, skipped: listing.skipped.into_iter().collect(), file: None })
    }

    /// Reads the bytes of a weight file.
    ///
    /// # Errors
    ///
    /// Anything in [`WeightsError`] that is not about paths, shapes or missing names: another kind of file, a truncated
    /// one, names that a state dict does not need, tensors that do not fit their bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeightsError> {
        Ok(Self::decoded(list(&Source::Memory(bytes))?, bytes)?.without_module_prefix())
    }

    /// Adds a tensor, in place of one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: WeightTensor) {
        self.tensors.insert(name.into(), Entry::Here(tensor));
    }

    /// All names in ascending order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether there is a tensor of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// The tensor of that name, whatever its shape and values.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Missing`] with the most similar names, [`WeightsError::WrongDtype`] if it holds integers, or
    /// [`WeightsError::File`] or [`WeightsError::InFile`] if the file cannot be read any more.
    pub fn tensor(&self, name: &str) -> Result<WeightTensor, WeightsError> {
        let mut values = Vec::new();
        let shape = self.read_into(name, &mut values)?.to_vec();
        Ok(WeightTensor { shape, values })
    }

    /// The tensor of that name, if it has this shape and only finite values.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check) and [`tensor`](Self::tensor), and [`WeightsError::NotFinite`] with the first bad
    /// value.
    pub fn take(&self, name: &str, shape: &[usize]) -> Result<WeightTensor, WeightsError> {
        self.check(name, shape)?;
        let mut values = Vec::new();
        self.finite_into(name, &mut values)?;
        Ok(WeightTensor { shape: shape.to_vec(), values })
    }

    /// Checks that there is a tensor of that name and shape; reads no values.
    ///
    /// # Errors
    ///
    /// [`WeightsError::Missing`] with the most similar names, [`WeightsError::WrongDtype`] if it holds integers, or
    /// [`WeightsError::WrongShape`].
    pub fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        if self.holds(name, shape) {
            return Ok(());
        }
        Err(WeightsError::WrongShape {
            name: name.to_owned(),
            got: self.entry(name)?.shape().to_vec(),
            expected: shape.to_vec(),
        })
    }

    /// Whether there is a tensor of that name and shape; reads no values.
    pub(crate) fn holds(&self, name: &str, shape: &[usize]) -> bool {
        self.tensors.get(name).is_some_and(|entry| {
            // What a caller inserted may lie about its length.
            let fits = match entry {
                Entry::Here(tensor) => shape_product(shape) == Some(tensor.values.len()),
                Entry::Stored(_) => true,
            };
            fits && entry.shape() == shape
        })
    }

    /// Puts the values of a tensor in place of what `values` held, if they are all finite.
    pub(crate) fn finite_into(&self, name: &str, values: &mut Vec<f32>) -> Result<(), WeightsError> {
        self.read_into(name, values)?;
        // Without an early end the compiler looks at many at once.
        if values.iter().fold(true, |finite, value| finite & value.is_finite()) {
            return Ok(());
        }
        let index = values.iter().position(|value| !value.is_finite()).unwrap_or_default();
        Err(WeightsError::NotFinite { name: name.to_owned(), index })
    }

    /// Puts the values of a tensor in place of what `values` held, and gives its shape.
    fn read_into(&self, name: &str, values: &mut Vec<f32>) -> Result<&[usize], WeightsError> {
        let entry = self.entry(name)?;
        match (entry, &self.file) {
            (Entry::Here(tensor), _) => {
                values.clear();
                values.extend_from_slice(&tensor.values);
            }
            (Entry::Stored(tensor), Some(file)) => file.load(tensor, values)?,
            (Entry::Stored(_), None) => return Err(self.missing(name)),
        }
        Ok(entry.shape())
    }

    fn entry(&self, name: &str) -> Result<&Entry, WeightsError> {
        self.tensors.get(name).ok_or_else(|| self.missing(name))
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

    /// Takes off what `torch.nn.DataParallel` puts before every name.
    fn without_module_prefix(mut self) -> Self {
        const PREFIX: &str = "module.";
        if self.tensors.keys().chain(self.skipped.keys()).all(|name| name.starts_with(PREFIX)) {
            let bare = |name: String| name.strip_prefix(PREFIX).map_or(name.clone(), str::to_owned);
            self.tensors = self.tensors.into_iter().map(|(k, v)| (bare(k), v)).collect();
            self.skipped = self.skipped.into_iter().map(|(k, v)| (bare(k), v)).collect();
        }
        self
    }
}

/// The table of a weight file.
fn list<'a>(source: &Source<'a>) -> Result<Listing<'a>, WeightsError> {
    match file_format::recognise(&source.head(file_format::HEAD)?)? {
        FileFormat::Safetensors => safetensors::list(source),
        FileFormat::TorchZip => torch_zip::list(source),
        FileFormat::TorchLegacy => torch_legacy::list(source),
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

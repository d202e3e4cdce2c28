//! Turns the description of one tensor into the place of its values, and checks that they fit their storage.

use std::collections::BTreeMap;

use patchcore_pickle::{Id, Pickle, Value};

use super::dtype::Dtype;
use super::shape_product;
use super::store::{Span, Stored};
use super::torch_names::{self, TorchName};

/// Where the bytes of each storage are, by its key.
pub(super) type Storages = BTreeMap<String, Span>;

/// More axes than this are refused.
const MAX_AXES: usize = 16;

/// Where a tensor's values lie.
#[derive(Debug)]
pub(super) struct TensorView<'a> {
    storage: StorageRef<'a>,
    /// In values, from the start of the storage.
    offset: usize,
    shape: Vec<usize>,
    /// In values, per axis.
    strides: Vec<usize>,
}

#[derive(Debug)]
struct StorageRef<'a> {
    key: &'a str,
    dtype: Dtype,
    n_values: usize,
}

impl<'a> TensorView<'a> {
    /// The tensor that `value` describes; `Ok(None)` if it describes something else.
    pub(super) fn find(pickle: &'a Pickle, value: &'a Value) -> Result<Option<Self>, String> {
        let Value::Call { callee, arguments, .. } = value else { return Ok(None) };
        let arguments = tuple(pickle, *arguments)?;
        match (torch_name(pickle, *callee), arguments) {
            (Some(TorchName::RebuildParameter), [tensor, ..]) => match pickle.get(*tensor) {
                // One level only: a parameter holds a tensor, never a parameter.
                inner @ Value::Call { callee, .. }
                    if torch_name(pickle, *callee) == Some(TorchName::RebuildTensor) =>
                {
                    Self::find(pickle, inner)
                }
                other => Err(format!("a parameter holds {}, expected a tensor", other.kind())),
            },
            (Some(TorchName::RebuildTensor), [storage, offset, shape, strides, ..]) => {
                let view = Self {
                    storage: StorageRef::read(pickle, pickle.get(*storage))?,
                    offset: count(pickle.get(*offset), "offset")?,
                    shape: counts(pickle, *shape, "size")?,
                    strides: counts(pickle, *strides, "stride")?,
                };
                Ok(Some(view))
            }
            _ => Err("not a tensor".to_owned()),
        }
    }

    pub(super) fn dtype(&self) -> Dtype {
        self.storage.dtype
    }

    /// How many values there are.
    pub(super) fn n_values(&self) -> Result<usize, String> {
        shape_product(&self.shape).ok_or_else(|| format!("size {:?} overflows", self.shape))
    }

    /// Where its values are.
    pub(super) fn stored(self, storages: &Storages) -> Result<Stored, String> {
        let storage = self.storage.span(storages)?;
        let n_values = self.check_extent()?;
        let row_major = n_values == 0 || self.is_contiguous();
        let Self { storage: StorageRef { dtype, .. }, offset, shape, strides } = self;
        let offset = if n_values == 0 { 0 } else { offset };
        Ok(Stored { dtype, shape, storage, offset, strides: (!row_major).then_some(strides) })
    }

    /// Checks that every value lies in the storage and none twice; gives their number.
    fn check_extent(&self) -> Result<usize, String> {
        let (shape, strides) = (&self.shape, &self.strides);
        if shape.len() != strides.len() || shape.len() > MAX_AXES {
            return Err(format!("size {shape:?} with stride {strides:?}"));
        }
        let n_values = self.n_values()?;
        if n_values == 0 {
            return Ok(0);
        }
        let mut axes: Vec<(usize, usize)> = strides.iter().copied().zip(shape.iter().copied()).collect();
        axes.retain(|&(_, length)| length > 1);
        axes.sort_unstable();
        // The distance from the first value to the last, over the axes so far.
        let mut reach = 0usize;
        for (stride, length) in axes {
            if stride <= reach {
                return Err(format!("stride {strides:?} with size {shape:?} uses values twice"));
            }
            reach = length
                .checked_sub(1)
                .and_then(|steps| stride.checked_mul(steps))
                .and_then(|more| reach.checked_add(more))
                .ok_or_else(|| format!("stride {strides:?} with size {shape:?} overflows"))?;
        }
        match self.offset.checked_add(reach) {
            Some(last) if last < self.storage.n_values => Ok(n_values),
            _ => Err(format!(
                "offset {}, size {shape:?} and stride {strides:?} leave storage {} of {} values",
                self.offset, self.storage.key, self.storage.n_values
            )),
        }
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1usize;
        self.shape.iter().zip(&self.strides).rev().all(|(&length, &stride)| {
            let fits = length == 1 || stride == expected;
            expected = expected.saturating_mul(length);
            fits
        })
    }
}

impl<'a> StorageRef<'a> {
    /// From the persistent id `('storage', torch.FloatStorage, key, location, count)`; old files add
    /// a view of another storage, which is nearly always `None`.
    fn read(pickle: &'a Pickle, value: &'a Value) -> Result<Self, String> {
        let Value::Persistent(id) = value else {
            return Err(format!("its storage is {}, expected a persistent id", value.kind()));
        };
        let [tag, class, key, _location, n_values, view @ ..] = tuple(pickle, *id)? else {
            return Err("its storage has too few fields".to_owned());
        };
        if view.iter().any(|&id| pickle.get(id) != &Value::None) {
            return Err("its storage is a part of another one".to_owned());
        }
        match (pickle.get(*tag), torch_name(pickle, *class), pickle.get(*key)) {
            (Value::Str(tag), Some(TorchName::Storage(dtype)), Value::Str(key)) if tag == "storage" => {
                Ok(Self { key, dtype, n_values: count(pickle.get(*n_values), "storage length")? })
            }
            _ => Err("its storage is not described as ('storage', type, key, ...)".to_owned()),
        }
    }

    fn span(&self, storages: &Storages) -> Result<Span, String> {
        let span = *storages.get(self.key).ok_or_else(|| format!("storage {} is missing", self.key))?;
        let expected = self.n_values.checked_mul(self.dtype.n_bytes()).map(|n| n as u64);
        if expected == Some(span.len()) {
            return Ok(span);
        }
        Err(format!(
            "storage {} has {} bytes, expected {} values of {} bytes",
            self.key,
            span.len(),
            self.n_values,
            self.dtype.n_bytes()
        ))
    }
}

/// The number type of each storage that the pickle mentions; of two types for one key, the first.
pub(super) fn storage_dtypes(pickle: &Pickle) -> BTreeMap<&str, Dtype> {
    let mut dtypes = BTreeMap::new();
    for value in pickle.values() {
        if let (Value::Persistent(_), Ok(storage)) = (value, StorageRef::read(pickle, value)) {
            dtypes.entry(storage.key).or_insert(storage.dtype);
        }
    }
    dtypes
}

fn torch_name(pickle: &Pickle, id: Id) -> Option<TorchName> {
    match pickle.get(id) {
        Value::Name { module, name } => torch_names::look_up(module, name),
        _ => None,
    }
}

fn tuple(pickle: &Pickle, id: Id) -> Result<&[Id], String> {
    match pickle.get(id) {
        Value::Tuple(items) => Ok(items),
        other => Err(format!("{} where a tuple was expected", other.kind())),
    }
}

/// A tuple of counts, or `torch.Size` of one.
fn counts(pickle: &Pickle, id: Id, what: &str) -> Result<Vec<usize>, String> {
    let items = match pickle.get(id) {
        Value::Call { callee, arguments, .. } if torch_name(pickle, *callee) == Some(TorchName::Size) => {
            match tuple(pickle, *arguments)? {
                [inner] => tuple(pickle, *inner)?,
                other => return Err(format!("torch.Size of {} arguments, expected 1", other.len())),
            }
        }
        _ => tuple(pickle, id)?,
    };
    if items.len() > MAX_AXES {
        return Err(format!("{what} of {} axes, at most {MAX_AXES} are read", items.len()));
    }
    items.iter().map(|&id| count(pickle.get(id), what)).collect()
}

fn count(value: &Value, what: &str) -> Result<usize, String> {
    match value {
        Value::Int(n) => usize::try_from(*n).map_err(|_| format!("{what} {n} is negative or too large")),
        other => Err(format!("{what} is {}, expected an int", other.kind())),
    }
}

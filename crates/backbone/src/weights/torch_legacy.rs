//! Reads torch.save files from before version 1.6, such as torchvision's `wide_resnet50_2-95faca4d.pth`.
//!
//! ```text
//! pickle: magic number | pickle: 1001 | pickle: the writing machine | pickle: the state dict
//! pickle: list of storage keys | for each key: count of values as i64, the values
//! ```

use super::dtype::Dtype;
use super::file_format::LEGACY_MAGIC;
use super::pickle::{self, Pickle, Value};
use super::torch_tensor::{self, Storages};
use super::{Weights, WeightsError, state_dict, torch_names};

const PROTOCOL_VERSION: i64 = 1001;

/// Every float tensor of the file.
pub(super) fn read(bytes: &[u8]) -> Result<Weights, WeightsError> {
    let mut rest = Rest { bytes, position: LEGACY_MAGIC.len() };
    if rest.pickle()?.root() != &Value::Int(PROTOCOL_VERSION) {
        return Err(WeightsError::NotWeights("torch.save file of an unknown version, expected 1001"));
    }
    check_byte_order(&rest.pickle()?)?;
    let tensors = rest.pickle()?;
    let keys = rest.pickle()?;
    let storages = storages(&mut rest, &tensors, &keys)?;
    if rest.position != bytes.len() {
        return Err(WeightsError::NotWeights("bytes follow after the last storage of this torch.save file"));
    }
    state_dict::read(&tensors, &storages, bytes.len())
}

/// What has not been read yet.
struct Rest<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Rest<'a> {
    fn pickle(&mut self) -> Result<Pickle, WeightsError> {
        let bytes = self.bytes.get(self.position..).unwrap_or_default();
        let pickle = pickle::run(bytes, torch_names::is_allowed)?;
        self.position = self.position.saturating_add(pickle.n_bytes());
        Ok(pickle)
    }

    fn slice(&mut self, n_bytes: usize) -> Result<&'a [u8], WeightsError> {
        let end = self.position.saturating_add(n_bytes);
        let slice = self.bytes.get(self.position..end).ok_or(WeightsError::Truncated {
            what: "a storage",
            expected: end as u64,
            got: self.bytes.len() as u64,
        })?;
        self.position = end;
        Ok(slice)
    }

    /// The values of one storage, after their count.
    fn storage(&mut self, dtype: Dtype) -> Result<&'a [u8], WeightsError> {
        let count = self.slice(8)?.first_chunk().map_or(-1, |&b| i64::from_le_bytes(b));
        let n_bytes = usize::try_from(count).ok().and_then(|n| n.checked_mul(dtype.n_bytes()));
        self.slice(n_bytes.unwrap_or(usize::MAX))
    }
}

fn check_byte_order(machine: &Pickle) -> Result<(), WeightsError> {
    let Value::Dict { items, .. } = machine.root() else {
        return Err(WeightsError::NotWeights("torch.save file that does not describe its machine"));
    };
    let big_endian = items.iter().any(|&(key, value)| {
        matches!(machine.get(key), Value::Str(key) if key == "little_endian")
            && machine.get(value) != &Value::Bool(true)
    });
    if big_endian {
        return Err(WeightsError::NotWeights("torch.save file in big-endian byte order"));
    }
    Ok(())
}

fn storages<'a>(rest: &mut Rest<'a>, tensors: &Pickle, keys: &Pickle) -> Result<Storages<'a>, WeightsError> {
    let Value::List(ids) = keys.root() else {
        return Err(WeightsError::NoStateDict { problem: "the storage keys are no list".to_owned() });
    };
    let dtypes = torch_tensor::storage_dtypes(tensors);
    let mut storages = Storages::new();
    for &id in ids {
        let Value::Str(key) = keys.get(id) else {
            return Err(WeightsError::NoStateDict { problem: "a storage key is no text".to_owned() });
        };
        let &dtype = dtypes.get(key.as_str()).ok_or_else(|| WeightsError::BadTensor {
            name: format!("storage {key}"),
            problem: "no tensor uses it".to_owned(),
        })?;
        if storages.insert(key.clone(), rest.storage(dtype)?).is_some() {
            return Err(WeightsError::Duplicate { name: format!("storage {key}") });
        }
    }
    Ok(storages)
}

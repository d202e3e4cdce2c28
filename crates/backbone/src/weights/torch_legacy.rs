//! Reads torch.save files from before version 1.6, such as torchvision's `wide_resnet50_2-95faca4d.pth`.
//!
//! ```text
//! pickle: magic number | pickle: 1001 | pickle: the writing machine | pickle: the state dict
//! pickle: list of storage keys | for each key: count of values as i64, the values
//! ```

use patchcore_pickle::{Pickle, Rules, Value};

use super::dtype::Dtype;
use super::file_format::LEGACY_MAGIC;
use super::store::{Listing, Source, Span};
use super::torch_tensor::{self, Storages};
use super::{WeightsError, state_dict, torch_names};

const PROTOCOL_VERSION: i64 = 1001;

/// The pickles of a network lie in so many bytes: about four times what the largest one of torchvision needs.
const HEAD: u64 = 1 << 20;

/// Every tensor of the file. The pickles at its beginning do not say how long they are, so the first bytes are tried, and
/// all of them where those do not do.
pub(super) fn list<'a>(source: &Source<'a>) -> Result<Listing<'a>, WeightsError> {
    match list_from_head(source, HEAD) {
        Err(_) if source.len() > HEAD => list_from_head(source, source.len()),
        done => done,
    }
}

fn list_from_head<'a>(source: &Source<'a>, head: u64) -> Result<Listing<'a>, WeightsError> {
    let head = source.head(head)?;
    let mut rest = Rest { source, head: &head, position: LEGACY_MAGIC.len() as u64 };
    if rest.pickle()?.root() != &Value::Int(PROTOCOL_VERSION) {
        return Err(WeightsError::NotWeights("torch.save file of an unknown version, expected 1001"));
    }
    check_byte_order(&rest.pickle()?)?;
    let tensors = rest.pickle()?;
    let keys = rest.pickle()?;
    let storages = storages(&mut rest, &tensors, &keys)?;
    if rest.position != source.len() {
        return Err(WeightsError::NotWeights("bytes follow after the last storage of this torch.save file"));
    }
    state_dict::list(&tensors, &storages, source.len())
}

/// What has not been read yet.
struct Rest<'s, 'a> {
    source: &'s Source<'a>,
    /// The beginning of the file, with the pickles.
    head: &'s [u8],
    position: u64,
}

impl Rest<'_, '_> {
    fn pickle(&mut self) -> Result<Pickle, WeightsError> {
        let start = usize::try_from(self.position).unwrap_or(usize::MAX);
        let pickle = patchcore_pickle::run(
            self.head.get(start..).unwrap_or_default(),
            Rules::Names(torch_names::is_allowed),
        )?;
        self.position = self.position.saturating_add(pickle.n_bytes() as u64);
        Ok(pickle)
    }

    /// The place of the values of one storage, which follow after their count.
    fn storage(&mut self, dtype: Dtype) -> Result<Span, WeightsError> {
        const WHAT: &str = "a storage";
        let count = self.source.range(self.position, 8, WHAT)?;
        let count = count.first_chunk().map_or(-1, |&b| i64::from_le_bytes(b));
        let len = u64::try_from(count).ok().and_then(|n| n.checked_mul(dtype.n_bytes() as u64));
        let (offset, len) = (self.position.saturating_add(8), len.unwrap_or(u64::MAX));
        let (end, got) = (offset.saturating_add(len), self.source.len());
        if end > got {
            return Err(WeightsError::Truncated { what: WHAT, expected: end, got });
        }
        self.position = end;
        Ok(Span::Range { offset, len })
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

fn storages(rest: &mut Rest<'_, '_>, tensors: &Pickle, keys: &Pickle) -> Result<Storages, WeightsError> {
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

//! Finds the table of tensors in an unpickled checkpoint.

use std::collections::BTreeSet;

use patchcore_pickle::{Id, Pickle, Value};

use super::WeightsError;
use super::dtype::Dtype;
use super::store::Listing;
use super::torch_tensor::{Storages, TensorView};

/// Names under which training scripts keep the state dict.
const WRAPPERS: [&str; 2] = ["state_dict", "model"];

/// A state dict may lie this many wrappers deep.
const MAX_WRAPPERS: usize = 4;

/// The tensors of the state dict; for `max_values` see [`tensors`].
pub(super) fn list<'a>(
    pickle: &Pickle,
    storages: &Storages,
    max_values: u64,
) -> Result<Listing<'a>, WeightsError> {
    let named = table(pickle)?.iter().map(|&(key, value)| match pickle.get(key) {
        Value::Str(name) => Ok((name.as_str(), value)),
        other => Err(WeightsError::NoStateDict { problem: format!("a key is {}", other.kind()) }),
    });
    tensors(pickle, named, storages, max_values)
}

/// The tensors that were found under these names; `max_values`, the size of the file, bounds the values of all of them
/// together, so that many views of one storage cannot fill the memory.
pub(super) fn tensors<'a, 'n>(
    pickle: &Pickle,
    named: impl Iterator<Item = Result<(&'n str, Id), WeightsError>>,
    storages: &Storages,
    max_values: u64,
) -> Result<Listing<'a>, WeightsError> {
    let mut listing = Listing::default();
    let mut names = BTreeSet::new();
    let mut n_values = 0u64;
    for item in named {
        let (name, value) = item?;
        if !names.insert(name) {
            return Err(WeightsError::Duplicate { name: name.to_owned() });
        }
        let bad = |problem: String| WeightsError::BadTensor { name: name.to_owned(), problem };
        let value = pickle.get(value);
        let Some(view) = TensorView::find(pickle, value).map_err(bad)? else {
            return Err(bad(format!("{}, expected a tensor", value.kind())));
        };
        if let Dtype::Integer { name: dtype, .. } = view.dtype() {
            listing.skipped.push((name.to_owned(), dtype));
            continue;
        }
        n_values = n_values.saturating_add(view.n_values().map_err(bad)? as u64);
        if n_values > max_values {
            return Err(WeightsError::OverLimit {
                what: "values of all tensors",
                got: n_values,
                limit: max_values,
            });
        }
        listing.tensors.push((name.to_owned(), view.stored(storages).map_err(bad)?));
    }
    Ok(listing)
}

/// The pairs of the innermost state dict.
fn table(pickle: &Pickle) -> Result<&[(Id, Id)], WeightsError> {
    let mut items = match pickle.root() {
        Value::Dict { items, .. } => items,
        other => {
            return Err(WeightsError::NoStateDict { problem: format!("the file holds {}", other.kind()) });
        }
    };
    for _ in 0..MAX_WRAPPERS {
        match wrapped(pickle, items) {
            Some(inner) => items = inner,
            None => break,
        }
    }
    Ok(items)
}

fn wrapped<'a>(pickle: &'a Pickle, items: &[(Id, Id)]) -> Option<&'a Vec<(Id, Id)>> {
    WRAPPERS.iter().find_map(|wrapper| {
        items.iter().find_map(|&(key, value)| match (pickle.get(key), pickle.get(value)) {
            (Value::Str(key), Value::Dict { items, .. }) if key == wrapper => Some(items),
            _ => None,
        })
    })
}

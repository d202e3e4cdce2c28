//! Finds the table of tensors in an unpickled checkpoint.

use std::collections::BTreeSet;

use super::WeightsError;
use super::dtype::Dtype;
use super::pickle::{Id, Pickle, Value};
use super::store::Listing;
use super::torch_tensor::{Storages, TensorView};

/// Names under which training scripts keep the state dict.
const WRAPPERS: [&str; 2] = ["state_dict", "model"];

/// A state dict may lie this many wrappers deep.
const MAX_WRAPPERS: usize = 4;

/// The tensors of the state dict; `max_values`, the size of the file, bounds the values of all of them together, so that
/// many views of one storage cannot fill the memory.
pub(super) fn list<'a>(
    pickle: &Pickle,
    storages: &Storages,
    max_values: u64,
) -> Result<Listing<'a>, WeightsError> {
    let mut listing = Listing::default();
    let mut names = BTreeSet::new();
    let mut n_values = 0u64;
    for &(key, value) in table(pickle)? {
        let Value::Str(name) = pickle.get(key) else {
            return Err(WeightsError::NoStateDict {
                problem: format!("a key is {}", pickle.get(key).kind()),
            });
        };
        if !names.insert(name) {
            return Err(WeightsError::Duplicate { name: name.clone() });
        }
        let bad = |problem: String| WeightsError::BadTensor { name: name.clone(), problem };
        let value = pickle.get(value);
        let Some(view) = TensorView::find(pickle, value).map_err(bad)? else {
            return Err(bad(format!("{}, expected a tensor", value.kind())));
        };
        if let Dtype::Integer { name: dtype, .. } = view.dtype() {
            listing.skipped.push((name.clone(), dtype));
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
        listing.tensors.push((name.clone(), view.stored(storages).map_err(bad)?));
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

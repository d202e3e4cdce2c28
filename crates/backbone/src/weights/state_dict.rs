//! Finds the table of tensors in an unpickled checkpoint.

use super::dtype::Dtype;
use super::pickle::{Id, Pickle, Value};
use super::torch_tensor::{Storages, TensorView};
use super::{Weights, WeightsError};

/// Names under which training scripts keep the state dict.
const WRAPPERS: [&str; 2] = ["state_dict", "model"];

/// A state dict may lie this many wrappers deep.
const MAX_WRAPPERS: usize = 4;

/// The float tensors of the state dict; `max_values`, the size of the file, bounds the values of all of them together,
/// so that many views of one storage cannot fill the memory.
pub(super) fn read(
    pickle: &Pickle,
    storages: &Storages<'_>,
    max_values: usize,
) -> Result<Weights, WeightsError> {
    let mut weights = Weights::default();
    let mut n_values = 0usize;
    for &(key, value) in table(pickle)? {
        let Value::Str(name) = pickle.get(key) else {
            return Err(WeightsError::NoStateDict {
                problem: format!("a key is {}", pickle.get(key).kind()),
            });
        };
        if weights.get(name).is_some() || weights.skipped.contains_key(name) {
            return Err(WeightsError::Duplicate { name: name.clone() });
        }
        let bad = |problem: String| WeightsError::BadTensor { name: name.clone(), problem };
        let value = pickle.get(value);
        let Some(view) = TensorView::find(pickle, value).map_err(bad)? else {
            return Err(bad(format!("{}, expected a tensor", value.kind())));
        };
        if let Dtype::Integer { name: dtype, .. } = view.dtype() {
            weights.skip(name, dtype);
            continue;
        }
        n_values = n_values.saturating_add(view.n_values().map_err(bad)?);
        if n_values > max_values {
            return Err(WeightsError::OverLimit {
                what: "values of all tensors",
                got: n_values as u64,
                limit: max_values as u64,
            });
        }
        let tensor = view.values(storages).map_err(bad)?;
        weights.insert(name, tensor);
    }
    Ok(weights)
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

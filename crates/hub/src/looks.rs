//! What a file is that has the wrong hash: a page of a proxy, a pointer, half a download.

use patchcore_backbone::weights::{Weights, WeightsError};
use std::path::Path;

/// What the file at `path` is instead of weights, if that can be told.
pub(crate) fn looks(path: &Path) -> Option<String> {
    let Err(WeightsError::InFile { source, .. }) = Weights::read(path) else { return None };
    matches!(*source, WeightsError::NotWeights(_) | WeightsError::Truncated { .. })
        .then(|| source.to_string())
}

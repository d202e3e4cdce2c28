//! The original's saved model: for each member a FAISS index with the memory bank, and a pickle with the parameters.
//!
//! ```text
//! folder (which files) --> index  (.faiss: header, vectors)  --+
//!                     \--> params (.pkl: pickle -> checked)  --+--> SavedReference
//! ```

mod folder;
mod index;
mod params;
mod pickler;
mod write;

#[cfg(test)]
mod tests;

use std::path::Path;

use patchcore_tensor::Embeddings;

use crate::ForeignError;

pub use params::{ReferenceParams, SequenceKind};
pub use pickler::Protocol;
pub use write::{Writing, write_reference};

/// A model that the original's training script saved: one member, or several for an ensemble.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedReference {
    /// At least one, in the order of their file names' numbers.
    pub members: Vec<SavedMember>,
}

/// One network's part of a saved model.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedMember {
    /// What the parameter file says.
    pub params: ReferenceParams,
    /// The memory bank, `[n, target_embed_dimension]`: finite, at least one row, in the order of selection.
    pub vectors: Embeddings,
}

/// Reads the saved model in the folder `dir` (`.../models/mvtec_CLASS`).
///
/// One `*.faiss` file makes a single model, more make an ensemble, whose files then carry the prefixes `Ensemble-1-N_` to
/// `Ensemble-N-N_`. Values are checked as they are read, and no allocation is larger than a file. Other files in the folder
/// are not looked at.
///
/// # Errors
///
/// [`ForeignError::Members`] for a missing, surplus or contradictory file, [`ForeignError::Unsupported`] for an index of
/// another type or a Git-LFS pointer, [`ForeignError::Damaged`], [`ForeignError::Parameter`], [`ForeignError::File`].
pub fn read_reference(dir: &Path) -> Result<SavedReference, ForeignError> {
    let mut members: Vec<SavedMember> = Vec::new();
    for pair in folder::list(dir)? {
        let params = params::read(&pair.params)?;
        let vectors = index::read(&pair.index)?;
        let member = SavedMember { params, vectors };
        check(&pair, &member, members.first())?;
        members.push(member);
    }
    Ok(SavedReference { members })
}

/// Checks that the two files of a member fit each other, and the first member.
fn check(pair: &folder::Pair, member: &SavedMember, first: Option<&SavedMember>) -> Result<(), ForeignError> {
    let SavedMember { params, vectors } = member;
    if vectors.dim() != params.target_embed_dimension {
        let problem = format!(
            "vectors of {} values, but target_embed_dimension is {}",
            vectors.dim(),
            params.target_embed_dimension
        );
        return Err(ForeignError::members(&pair.index, problem));
    }
    let expected = first.map_or(params.input_shape, |first| first.params.input_shape);
    if params.input_shape == expected {
        return Ok(());
    }
    let problem = format!("input_shape is {:?}, that of the first member {expected:?}", params.input_shape);
    Err(ForeignError::members(&pair.params, problem))
}

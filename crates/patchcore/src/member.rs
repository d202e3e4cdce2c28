//! A member: one network's parameters with its memory bank. A model has one, an ensemble several.

use crate::bank::{MemoryBank, Origin};
use crate::filter::Filter;
use crate::search::choose;
use crate::{Error, Params};
use patchcore_image::Geometry;
use patchcore_tensor::Embeddings;

/// Rows of an imported bank that stand for patches when its search is tuned.
const SAMPLE: usize = 192;

/// What fitting found for one network, apart from the network itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The parameters.
    pub params: Params,
    /// Fingerprint of the weights that it was fitted with.
    pub fingerprint: String,
    /// The memory bank.
    pub bank: MemoryBank,
    /// What makes searching the bank fast; none if nothing does.
    pub filter: Option<Filter>,
    /// Patches of all training pictures; 0 if they are not known.
    pub patches: usize,
    /// Largest L2 distance from a training patch to the bank, where the sampler knows it, in the embeddings that chose.
    pub covering_radius: Option<f32>,
}

impl Member {
    /// A member whose bank comes from elsewhere: nothing is known of the pictures behind it.
    pub fn imported(params: Params, fingerprint: String, rows: Embeddings) -> Self {
        // The rows stand for patches, each looked up among the others.
        let origins = (0..rows.len() as u32).map(|picture| Origin { picture, y: 0, x: 0 }).collect();
        let every = rows.len().div_ceil(SAMPLE).max(1);
        let sample: Vec<(u32, Vec<f32>)> =
            (0..rows.len()).step_by(every).map(|i| (i as u32, rows.row(i).to_vec())).collect();
        let mut bank = MemoryBank { rows, origins };
        let filter = choose(&bank, &sample, params.num_nn);
        bank.origins = Vec::new();
        Self { params, fingerprint, bank, filter, patches: 0, covering_radius: None }
    }
}

/// Fails unless the members' maps show the same part of a picture, so that one can be laid over the other.
pub(crate) fn check_together<'a>(members: impl IntoIterator<Item = &'a Params>) -> Result<(), Error> {
    let mut members = members.into_iter();
    let Some(Params { preprocess: first, .. }) = members.next() else {
        return Err(Error::Parameter { name: "members", got: "0".into(), must: "at least 1".into() });
    };
    let whole = |geometry: &Geometry| matches!(geometry, Geometry::Whole { .. });
    for Params { preprocess, .. } in members {
        if preprocess.geometry != first.geometry && !(whole(&preprocess.geometry) && whole(&first.geometry)) {
            return Err(Error::Parameter {
                name: "geometry",
                got: format!("{:?} beside {:?}", preprocess.geometry, first.geometry),
                must: "the same crop for all members, or the whole picture".into(),
            });
        }
    }
    Ok(())
}

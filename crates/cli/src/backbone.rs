//! The network that parameters or a model name, with its weights.

use crate::exit::Failure;
use patchcore::{Fitted, Model, Params, PatchCore};
use patchcore_backbone::networks::ARCHITECTURES;
use patchcore_backbone::weights::Weights;
use patchcore_backbone::{Backbone, BackboneError};
use std::path::Path;

/// The network of `params`: from a weights file, or the built-in one.
fn open(params: &Params, weights: Option<&Path>) -> Result<Backbone, Failure> {
    if let Some(path) = weights {
        let file = Weights::read(path)?;
        return Backbone::load(&params.backbone, &file, &params.layers, params.precision).map_err(|error| {
            match error {
                // It names the file itself.
                BackboneError::WeightsFile(error) => error.into(),
                error => about(path, error),
            }
        });
    }
    if params.backbone == ARCHITECTURES[0].name {
        return Ok(Backbone::embedded_with(&params.layers, params.precision)?);
    }
    Err(Failure::from(BackboneError::NeedsWeights { backbone: params.backbone.clone() })
        .hint("give them with --weights FILE (.safetensors, or .pth as torchvision has them)"))
}

/// The method on the network of `params`, ready to be fitted. It chooses the memory bank in the precision for that.
pub(crate) fn method(params: Params, weights: Option<&Path>) -> Result<PatchCore<Backbone>, Failure> {
    let network = open(&params, weights)?;
    let precision = params.precision.choosing();
    if precision == params.precision {
        return Ok(PatchCore::load(params, network)?);
    }
    let chooser = open(&Params { precision, ..params.clone() }, weights)?;
    Ok(PatchCore::load(params, network)?.choose_by(chooser)?)
}

/// A model file with its network.
pub(crate) fn open_model(path: &Path, weights: Option<&Path>) -> Result<Model<Backbone>, Failure> {
    let fitted = Fitted::load(path)?;
    let backbone = open(&fitted.params, weights)?;
    Model::new(fitted, backbone).map_err(|error| about(path, error))
}

/// The error with the file that it is about in front.
fn about(path: &Path, error: impl Into<Failure>) -> Failure {
    let mut failure = error.into();
    failure.message = format!("{}: {}", patchcore_files::shown(path), failure.message);
    failure
}

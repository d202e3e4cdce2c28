//! The networks that parameters or a model name, with their weights.

use crate::exit::{Code, Failure};
use patchcore::{Error, Fitted, Model, Params, PatchCore};
use patchcore_backbone::networks::ARCHITECTURES;
use patchcore_backbone::weights::Weights;
use patchcore_backbone::{Backbone, BackboneError, FeatureExtractor, channels, networks_of};
use patchcore_files::shown;
use patchcore_hub::{Cache, pretrained};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A network, which several members may share.
pub(crate) type Network = Arc<dyn FeatureExtractor>;

/// The networks of members, in their order. Equal ones are loaded once. Files of weights belong to the different backbones
/// in the order in which they come first; those that the user's folder for weights or the program itself has may go
/// without if none is given, the built-in one always.
pub(crate) fn open(members: &[&Params], weights: &[PathBuf]) -> Result<Vec<Network>, Failure> {
    let mut names: Vec<&str> = Vec::new();
    for member in members {
        if !names.contains(&member.backbone.as_str()) {
            names.push(&member.backbone);
        }
    }
    let built_in = ARCHITECTURES[0].name;
    if weights.len() < names.len() && names.len() > 1 {
        names.retain(|name| *name != built_in);
    }
    if !(weights.is_empty() || weights.len() == names.len()) {
        let message =
            format!("{} files of weights for {} networks: {}", weights.len(), names.len(), names.join(", "));
        return Err(Failure::usage(message).hint("repeat --weights FILE in the order of the networks"));
    }
    let mut open: Vec<Network> = Vec::new();
    for (i, member) in members.iter().enumerate() {
        let same = |other: &&Params| {
            (&other.backbone, &other.layers, &other.onnx, other.precision)
                == (&member.backbone, &member.layers, &member.onnx, member.precision)
        };
        let shared = members[..i].iter().position(same).map(|i| open[i].clone());
        let file = names.iter().position(|name| *name == member.backbone).and_then(|i| weights.get(i));
        open.push(match shared {
            Some(network) => network,
            None => load(member, file.map(PathBuf::as_path))?,
        });
    }
    Ok(open)
}

/// The network of `params`: from a file, the built-in one, or with cached weights.
fn load(params: &Params, file: Option<&Path>) -> Result<Network, Failure> {
    if params.onnx.is_some() {
        let Some(file) = file else {
            return Err(Failure::from(BackboneError::NeedsWeights { backbone: params.backbone.clone() })
                .hint("give its ONNX file with --weights FILE"));
        };
        return onnx(params, file);
    }
    let cached = if file.is_none() { cached(&params.backbone)? } else { None };
    if let Some(path) = file.or(cached.as_deref()) {
        let weights = Weights::read(path)?;
        let loaded = Backbone::load(&params.backbone, &weights, &params.layers, params.precision);
        return Ok(Arc::new(loaded.map_err(|error| match error {
            // It names the file itself.
            BackboneError::WeightsFile(error) => error.into(),
            error @ BackboneError::Weights { .. } => misfit(path, error, &weights),
            error => about(path, error),
        })?));
    }
    if params.backbone == ARCHITECTURES[0].name {
        return Ok(Arc::new(Backbone::embedded_with(&params.layers, params.precision)?));
    }
    let hint = match pretrained(&params.backbone) {
        Ok(_) => format!("patchcore weights fetch {}, or --weights FILE", params.backbone),
        Err(_) => "give them with --weights FILE".to_string(),
    };
    Err(Failure::from(BackboneError::NeedsWeights { backbone: params.backbone.clone() }).hint(hint))
}

/// Weights that do not fit a network, and the one that they do fit.
fn misfit(path: &Path, error: BackboneError, weights: &Weights) -> Failure {
    let failure = about(path, error);
    match &networks_of(weights)[..] {
        [] => failure,
        networks => failure.hint(format!("these are weights of {}", networks.join(" or "))),
    }
}

/// The network of an ONNX file.
#[cfg(feature = "onnx")]
fn onnx(params: &Params, file: &Path) -> Result<Network, Failure> {
    use patchcore_onnx::{OnnxBackbone, OnnxOptions};
    let taps = params.onnx.clone().unwrap_or_default();
    let layout = taps.layout.as_deref().map(str::parse).transpose().map_err(Failure::usage)?;
    let options = OnnxOptions {
        layout,
        prefix_tokens: taps.prefix_tokens,
        precision: params.precision,
        ..OnnxOptions::default()
    };
    Ok(Arc::new(OnnxBackbone::load(file, &params.layers, &options)?))
}

#[cfg(not(feature = "onnx"))]
fn onnx(_: &Params, file: &Path) -> Result<Network, Failure> {
    let message = format!("{}: this program was built without ONNX", shown(file));
    Err(Failure::usage(message).hint("build it with the feature onnx"))
}

/// The checked weights of a network that is not built in, if the user's folder for weights has them.
fn cached(backbone: &str) -> Result<Option<PathBuf>, Failure> {
    let (Ok(weights), Ok(cache)) = (pretrained(backbone), Cache::usual(|name| std::env::var_os(name))) else {
        return Ok(None);
    };
    if backbone == ARCHITECTURES[0].name || !cache.has(weights) {
        return Ok(None);
    }
    let hint = format!("patchcore weights fetch {backbone} brings the right file");
    cache.checked(weights).map(Some).map_err(|error| Failure::from(error).hint(hint))
}

/// The networks of members, and those that choose their memory banks.
#[derive(Clone)]
pub(crate) struct Networks {
    own: Vec<Network>,
    choosers: Vec<Network>,
}

/// The networks that fitting `members` takes. Each memory bank is chosen in the precision for that.
pub(crate) fn networks(members: &[Params], weights: &[PathBuf]) -> Result<Networks, Failure> {
    let choosing = |params: &Params| Params { precision: params.precision.choosing(), ..params.clone() };
    let choosers: Vec<Params> = members.iter().map(choosing).collect();
    let all: Vec<&Params> = members.iter().chain(&choosers).collect();
    let mut own = open(&all, weights)?;
    let choosers = own.split_off(members.len());
    Ok(Networks { own, choosers })
}

/// The method on the networks of `members`, ready to be fitted.
pub(crate) fn method(members: Vec<Params>, weights: &[PathBuf]) -> Result<PatchCore<Network>, Failure> {
    let networks = networks(&members, weights)?;
    method_on(members, networks)
}

/// The method on these networks of `members`.
pub(crate) fn method_on(members: Vec<Params>, networks: Networks) -> Result<PatchCore<Network>, Failure> {
    let mut method: Option<PatchCore<Network>> = None;
    for ((params, network), chooser) in members.into_iter().zip(networks.own).zip(networks.choosers) {
        let own = params.precision;
        let mut next = match method {
            None => PatchCore::load(params, network)?,
            Some(method) => method.with(params, network)?,
        };
        if chooser.precision() != own {
            next = next.choose_by(chooser)?;
        }
        method = Some(next);
    }
    method.ok_or_else(|| Failure::usage("no network"))
}

/// A model file, whose every network has the layers that it names, and embeddings as wide as the rows of its bank. What an
/// ONNX file gives is known when it is there.
pub(crate) fn read_model(path: &Path) -> Result<Fitted, Failure> {
    let fitted = Fitted::load(path).map_err(|error| match error {
        // It knows only what there is, not for which file.
        error @ Error::Memory { .. } => about(path, error).hint("it takes a machine with more memory"),
        error => error.into(),
    })?;
    let unusable = |reason: String| Failure::new(Code::Weights, format!("{}: {reason}", shown(path)));
    for member in fitted.members.iter().filter(|member| member.params.onnx.is_none()) {
        let Params { backbone, layers, embedding, .. } = &member.params;
        let channels = channels(backbone, layers).map_err(|error| unusable(error.to_string()))?;
        let (width, bank) = (embedding.dim(&channels), member.bank.rows.dim());
        if width != bank {
            let layers = layers.join(", ");
            return Err(unusable(format!(
                "{backbone} with {layers} gives embeddings of {width} values, the memory bank has {bank}"
            )));
        }
    }
    Ok(fitted)
}

/// A model file with its networks.
pub(crate) fn open_model(path: &Path, weights: &[PathBuf]) -> Result<Model<Network>, Failure> {
    let fitted = read_model(path)?;
    let members: Vec<&Params> = fitted.members.iter().map(|member| &member.params).collect();
    let networks = open(&members, weights)?;
    Model::new(fitted, networks).map_err(|error| about(path, error))
}

/// The error with the file that it is about in front.
pub(crate) fn about(path: &Path, error: impl Into<Failure>) -> Failure {
    let mut failure = error.into();
    failure.message = format!("{}: {}", shown(path), failure.message);
    failure
}

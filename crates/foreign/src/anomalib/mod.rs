//! A `PatchCore` that anomalib saved: the checkpoint of its trainer (`.ckpt`), or the file of its exporter (`.pt`).
//!
//! Both are torch.save files, looked into for version 2.7. The checkpoint is a dict of plain values and a state dict; the
//! exported file is the whole Python object, with every class that it is made of. Here a class is a name with fields:
//! `tree` reads the fields that are needed, by name, and finds the tensors where the modules keep them.
//!
//! ```text
//! .ckpt  state_dict, hyper_parameters, anomalib_pre_processor_config  --+
//! .pt    model: _modules, _buffers, _hparams                          --+--> AnomalibModel
//! ```

mod transform;
mod tree;

#[cfg(test)]
mod tests;

use std::path::Path;

use patchcore_backbone::weights::{TorchFile, Weights};
use patchcore_pickle::{Id, Value};
use patchcore_tensor::Embeddings;

use crate::ForeignError;

pub use transform::TransformStep;

use tree::{Tree, find};

const MEMORY_BANK: &str = "model.memory_bank";
const BACKBONE_PREFIX: &str = "model.feature_extractor.feature_extractor.";
const STATISTICS_PREFIX: &str = "post_processor.";
/// The class that the exporter saves.
const CLASS: &str = "anomalib.models.image.patchcore.lightning_model.Patchcore";

/// What an anomalib file holds of a `PatchCore`.
///
/// How anomalib scores with it, as far as that is not in the file: patch embeddings are means of 3x3 pixels per layer,
/// layers are brought to the first one's grid bilinearly and joined; scores are L2 distances; the image score is weighed by
/// [`num_neighbors`](Self::num_neighbors) rows around the match; the anomaly map is brought to the input's size by the
/// nearest patch, and blurred with sigma 4.
#[derive(Debug)]
pub struct AnomalibModel {
    /// The backbone by timm's name: `wide_resnet50_2`.
    pub backbone: String,
    /// The tapped layers by timm's names, at least one.
    pub layers: Vec<String>,
    /// Rows around the match that weigh the image score, at least 1; with 1 there is no weight.
    pub num_neighbors: usize,
    /// The share of patches that was kept, if the file says it.
    pub coreset_sampling_ratio: Option<f64>,
    /// In which numbers anomalib computes, if the file says it.
    pub precision: Option<AnomalibPrecision>,
    /// The memory bank, `[n, d]`: finite, at least one row; half precision is widened.
    pub memory_bank: Embeddings,
    /// How pictures (as RGB, 0 to 1) become the network's input, in this order; `None` if the file does not say it.
    pub transform: Option<Vec<TransformStep>>,
    /// Thresholds and ranges of the scores.
    pub statistics: Statistics,
    /// The backbone's tensors under timm's names, as far as anomalib keeps the network: up to the last tapped layer. Their
    /// values are read from the open file when they are taken.
    pub weights: Weights,
}

impl AnomalibModel {
    /// Height and width of the network's input, if the transform gives every picture the same.
    pub fn image_size(&self) -> Option<[usize; 2]> {
        transform::output_size(self.transform.as_deref()?)
    }
}

/// The numbers in which anomalib computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnomalibPrecision {
    /// `float32`
    Float32,
    /// `float16`
    Float16,
}

/// What anomalib measured on its validation pictures, in units of the scores before they are normalised; `None` where it
/// did not, or wrote NaN.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Statistics {
    /// The image score above which a picture is anomalous.
    pub image_threshold: Option<f32>,
    /// The value of the anomaly map above which a pixel is.
    pub pixel_threshold: Option<f32>,
    /// The lowest image score.
    pub image_min: Option<f32>,
    /// The highest image score.
    pub image_max: Option<f32>,
    /// The lowest value of the anomaly maps.
    pub pixel_min: Option<f32>,
    /// The highest value of the anomaly maps.
    pub pixel_max: Option<f32>,
}

/// Reads a `PatchCore` of anomalib from a `.ckpt` or `.pt` file.
///
/// # Errors
///
/// [`ForeignError::Torch`] for a file that torch.save did not write, a damaged one, or a tensor that does not fit;
/// [`ForeignError::Unsupported`] if another model is in it, or one that was not trained; [`ForeignError::Parameter`].
pub fn read_anomalib(path: &Path) -> Result<AnomalibModel, ForeignError> {
    let file = TorchFile::read(path)?;
    let tree = Tree::new(path, file.pickle());
    let parts = parts(&tree)?;
    let under = |prefix: &'static str| {
        let bare = move |(name, id): &(String, Id)| Some((name.strip_prefix(prefix)?.to_owned(), *id));
        parts.tensors.iter().filter_map(bare)
    };
    let bank = parts.tensors.iter().find(|(name, _)| name == MEMORY_BANK).ok_or_else(|| {
        ForeignError::unsupported(path, "no PatchCore: the file has no tensor model.memory_bank")
    })?;
    let parameters = Parameters { tree: &tree, items: tree.fields(parts.parameters) };
    Ok(AnomalibModel {
        backbone: parameters.backbone()?,
        layers: parameters.layers()?,
        num_neighbors: parameters.num_neighbors()?,
        coreset_sampling_ratio: parameters.ratio()?,
        precision: parameters.precision()?,
        memory_bank: memory_bank(path, &file.weights([bank.clone()])?)?,
        transform: parts.transform.map(|id| transform::steps(&tree, id)).transpose()?,
        statistics: statistics(&file.weights(under(STATISTICS_PREFIX))?)?,
        weights: file.weights(under(BACKBONE_PREFIX))?,
    })
}

/// Where the parts of a model stand.
struct Parts {
    /// Under the names of a state dict.
    tensors: Vec<(String, Id)>,
    parameters: Id,
    /// A plain description or an object; `None` in Python if there is no transform.
    transform: Option<Id>,
}

fn parts(tree: &Tree<'_>) -> Result<Parts, ForeignError> {
    let root = tree.root_items()?;
    let item = |name: &str| find(&root, name);
    if let (Some(state), Some(parameters)) = (item("state_dict"), item("hyper_parameters")) {
        return Ok(Parts {
            tensors: tree.named(state)?,
            parameters,
            transform: item("anomalib_pre_processor_config")
                .and_then(|config| tree.field(config, "transform")),
        });
    }
    let Some(model) = item("model").filter(|&model| tree.class(model).is_some()) else {
        return Err(tree.unsupported("not anomalib's: neither a checkpoint nor an exported model"));
    };
    let class = tree.class(model).unwrap_or_default();
    if class != CLASS {
        return Err(tree.unsupported(format!("it holds an object of {class:?}, expected {CLASS}")));
    }
    let parameters = tree.field(model, "_hparams");
    let parameters = parameters.ok_or_else(|| tree.parameter("_hparams", "missing"))?;
    let pre_processor =
        tree.field(model, "_modules").and_then(|modules| tree.field(modules, "pre_processor"));
    Ok(Parts {
        tensors: tree.modules(model)?,
        parameters,
        transform: pre_processor.and_then(|p| transform::of(tree, p)),
    })
}

/// The values that the model was made with.
struct Parameters<'t, 'a> {
    tree: &'t Tree<'a>,
    items: Vec<(&'a str, Id)>,
}

impl Parameters<'_, '_> {
    fn value(&self, name: &str) -> Result<Id, ForeignError> {
        find(&self.items, name).ok_or_else(|| self.tree.parameter(name, "missing"))
    }

    fn backbone(&self) -> Result<String, ForeignError> {
        const NAME: &str = "backbone";
        match self.tree.get(self.value(NAME)?) {
            Value::Str(name) if !name.is_empty() => Ok(name.clone()),
            other => {
                Err(self.tree.parameter(NAME, format!("{}, expected the name of a network", other.kind())))
            }
        }
    }

    fn layers(&self) -> Result<Vec<String>, ForeignError> {
        const NAME: &str = "layers";
        let bad = |problem: String| self.tree.parameter(NAME, problem);
        let (Value::Tuple(layers) | Value::List(layers)) = self.tree.get(self.value(NAME)?) else {
            return Err(bad("no tuple or list of layer names".to_owned()));
        };
        if layers.is_empty() {
            return Err(bad("no layer".to_owned()));
        }
        let text = |&layer| match self.tree.get(layer) {
            Value::Str(name) => Ok(name.clone()),
            other => Err(bad(format!("a layer is {}, expected a name", other.kind()))),
        };
        layers.iter().map(text).collect()
    }

    fn num_neighbors(&self) -> Result<usize, ForeignError> {
        const NAME: &str = "num_neighbors";
        match self.tree.get(self.value(NAME)?) {
            &Value::Int(n) if n >= 1 && i32::try_from(n).is_ok() => Ok(n as usize),
            Value::Int(n) => Err(self.tree.parameter(NAME, format!("{n}, expected 1 to {}", i32::MAX))),
            other => Err(self.tree.parameter(NAME, format!("{}, expected an int", other.kind()))),
        }
    }

    fn ratio(&self) -> Result<Option<f64>, ForeignError> {
        const NAME: &str = "coreset_sampling_ratio";
        let Some(id) = find(&self.items, NAME) else { return Ok(None) };
        match self.tree.number(id) {
            Some(ratio) if ratio > 0.0 && ratio <= 1.0 => Ok(Some(ratio)),
            Some(ratio) => Err(self.tree.parameter(NAME, format!("{ratio}, expected above 0 to 1"))),
            None => Err(self.tree.parameter(NAME, "no number")),
        }
    }

    /// Text, or anomalib's enum of it.
    fn precision(&self) -> Result<Option<AnomalibPrecision>, ForeignError> {
        const NAME: &str = "precision";
        let Some(mut value) = find(&self.items, NAME) else { return Ok(None) };
        if self.tree.class(value).as_deref() == Some("anomalib.PrecisionType") {
            value = self.tree.first_argument(value).unwrap_or(value);
        }
        match self.tree.get(value) {
            Value::Str(name) if name.eq_ignore_ascii_case("float32") => Ok(Some(AnomalibPrecision::Float32)),
            Value::Str(name) if name.eq_ignore_ascii_case("float16") => Ok(Some(AnomalibPrecision::Float16)),
            Value::Str(name) => {
                Err(self.tree.parameter(NAME, format!("{name:?}, expected float32 or float16")))
            }
            other => Err(self.tree.parameter(NAME, format!("{}, expected a string", other.kind()))),
        }
    }
}

fn memory_bank(path: &Path, weights: &Weights) -> Result<Embeddings, ForeignError> {
    let bad = |problem: String| ForeignError::unsupported(path, problem);
    let tensor = weights.tensor(MEMORY_BANK)?;
    let &[n, d] = tensor.shape.as_slice() else {
        let problem = match tensor.values.len() {
            0 => "the memory bank is empty: the model was saved before it was trained".to_owned(),
            _ => format!("{MEMORY_BANK} has the shape {:?}, expected rows and columns", tensor.shape),
        };
        return Err(bad(problem));
    };
    if tensor.values.is_empty() {
        return Err(bad("the memory bank is empty: the model was saved before it was trained".to_owned()));
    }
    if let Some(at) = tensor.values.iter().position(|value| !value.is_finite()) {
        return Err(bad(format!("{MEMORY_BANK}: value {at} is not finite")));
    }
    Embeddings::from_vec(n, d, tensor.values).map_err(|error| bad(error.to_string()))
}

/// What the file leaves out, or wrote as NaN, is not known.
fn statistics(weights: &Weights) -> Result<Statistics, ForeignError> {
    let read = |name: &str| -> Result<Option<f32>, ForeignError> {
        if !weights.contains(name) {
            return Ok(None);
        }
        Ok(weights.tensor(name)?.values.first().copied().filter(|value| value.is_finite()))
    };
    Ok(Statistics {
        image_threshold: read("_image_threshold")?,
        pixel_threshold: read("_pixel_threshold")?,
        image_min: read("image_min")?,
        image_max: read("image_max")?,
        pixel_min: read("pixel_min")?,
        pixel_max: read("pixel_max")?,
    })
}

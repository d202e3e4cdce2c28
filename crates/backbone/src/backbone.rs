//! A network with its weights, cut after the last tapped layer and ready to run.

use crate::compile::{compile, tensors_needed};
use crate::execute::Executor;
use crate::extractor::FeatureExtractor;
use crate::graph::{Graph, LayerId};
use crate::layouts::TooSmall;
use crate::networks::{ARCHITECTURES, Architecture, find};
use crate::weights::{WeightTensor, Weights, WeightsError};
use crate::{BackboneError, Precision, graph::Op};
use patchcore_kernels::element::{Bf16, Element};
use patchcore_kernels::isa::Isa;
use patchcore_tensor::Tensor;

/// EfficientNet-Lite0 up to `blocks.4` as fp16, Apache-2.0, see NOTICE.
static EMBEDDED: &[u8] = include_bytes!("../weights/efficientnet_lite0_blocks0-4_fp16.safetensors");

/// A frozen network that gives the feature maps of the layers asked for.
pub struct Backbone {
    name: String,
    layers: Vec<String>,
    precision: Precision,
    fingerprint: String,
    network: Network,
}

/// The network, compiled for one storage format.
enum Network {
    F32(Executor<f32>),
    Bf16(Executor<Bf16>),
}

impl Backbone {
    /// The built-in network, EfficientNet-Lite0, with its usual taps `blocks.2` and `blocks.4`.
    ///
    /// # Errors
    /// None for an intact program: the weights are part of it.
    pub fn embedded() -> Result<Self, BackboneError> {
        let lite0 = &ARCHITECTURES[0];
        Self::embedded_with(&lite0.layers.map(String::from), Precision::F32)
    }

    /// The built-in network with other taps (up to `blocks.4`, where the built-in weights end) or another precision.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn embedded_with(layers: &[String], precision: Precision) -> Result<Self, BackboneError> {
        let name = ARCHITECTURES[0].name;
        let weights = Weights::from_bytes(EMBEDDED)
            .map_err(|source| BackboneError::Weights { backbone: name.to_string(), source })?;
        Self::load(name, &weights, layers, precision)
    }

    /// The network called `name` with these weights, tapped at `layers`; only tensors that the taps need have to be
    /// there, and only those are read.
    ///
    /// # Errors
    /// An unknown network or layer, a repeated layer, a precision that this processor does not have, a tensor that
    /// is missing, has another shape or a value that is not finite, or a weight file that changed since it was opened.
    pub fn load(
        name: &str,
        weights: &Weights,
        layers: &[String],
        precision: Precision,
    ) -> Result<Self, BackboneError> {
        Self::load_for(Isa::best(), name, weights, layers, precision)
    }

    /// [`load`](Self::load) for a chosen instruction set.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_for(
        isa: Isa,
        name: &str,
        weights: &Weights,
        layers: &[String],
        precision: Precision,
    ) -> Result<Self, BackboneError> {
        let architecture = find(name)?;
        let graph = architecture.graph();
        let taps = all_taps(architecture, &graph, layers)?;
        let does_not_fit = |error| match error {
            error @ (WeightsError::File(_) | WeightsError::InFile { .. }) => {
                BackboneError::WeightsFile(error)
            }
            source => BackboneError::Weights { backbone: architecture.name.to_string(), source },
        };
        let (network, fingerprint) = if precision == Precision::Bf16 {
            if !Bf16::runs_on(isa) {
                return Err(BackboneError::NoBf16 { isa: isa.name() });
            }
            let (plan, fingerprint) =
                compile(&graph, &taps, weights, isa, precision).map_err(does_not_fit)?;
            (Network::Bf16(Executor::new(plan)), fingerprint)
        } else {
            let (plan, fingerprint) =
                compile(&graph, &taps, weights, isa, precision).map_err(does_not_fit)?;
            (Network::F32(Executor::new(plan)), fingerprint)
        };
        let (name, layers) = (architecture.name.to_string(), layers.to_vec());
        Ok(Self { name, layers, precision, fingerprint, network })
    }
}

impl FeatureExtractor for Backbone {
    fn name(&self) -> &str {
        &self.name
    }

    fn layers(&self) -> &[String] {
        &self.layers
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn features_into(&self, pictures: &Tensor, maps: &mut Vec<Tensor>) -> Result<(), BackboneError> {
        match &self.network {
            Network::F32(executor) => self.run(executor, pictures, maps),
            Network::Bf16(executor) => self.run(executor, pictures, maps),
        }?;
        for map in maps {
            patchcore_faults::spoil("backbone", map.data_mut());
        }
        Ok(())
    }

    /// Counted from the definition: how a convolution is computed, and in which precision, changes nothing. A scale per
    /// channel that could not be folded into a convolution counts as one of 1 x 1.
    ///
    /// ```
    /// use patchcore_backbone::{Backbone, FeatureExtractor};
    /// let backbone = Backbone::embedded()?;
    /// assert_eq!(backbone.multiply_adds(224, 224)?, Some(243_268_928));
    /// # Ok::<(), patchcore_backbone::BackboneError>(())
    /// ```
    fn multiply_adds(&self, height: usize, width: usize) -> Result<Option<u64>, BackboneError> {
        match &self.network {
            Network::F32(executor) => executor.multiply_adds(height, width),
            Network::Bf16(executor) => executor.multiply_adds(height, width),
        }
        .map(Some)
        .map_err(|TooSmall(layer)| BackboneError::TooSmall { height, width, layer })
    }
}

impl Backbone {
    fn run<E: Element>(
        &self,
        executor: &Executor<E>,
        pictures: &Tensor,
        maps: &mut Vec<Tensor>,
    ) -> Result<(), BackboneError> {
        let [_, height, width, got] = pictures.shape();
        let expected = executor.channels();
        if got != expected {
            return Err(BackboneError::Channels { backbone: self.name.clone(), got, expected });
        }
        let run = executor.run(pictures, maps);
        run.map_err(|TooSmall(layer)| BackboneError::TooSmall { height, width, layer })
    }
}

/// Channels of the feature maps that these layers of a network give, without its weights.
///
/// ```
/// let layers = ["layer2".to_string(), "layer3".to_string()];
/// assert_eq!(patchcore_backbone::channels("resnet18", &layers)?, [128, 256]);
/// # Ok::<(), patchcore_backbone::BackboneError>(())
/// ```
///
/// # Errors
/// [`BackboneError::UnknownBackbone`], [`BackboneError::UnknownLayer`], [`BackboneError::RepeatedLayer`] or
/// [`BackboneError::NoLayers`].
pub fn channels(name: &str, layers: &[String]) -> Result<Vec<usize>, BackboneError> {
    let architecture = find(name)?;
    let graph = architecture.graph();
    let taps = all_taps(architecture, &graph, layers)?;
    Ok(taps.into_iter().map(|tap| graph.layers()[tap].channels).collect())
}

fn all_taps(
    architecture: &Architecture,
    graph: &Graph,
    layers: &[String],
) -> Result<Vec<usize>, BackboneError> {
    let taps = layers.iter().map(|layer| tap(architecture, graph, layer)).collect::<Result<Vec<_>, _>>()?;
    if taps.is_empty() {
        return Err(BackboneError::NoLayers);
    }
    for (i, layer) in layers.iter().enumerate() {
        if taps[..i].contains(&taps[i]) {
            return Err(BackboneError::RepeatedLayer { layer: layer.clone() });
        }
    }
    Ok(taps)
}

fn tap(architecture: &Architecture, graph: &Graph, layer: &str) -> Result<usize, BackboneError> {
    graph.find(layer).ok_or_else(|| BackboneError::UnknownLayer {
        backbone: architecture.name.to_string(),
        layer: layer.to_string(),
        known: usual_taps(graph),
    })
}

/// The layers with the shortest names that are not parts of a block: what people tap.
fn usual_taps(graph: &Graph) -> Vec<String> {
    let names = graph.layers().iter().flat_map(|layer| &layer.names);
    names.filter(|n| n.split('.').count() <= 2 && n.contains(|c: char| c.is_ascii_digit())).cloned().collect()
}

/// The networks whose tensors, up to their usual taps, are all in these weights; of several those that need the most of
/// them. For naming what a file is that does not fit.
///
/// ```
/// use patchcore_backbone::{networks_of, weights_from};
/// let weights = weights_from("resnet18", |_, shape| vec![0.0; shape.iter().product()])?;
/// assert_eq!(networks_of(&weights), ["resnet18"]);
/// # Ok::<(), patchcore_backbone::BackboneError>(())
/// ```
pub fn networks_of(weights: &Weights) -> Vec<&'static str> {
    let needed = |architecture: &Architecture| {
        let graph = architecture.graph();
        let taps: Vec<LayerId> = architecture.layers.iter().filter_map(|layer| graph.find(layer)).collect();
        tensors_needed(&graph, &taps, weights).map(|count| (count, architecture.name))
    };
    let fitting: Vec<(usize, &str)> = ARCHITECTURES.iter().filter_map(needed).collect();
    let most = fitting.iter().map(|(count, _)| *count).max();
    fitting.into_iter().filter(|(count, _)| Some(*count) == most).map(|(_, name)| name).collect()
}

/// Names and shapes of all parameters that a network has up to its last feature map, for making weights from a formula.
///
/// # Errors
/// [`BackboneError::UnknownBackbone`].
pub fn parameters(name: &str) -> Result<Vec<(String, Vec<usize>)>, BackboneError> {
    let graph = find(name)?.graph();
    let mut out = Vec::new();
    for layer in graph.layers() {
        let name = layer.names.first().cloned().unwrap_or_default();
        match layer.op {
            Op::Conv { shape, bias, .. } => {
                let dims = vec![shape.co, shape.ci / shape.groups, shape.size[0], shape.size[1]];
                out.push((format!("{name}.weight"), dims));
                if bias {
                    out.push((format!("{name}.bias"), vec![shape.co]));
                }
            }
            Op::BatchNorm { .. } => {
                for part in ["weight", "bias", "running_mean", "running_var"] {
                    out.push((format!("{name}.{part}"), vec![layer.channels]));
                }
            }
            _ => {}
        }
    }
    Ok(out)
}

/// Weights of a network whose every tensor comes from `value(name, shape)`: for tests and for measuring speed.
///
/// # Errors
/// [`BackboneError::UnknownBackbone`].
pub fn weights_from(
    name: &str,
    value: impl Fn(&str, &[usize]) -> Vec<f32>,
) -> Result<Weights, BackboneError> {
    let mut weights = Weights::default();
    for (name, shape) in parameters(name)? {
        let values = value(&name, &shape);
        weights.insert(name, WeightTensor { shape, values });
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiply_adds(name: &str, isa: Isa, layers: &[&str], precision: Precision) -> u64 {
        let weights = weights_from(name, |_, shape| vec![0.0; shape.iter().product()]).unwrap();
        let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
        let backbone = Backbone::load_for(isa, name, &weights, &layers, precision).unwrap();
        backbone.multiply_adds(224, 224).unwrap().unwrap()
    }

    /// Figures that others give for these networks, in units of 10^5.
    #[test]
    fn multiply_adds_of_known_networks() {
        for (name, known) in [("resnet18", 14_025), ("resnet50", 32_779), ("wide_resnet50_2", 91_866)] {
            let counted = multiply_adds(name, Isa::best(), &["layer2", "layer3"], Precision::F32);
            assert_eq!((counted + 50_000) / 100_000, known, "{name}: {counted}");
        }
    }

    /// torchvision's figures for whole networks, in units of 10^6: with the classifier, whose products are counted here.
    #[test]
    fn multiply_adds_of_whole_networks() {
        let dense = 4096 * 4096 + 4096 * 1000;
        for (name, last, classifier, known) in [
            ("alexnet", "features.12", 9216 * 4096 + dense, 714),
            ("vgg11", "features.20", 25088 * 4096 + dense, 7609),
            ("vgg19", "features.36", 25088 * 4096 + dense, 19632),
            ("mnasnet_100", "act2", 1280 * 1000, 314),
        ] {
            let counted = multiply_adds(name, Isa::available()[0], &[last], Precision::F32) + classifier;
            assert_eq!((counted + 500_000) / 1_000_000, known, "{name}: {counted}");
        }
    }

    /// 112 x 112 positions of 7 x 7 x 3 x 64 weights.
    #[test]
    fn multiply_adds_do_not_depend_on_the_way_of_computing() {
        assert_eq!(
            multiply_adds("resnet18", Isa::best(), &["conv1"], Precision::F32),
            112 * 112 * 7 * 7 * 3 * 64
        );
        let of = |isa, precision| multiply_adds("mobilenet_v2", isa, &["features.6"], precision);
        let portable = Isa::available()[0];
        let expected = of(Isa::best(), Precision::F32);
        assert_eq!(of(portable, Precision::Fast), expected);
        assert_eq!(of(portable, Precision::Bf16), expected);
        let deep = |precision| multiply_adds("resnet18", portable, &["layer3"], precision);
        assert_eq!(deep(Precision::Fast), deep(Precision::F32));
    }
}

//! From a graph and its weights to a plan: cut after the last tap, fold batch norm, fuse sums and ReLU, pack.

use crate::Precision;
use crate::graph::{Clamp, Graph, LayerId, Op, Padding};
use crate::weights::{WeightTensor, Weights, WeightsError};
use patchcore_kernels::conv::{Conv, ConvShape, DepthwiseConv, WinogradConv};
use patchcore_kernels::element::Element;
use patchcore_kernels::isa::Isa;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// What is left to do, in order, and where the tapped maps are. Values are stored as `E`.
pub(crate) struct Plan<E: Element> {
    pub(crate) isa: Isa,
    pub(crate) channels: usize,
    pub(crate) steps: Vec<Step<Kind<E>>>,
    /// One value per tap. Value 0 is the input, value `i + 1` the output of step `i`.
    pub(crate) taps: Vec<usize>,
}

/// One step; `K` says what it computes.
pub(crate) struct Step<K> {
    pub(crate) kind: K,
    pub(crate) input: usize,
    /// A second value, added before the clamp.
    pub(crate) residual: Option<usize>,
    pub(crate) clamp: Clamp,
    pub(crate) channels: usize,
    /// The layer's name, for error messages.
    pub(crate) name: String,
}

/// What a step computes, with its weights packed.
pub(crate) enum Kind<E: Element> {
    Conv(Conv<E>, Padding),
    Winograd(WinogradConv<E>, Padding),
    Depthwise(DepthwiseConv, Padding),
    MaxPool {
        size: usize,
        stride: usize,
        pad: usize,
    },
    /// Sum and clamp alone, where no convolution could take them.
    Pointwise,
}

impl<E: Element> Kind<E> {
    /// Height and width of the window, and its step.
    pub(crate) fn window(&self) -> ([usize; 2], usize) {
        match self {
            Self::Conv(conv, _) => (conv.shape().size, conv.shape().stride),
            Self::Winograd(..) => ([3, 3], 1),
            Self::Depthwise(conv, _) => (conv.size(), conv.stride()),
            Self::MaxPool { size, stride, .. } => ([*size; 2], *stride),
            Self::Pointwise => ([1, 1], 1),
        }
    }
}

/// What a step computes, before its weights are packed.
enum Draft<'a> {
    Conv { shape: ConvShape, padding: Padding, weights: &'a [f32], norm: Option<Affine> },
    Affine(Affine),
    MaxPool { size: usize, stride: usize, pad: usize },
    Pointwise,
}

/// Batch norm as `scale * x + shift`.
struct Affine {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

/// A parameter that went into the network: its canonical name and the tensor.
type Used<'a> = (String, &'a WeightTensor);

/// Compiles `graph` for the tapped layers; also gives the fingerprint of the weights that they need.
pub(crate) fn compile<E: Element>(
    graph: &Graph,
    taps: &[LayerId],
    weights: &Weights,
    isa: Isa,
    precision: Precision,
) -> Result<(Plan<E>, String), WeightsError> {
    let mut compiler = Compiler::new(graph, taps, weights);
    let mut steps: Vec<(LayerId, [Option<LayerId>; 2], Step<Draft<'_>>)> = Vec::new();
    for id in 1..graph.layers().len() {
        if compiler.needed[id] && !compiler.absorbed[id] {
            steps.push(compiler.step(id)?);
        }
    }
    // A step runs where its last layer stood: then the shortcut that it adds is ready.
    steps.sort_by_key(|(last, ..)| *last);
    let value = |id: LayerId| match id {
        0 => 0,
        id => steps.iter().position(|(last, ..)| *last == id).map_or(usize::MAX, |i| i + 1),
    };
    let sources: Vec<(usize, Option<usize>)> =
        steps.iter().map(|(_, [input, residual], _)| (input.map_or(0, value), residual.map(value))).collect();
    let taps = taps.iter().map(|&id| value(id)).collect();
    let pack = |((.., step), (input, residual)): ((_, _, Step<Draft<'_>>), (usize, Option<usize>))| Step {
        kind: step.kind.pack(isa, precision),
        input,
        residual,
        clamp: step.clamp,
        channels: step.channels,
        name: step.name,
    };
    let (steps, fingerprint) = rayon::join(
        || steps.into_par_iter().zip(sources).map(pack).collect(),
        || fingerprint(&compiler.used),
    );
    Ok((Plan { isa, channels: graph.layers()[0].channels, steps, taps }, fingerprint))
}

impl Draft<'_> {
    /// Folds the batch norm into the weights and packs them.
    fn pack<E: Element>(self, isa: Isa, precision: Precision) -> Kind<E> {
        let narrow = |values: Vec<f64>| -> Vec<f32> { values.into_iter().map(|v| v as f32).collect() };
        match self {
            Self::Conv { shape, padding, weights, norm } => {
                let (weights, bias) = match norm {
                    Some(norm) => (fold(weights, &norm.scale), narrow(norm.shift)),
                    None => (Cow::Borrowed(weights), vec![0.0; shape.co]),
                };
                if shape.groups == shape.ci && shape.co == shape.ci {
                    Kind::Depthwise(
                        DepthwiseConv::new(isa, shape.size, shape.stride, &weights, &bias),
                        padding,
                    )
                } else if WinogradConv::<E>::fits(shape) {
                    let tile = precision.winograd(shape.ci);
                    Kind::Winograd(WinogradConv::new(isa, tile, shape, &weights, &bias), padding)
                } else {
                    Kind::Conv(Conv::new(isa, shape, &weights, &bias), padding)
                }
            }
            Self::Affine(Affine { scale, shift }) => {
                let affine = DepthwiseConv::new(isa, [1, 1], 1, &narrow(scale), &narrow(shift));
                Kind::Depthwise(affine, Padding::Symmetric(0))
            }
            Self::MaxPool { size, stride, pad } => Kind::MaxPool { size, stride, pad },
            Self::Pointwise => Kind::Pointwise,
        }
    }
}

/// Every filter times the scale of its output channel.
fn fold<'a>(weights: &'a [f32], scale: &[f64]) -> Cow<'a, [f32]> {
    let per_channel = (weights.len() / scale.len().max(1)).max(1);
    let scaled = weights.chunks_exact(per_channel).zip(scale);
    Cow::Owned(
        scaled.flat_map(|(filter, s)| filter.iter().map(move |&w| (f64::from(w) * s) as f32)).collect(),
    )
}

/// SHA-256 over names, shapes and values.
fn fingerprint(used: &[Used<'_>]) -> String {
    let mut hash = Sha256::new();
    let mut bytes = [0u8; 4096];
    for (name, tensor) in used {
        hash.update(format!("{name} {:?}\n", tensor.shape));
        for values in tensor.values.chunks(bytes.len() / size_of::<f32>()) {
            for (to, value) in bytes.chunks_exact_mut(size_of::<f32>()).zip(values) {
                to.copy_from_slice(&value.to_le_bytes());
            }
            hash.update(&bytes[..size_of_val(values)]);
        }
    }
    hex(&hash.finalize())
}

struct Compiler<'a> {
    graph: &'a Graph,
    weights: &'a Weights,
    /// Layers that a tap needs.
    needed: Vec<bool>,
    /// Layers whose work an earlier step has taken over.
    absorbed: Vec<bool>,
    tapped: Vec<bool>,
    /// The readers of each layer, among the needed ones.
    readers: Vec<Vec<LayerId>>,
    used: Vec<Used<'a>>,
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, taps: &[LayerId], weights: &'a Weights) -> Self {
        let n = graph.layers().len();
        let (mut needed, mut tapped, mut readers) = (vec![false; n], vec![false; n], vec![Vec::new(); n]);
        for &tap in taps {
            (needed[tap], tapped[tap]) = (true, true);
        }
        for id in (0..n).rev().filter(|&id| id > 0) {
            if needed[id] {
                for &input in &graph.layers()[id].inputs {
                    needed[input] = true;
                    readers[input].push(id);
                }
            }
        }
        Self { graph, weights, needed, absorbed: vec![false; n], tapped, readers, used: Vec::new() }
    }

    /// The step that begins with layer `id`, the layers that it reads, and the last layer that it takes over.
    #[expect(clippy::type_complexity, reason = "used once, named at the call")]
    fn step(
        &mut self,
        id: LayerId,
    ) -> Result<(LayerId, [Option<LayerId>; 2], Step<Draft<'a>>), WeightsError> {
        let layer = &self.graph.layers()[id];
        let mut last = id;
        let mut inputs = [layer.inputs.first().copied(), None];
        let mut clamp = Clamp::NONE;
        let kind = match layer.op {
            Op::Conv { shape, padding } => {
                let weights = self.parameter(id, "weight", &conv_weight_shape(shape))?;
                let mut norm = None;
                if let Some((reader, affine)) = self.following_norm(last)? {
                    (last, norm) = (reader, Some(affine));
                }
                // A depthwise convolution is not followed by a sum in any network, so its kernel takes none.
                let depthwise = shape.groups == shape.ci && shape.co == shape.ci;
                if !depthwise
                    && let Some(sum) =
                        self.only_reader(last).filter(|&r| self.graph.layers()[r].op == Op::Add)
                {
                    let operands = &self.graph.layers()[sum].inputs;
                    inputs[1] = operands.iter().copied().find(|&o| o != last);
                    if inputs[1].is_some() && !self.absorbed[sum] {
                        last = self.absorb(sum);
                    } else {
                        inputs[1] = None;
                    }
                }
                Draft::Conv { shape, padding, weights, norm }
            }
            Op::BatchNorm { eps } => Draft::Affine(self.scale_and_shift(id, eps)?),
            Op::MaxPool { size, stride, pad } => Draft::MaxPool { size, stride, pad },
            Op::Clamp(own) => {
                clamp = own;
                Draft::Pointwise
            }
            Op::Add => {
                inputs[1] = layer.inputs.get(1).copied();
                Draft::Pointwise
            }
            Op::Input { .. } => unreachable!("the input is no step"),
        };
        if clamp == Clamp::NONE
            && !matches!(kind, Draft::MaxPool { .. })
            && let Some(reader) = self.only_reader(last)
            && let Op::Clamp(following) = self.graph.layers()[reader].op
        {
            clamp = following;
            last = self.absorb(reader);
        }
        let name = layer.names.first().cloned().unwrap_or_default();
        let step = Step {
            kind,
            input: 0,
            residual: None,
            clamp,
            channels: self.graph.layers()[last].channels,
            name,
        };
        Ok((last, inputs, step))
    }

    /// The single reader of a layer that is not tapped itself: a layer whose work can be taken over.
    fn only_reader(&self, id: LayerId) -> Option<LayerId> {
        match self.readers[id][..] {
            [reader] if !self.tapped[id] => Some(reader),
            _ => None,
        }
    }

    fn absorb(&mut self, id: LayerId) -> LayerId {
        self.absorbed[id] = true;
        id
    }

    /// The batch norm that follows and can be folded.
    fn following_norm(&mut self, id: LayerId) -> Result<Option<(LayerId, Affine)>, WeightsError> {
        let Some(reader) = self.only_reader(id) else { return Ok(None) };
        let Op::BatchNorm { eps } = self.graph.layers()[reader].op else { return Ok(None) };
        let affine = self.scale_and_shift(reader, eps)?;
        Ok(Some((self.absorb(reader), affine)))
    }

    fn scale_and_shift(&mut self, id: LayerId, eps: f64) -> Result<Affine, WeightsError> {
        let shape = [self.graph.layers()[id].channels];
        let gamma = self.parameter(id, "weight", &shape)?;
        let beta = self.parameter(id, "bias", &shape)?;
        let mean = self.parameter(id, "running_mean", &shape)?;
        let variance = self.parameter(id, "running_var", &shape)?;
        let scale: Vec<f64> =
            gamma.iter().zip(variance).map(|(&g, &v)| f64::from(g) / (f64::from(v) + eps).sqrt()).collect();
        let shift =
            scale.iter().zip(beta).zip(mean).map(|((s, &b), &m)| f64::from(b) - f64::from(m) * s).collect();
        Ok(Affine { scale, shift })
    }

    /// A parameter of a layer, under the first of its names that the weights know; counted into the fingerprint.
    fn parameter(&mut self, id: LayerId, part: &str, shape: &[usize]) -> Result<&'a [f32], WeightsError> {
        let names: Vec<String> =
            self.graph.layers()[id].names.iter().map(|n| format!("{n}.{part}")).collect();
        let known = names.iter().find(|name| self.weights.get(name).is_some());
        let canonical = names.first().map_or("", String::as_str);
        let tensor = self.weights.take(known.map_or(canonical, String::as_str), shape)?;
        self.used.push((canonical.to_owned(), tensor));
        Ok(&tensor.values)
    }
}

fn conv_weight_shape(shape: ConvShape) -> [usize; 4] {
    [shape.co, shape.ci / shape.groups.max(1), shape.size[0], shape.size[1]]
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

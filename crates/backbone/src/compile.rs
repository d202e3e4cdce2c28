//! From a graph and its weights to a plan: cut after the last tap, fold batch norm, fuse sums and ReLU, pack.

use crate::graph::{Clamp, Graph, LayerId, Op, Padding};
use crate::weights::{Weights, WeightsError};
use patchcore_kernels::conv::{Conv, ConvShape, DepthwiseConv};
use patchcore_kernels::isa::Isa;
use sha2::{Digest, Sha256};

/// What is left to do, in order, and where the tapped maps are.
pub(crate) struct Plan {
    pub(crate) channels: usize,
    pub(crate) steps: Vec<Step>,
    /// One value per tap. Value 0 is the input, value `i + 1` the output of step `i`.
    pub(crate) taps: Vec<usize>,
    pub(crate) fingerprint: String,
}

pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) input: usize,
    /// A second value, added before the clamp.
    pub(crate) residual: Option<usize>,
    pub(crate) clamp: Clamp,
    pub(crate) channels: usize,
    /// The layer's name, for error messages.
    pub(crate) name: String,
}

pub(crate) enum Kind {
    Conv(Conv, Padding),
    Depthwise(DepthwiseConv, Padding),
    MaxPool {
        size: usize,
        stride: usize,
        pad: usize,
    },
    /// Sum and clamp alone, where no convolution could take them.
    Pointwise,
}

/// Compiles `graph` for the tapped layers.
pub(crate) fn compile(
    graph: &Graph,
    taps: &[LayerId],
    weights: &Weights,
    isa: Isa,
) -> Result<Plan, WeightsError> {
    let mut compiler = Compiler::new(graph, taps, weights, isa);
    let mut steps: Vec<(LayerId, [Option<LayerId>; 2], Step)> = Vec::new();
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
    let steps = steps
        .into_iter()
        .zip(sources)
        .map(|((.., step), (input, residual))| Step { input, residual, ..step })
        .collect();
    let fingerprint = hex(&compiler.hash.finalize());
    Ok(Plan { channels: graph.layers()[0].channels, steps, taps, fingerprint })
}

struct Compiler<'a> {
    graph: &'a Graph,
    weights: &'a Weights,
    isa: Isa,
    /// Layers that a tap needs.
    needed: Vec<bool>,
    /// Layers whose work an earlier step has taken over.
    absorbed: Vec<bool>,
    tapped: Vec<bool>,
    /// The readers of each layer, among the needed ones.
    readers: Vec<Vec<LayerId>>,
    hash: Sha256,
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, taps: &[LayerId], weights: &'a Weights, isa: Isa) -> Self {
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
        Self { graph, weights, isa, needed, absorbed: vec![false; n], tapped, readers, hash: Sha256::new() }
    }

    /// The step that begins with layer `id`, the layers that it reads, and the last layer that it takes over.
    fn step(&mut self, id: LayerId) -> Result<(LayerId, [Option<LayerId>; 2], Step), WeightsError> {
        let layer = &self.graph.layers()[id];
        let mut last = id;
        let mut inputs = [layer.inputs.first().copied(), None];
        let mut clamp = Clamp::NONE;
        let kind = match layer.op {
            Op::Conv { shape, padding } => {
                let mut weights = self.parameter(id, "weight", &conv_weight_shape(shape))?;
                let mut bias = vec![0.0; shape.co];
                if let Some((norm, scale, shift)) = self.following_norm(last)? {
                    let per_channel = weights.len() / shape.co.max(1);
                    for (filter, &s) in weights.chunks_exact_mut(per_channel.max(1)).zip(&scale) {
                        for w in filter {
                            *w = (f64::from(*w) * s) as f32;
                        }
                    }
                    bias = shift.iter().map(|&s| s as f32).collect();
                    last = norm;
                }
                if shape.groups == shape.ci && shape.co == shape.ci {
                    Kind::Depthwise(
                        DepthwiseConv::new(self.isa, shape.size, shape.stride, &weights, &bias),
                        padding,
                    )
                } else {
                    if let Some(sum) =
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
                    Kind::Conv(Conv::new(self.isa, shape, &weights, &bias), padding)
                }
            }
            Op::BatchNorm { eps } => {
                let (scale, shift) = self.scale_and_shift(id, eps)?;
                let narrow =
                    |values: Vec<f64>| -> Vec<f32> { values.into_iter().map(|v| v as f32).collect() };
                let affine = DepthwiseConv::new(self.isa, [1, 1], 1, &narrow(scale), &narrow(shift));
                Kind::Depthwise(affine, Padding::Symmetric(0))
            }
            Op::MaxPool { size, stride, pad } => Kind::MaxPool { size, stride, pad },
            Op::Clamp(own) => {
                clamp = own;
                Kind::Pointwise
            }
            Op::Add => {
                inputs[1] = layer.inputs.get(1).copied();
                Kind::Pointwise
            }
            Op::Input { .. } => unreachable!("the input is no step"),
        };
        if clamp == Clamp::NONE
            && !matches!(kind, Kind::MaxPool { .. })
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

    /// Scale and shift of the batch norm that follows and can be folded.
    #[expect(clippy::type_complexity, reason = "used once, named at the call")]
    fn following_norm(&mut self, id: LayerId) -> Result<Option<(LayerId, Vec<f64>, Vec<f64>)>, WeightsError> {
        let Some(reader) = self.only_reader(id) else { return Ok(None) };
        let Op::BatchNorm { eps } = self.graph.layers()[reader].op else { return Ok(None) };
        let (scale, shift) = self.scale_and_shift(reader, eps)?;
        Ok(Some((self.absorb(reader), scale, shift)))
    }

    /// Batch norm as `scale * x + shift`, in `f64`.
    fn scale_and_shift(&mut self, id: LayerId, eps: f64) -> Result<(Vec<f64>, Vec<f64>), WeightsError> {
        let shape = [self.graph.layers()[id].channels];
        let gamma = self.parameter(id, "weight", &shape)?;
        let beta = self.parameter(id, "bias", &shape)?;
        let mean = self.parameter(id, "running_mean", &shape)?;
        let variance = self.parameter(id, "running_var", &shape)?;
        let scale: Vec<f64> =
            gamma.iter().zip(&variance).map(|(&g, &v)| f64::from(g) / (f64::from(v) + eps).sqrt()).collect();
        let shift =
            scale.iter().zip(&beta).zip(&mean).map(|((s, &b), &m)| f64::from(b) - f64::from(m) * s).collect();
        Ok((scale, shift))
    }

    /// A parameter of a layer, under the first of its names that the weights know; counted into the fingerprint.
    fn parameter(&mut self, id: LayerId, part: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let names: Vec<String> =
            self.graph.layers()[id].names.iter().map(|n| format!("{n}.{part}")).collect();
        let known = names.iter().find(|name| self.weights.get(name).is_some());
        let canonical = names.first().map_or("", String::as_str);
        let tensor = self.weights.take(known.map_or(canonical, String::as_str), shape)?;
        self.hash.update(format!("{canonical} {shape:?}\n"));
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.hash.update(bytes);
        Ok(tensor.values.clone())
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

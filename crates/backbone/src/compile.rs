//! From a graph and its weights to a plan: cut after the last tap, fold batch norm, fuse sums and ReLU, pack.
//!
//! First the whole network is walked and every tensor asked for by name and shape. Then the layers are packed side by
//! side: each reads its own tensors, so that apart from what is packed only a few of them are in memory at a time.

use crate::Precision;
use crate::graph::{Clamp, Curve, Graph, LayerId, Op, Padding, Pool};
use crate::weights::{Weights, WeightsError};
use patchcore_kernels::conv::{Conv, ConvShape, DepthwiseConv, WinogradConv};
use patchcore_kernels::element::Element;
use patchcore_kernels::isa::Isa;
use rayon::iter::Either;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::sync::{Mutex, PoisonError};

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
    /// A second value: added before the clamp; of a gate or a concatenation, the second operand.
    pub(crate) second: Option<usize>,
    pub(crate) clamp: Clamp,
    /// What the clamped values go through.
    pub(crate) curve: Option<Curve>,
    pub(crate) channels: usize,
    /// The layer's name, for error messages.
    pub(crate) name: String,
}

impl<E: Element> Plan<E> {
    /// Channels of a value.
    pub(crate) fn channels_of(&self, value: usize) -> usize {
        value.checked_sub(1).map_or(self.channels, |step| self.steps[step].channels)
    }
}

impl<K> Step<K> {
    /// The values that it reads.
    pub(crate) fn sources(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.input).chain(self.second)
    }
}

/// What a step computes, with its weights packed.
pub(crate) enum Kind<E: Element> {
    Conv(Conv<E>, Padding),
    Winograd(WinogradConv<E>, Padding),
    Depthwise(DepthwiseConv, Padding),
    Pool(Pool),
    /// The mean of the whole map.
    GlobalMean,
    Gate,
    Concat,
    /// Sum and activation alone, where no convolution could take them.
    Pointwise,
}

impl<E: Element> Kind<E> {
    /// Height and width of the window, and its step.
    pub(crate) fn window(&self) -> ([usize; 2], usize) {
        match self {
            Self::Conv(conv, _) => (conv.shape().size, conv.shape().stride),
            Self::Winograd(..) => ([3, 3], 1),
            Self::Depthwise(conv, _) => (conv.size(), conv.stride()),
            Self::Pool(pool) => ([pool.size; 2], pool.stride),
            Self::GlobalMean | Self::Gate | Self::Concat | Self::Pointwise => ([1, 1], 1),
        }
    }
}

/// What a step computes, before its weights are read.
enum Draft {
    Conv {
        shape: ConvShape,
        padding: Padding,
        weights: Parameter,
        bias: Option<Parameter>,
        norm: Option<Norm>,
    },
    Affine(Norm),
    Pool(Pool),
    GlobalMean,
    Gate,
    Concat,
    Pointwise,
}

/// A number in the list of [`Used`] tensors.
type Parameter = usize;

/// A tensor that goes into the network.
struct Used {
    /// The first name of its layer, with which it goes into the fingerprint.
    canonical: String,
    /// Its name in these weights.
    name: String,
    shape: Vec<usize>,
}

/// Batch norm: where its parameters are.
#[derive(Clone, Copy)]
struct Norm {
    gamma: Parameter,
    beta: Parameter,
    mean: Parameter,
    variance: Parameter,
    eps: f64,
}

/// Batch norm as `scale * x + shift`.
struct Affine {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

/// SHA-256 of a tensor's values as little-endian `f32`.
type Hash = [u8; 32];

/// Compiles `graph` for the tapped layers; also gives the fingerprint of the weights that they need.
pub(crate) fn compile<E: Element>(
    graph: &Graph,
    taps: &[LayerId],
    weights: &Weights,
    isa: Isa,
    precision: Precision,
) -> Result<(Plan<E>, String), WeightsError> {
    let mut compiler = Compiler::new(graph, taps, weights);
    let mut steps: Vec<(LayerId, [Option<LayerId>; 2], Step<Draft>)> = Vec::new();
    for id in 1..graph.layers().len() {
        if compiler.needed[id] && !compiler.absorbed[id] {
            steps.push(compiler.step(id));
        }
    }
    compiler.misfits.check()?;
    // A step runs where its last layer stood: then the shortcut that it adds is ready.
    steps.sort_by_key(|(last, ..)| *last);
    let value = |id: LayerId| match id {
        0 => 0,
        id => steps.iter().position(|(last, ..)| *last == id).map_or(usize::MAX, |i| i + 1),
    };
    let sources: Vec<(usize, Option<usize>)> =
        steps.iter().map(|(_, [input, second], _)| (input.map_or(0, value), second.map(value))).collect();
    let taps = taps.iter().map(|&id| value(id)).collect();
    let reader = Reader { weights, used: &compiler.used, spare: Mutex::default() };
    let pack = |((.., step), (input, second)): ((_, _, Step<Draft>), (usize, Option<usize>))| {
        let mut tensors = Tensors { reader: &reader, hashes: Vec::new() };
        let Step { clamp, curve, channels, name, .. } = step;
        match step.kind.pack(isa, precision, &mut tensors) {
            Ok(kind) => {
                Either::Left((Step { kind, input, second, clamp, curve, channels, name }, tensors.hashes))
            }
            Err(error) => Either::Right(error),
        }
    };
    // One layer per task: their sizes differ a lot.
    let (packed, errors): (Vec<_>, Vec<(Parameter, WeightsError)>) =
        steps.into_par_iter().zip(sources).with_max_len(1).partition_map(pack);
    if let Some((_, first)) = errors.into_iter().min_by_key(|(parameter, _)| *parameter) {
        return Err(first);
    }
    let (steps, of_steps): (Vec<_>, Vec<Vec<(Parameter, Hash)>>) = packed.into_iter().unzip();
    let mut hashes: Vec<(Parameter, Hash)> = of_steps.into_iter().flatten().collect();
    hashes.sort_unstable_by_key(|(parameter, _)| *parameter);
    let fingerprint = fingerprint(&compiler.used, &hashes);
    Ok((Plan { isa, channels: graph.layers()[0].channels, steps, taps }, fingerprint))
}

/// Reads tensors for all threads.
struct Reader<'a> {
    weights: &'a Weights,
    used: &'a [Used],
    /// Memory of tensors that were packed: fresh memory costs more than reading what goes into it.
    spare: Mutex<Vec<Vec<f32>>>,
}

/// Reads the tensors of one step.
struct Tensors<'a> {
    reader: &'a Reader<'a>,
    hashes: Vec<(Parameter, Hash)>,
}

impl Tensors<'_> {
    /// Puts the values of a parameter into `values`. An error comes with the parameter's number.
    fn read(
        &mut self,
        parameter: Parameter,
        mut values: Vec<f32>,
    ) -> Result<Vec<f32>, (Parameter, WeightsError)> {
        let name = &self.reader.used[parameter].name;
        self.reader.weights.finite_into(name, &mut values).map_err(|error| (parameter, error))?;
        self.hashes.push((parameter, hash(&values)));
        Ok(values)
    }

    /// Memory for large tensors; give it [`back`](Self::give_back).
    fn spare(&self) -> Vec<f32> {
        self.reader.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give_back(&self, values: Vec<f32>) {
        self.reader.spare.lock().unwrap_or_else(PoisonError::into_inner).push(values);
    }

    fn affine(&mut self, norm: Norm) -> Result<Affine, (Parameter, WeightsError)> {
        let Norm { gamma, beta, mean, variance, eps } = norm;
        let mut read = |parameter| self.read(parameter, Vec::new());
        let (gamma, beta, mean, variance) = (read(gamma)?, read(beta)?, read(mean)?, read(variance)?);
        let scale: Vec<f64> =
            gamma.iter().zip(&variance).map(|(&g, &v)| f64::from(g) / (f64::from(v) + eps).sqrt()).collect();
        let shift =
            scale.iter().zip(&beta).zip(&mean).map(|((s, &b), &m)| f64::from(b) - f64::from(m) * s).collect();
        Ok(Affine { scale, shift })
    }
}

impl Draft {
    /// Reads the weights, folds the batch norm into them and packs them.
    fn pack<E: Element>(
        self,
        isa: Isa,
        precision: Precision,
        tensors: &mut Tensors<'_>,
    ) -> Result<Kind<E>, (Parameter, WeightsError)> {
        let narrow = |values: Vec<f64>| -> Vec<f32> { values.into_iter().map(|v| v as f32).collect() };
        Ok(match self {
            Self::Conv { shape, padding, weights, bias, norm } => {
                let mut weights = tensors.read(weights, tensors.spare())?;
                let mut bias = match bias {
                    Some(bias) => tensors.read(bias, Vec::new())?,
                    None => vec![0.0; shape.co],
                };
                if let Some(norm) = norm {
                    let Affine { scale, shift } = tensors.affine(norm)?;
                    fold(&mut weights, &scale);
                    for ((bias, scale), shift) in bias.iter_mut().zip(scale).zip(shift) {
                        *bias = (f64::from(*bias) * scale + shift) as f32;
                    }
                }
                let kind = if shape.groups == shape.ci && shape.co == shape.ci {
                    let conv = DepthwiseConv::new(isa, shape.size, shape.stride, &weights, &bias);
                    Kind::Depthwise(conv, padding)
                } else if WinogradConv::<E>::fits(shape) {
                    let tile = precision.winograd(shape.ci);
                    Kind::Winograd(WinogradConv::new(isa, tile, shape, &weights, &bias), padding)
                } else {
                    Kind::Conv(Conv::new(isa, shape, &weights, &bias), padding)
                };
                tensors.give_back(weights);
                kind
            }
            Self::Affine(norm) => {
                let Affine { scale, shift } = tensors.affine(norm)?;
                let affine = DepthwiseConv::new(isa, [1, 1], 1, &narrow(scale), &narrow(shift));
                Kind::Depthwise(affine, Padding::Symmetric(0))
            }
            Self::Pool(pool) => Kind::Pool(pool),
            Self::GlobalMean => Kind::GlobalMean,
            Self::Gate => Kind::Gate,
            Self::Concat => Kind::Concat,
            Self::Pointwise => Kind::Pointwise,
        })
    }
}

/// Every filter times the scale of its output channel.
fn fold(weights: &mut [f32], scale: &[f64]) {
    let per_channel = (weights.len() / scale.len().max(1)).max(1);
    for (filter, s) in weights.chunks_exact_mut(per_channel).zip(scale) {
        for w in filter {
            *w = (f64::from(*w) * s) as f32;
        }
    }
}

fn hash(values: &[f32]) -> Hash {
    let mut hash = Sha256::new();
    let mut bytes = [0u8; 4096];
    for values in values.chunks(bytes.len() / size_of::<f32>()) {
        for (to, value) in bytes.chunks_exact_mut(size_of::<f32>()).zip(values) {
            to.copy_from_slice(&value.to_le_bytes());
        }
        hash.update(&bytes[..size_of_val(values)]);
    }
    hash.finalize().into()
}

/// SHA-256 over one line per tensor, in the network's order: `NAME [SHAPE] SHA-256 of its values`. So tensors can be
/// hashed side by side.
fn fingerprint(used: &[Used], hashes: &[(Parameter, Hash)]) -> String {
    let mut all = Sha256::new();
    for (used, (_, hash)) in used.iter().zip(hashes) {
        all.update(format!("{} {:?} {}\n", used.canonical, used.shape, hex(hash)));
    }
    hex(&all.finalize())
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
    used: Vec<Used>,
    misfits: Misfits,
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
        let (absorbed, used, misfits) = (vec![false; n], Vec::new(), Misfits::default());
        Self { graph, weights, needed, absorbed, tapped, readers, used, misfits }
    }

    /// The step that begins with layer `id`, the layers that it reads, and the last layer that it takes over.
    fn step(&mut self, id: LayerId) -> (LayerId, [Option<LayerId>; 2], Step<Draft>) {
        let layer = &self.graph.layers()[id];
        let mut last = id;
        let mut inputs = [layer.inputs.first().copied(), None];
        let (mut clamp, mut curve) = (Clamp::NONE, None);
        let kind = match layer.op {
            Op::Conv { shape, padding, bias } => {
                let weights = self.parameter(id, "weight", &conv_weight_shape(shape));
                let bias = bias.then(|| self.parameter(id, "bias", &[shape.co]));
                let mut norm = None;
                if let Some((reader, following)) = self.following_norm(last) {
                    (last, norm) = (reader, Some(following));
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
                Draft::Conv { shape, padding, weights, bias, norm }
            }
            Op::BatchNorm { eps } => Draft::Affine(self.norm(id, eps)),
            Op::Pool(pool) => Draft::Pool(pool),
            Op::GlobalMean => Draft::GlobalMean,
            Op::Clamp(own) => {
                clamp = own;
                Draft::Pointwise
            }
            Op::Curve(own) => {
                curve = Some(own);
                Draft::Pointwise
            }
            Op::Add | Op::Gate | Op::Concat => {
                inputs[1] = layer.inputs.get(1).copied();
                match layer.op {
                    Op::Gate => Draft::Gate,
                    Op::Concat => Draft::Concat,
                    _ => Draft::Pointwise,
                }
            }
            Op::Input { .. } => unreachable!("the input is no step"),
        };
        let takes_activation = matches!(kind, Draft::Conv { .. } | Draft::Affine(_) | Draft::Pointwise);
        if takes_activation
            && clamp == Clamp::NONE
            && curve.is_none()
            && let Some(reader) = self.only_reader(last)
        {
            match self.graph.layers()[reader].op {
                Op::Clamp(following) => {
                    clamp = following;
                    last = self.absorb(reader);
                }
                Op::Curve(following) => {
                    curve = Some(following);
                    last = self.absorb(reader);
                }
                _ => {}
            }
        }
        let name = layer.names.first().cloned().unwrap_or_default();
        let step = Step {
            kind,
            input: 0,
            second: None,
            clamp,
            curve,
            channels: self.graph.layers()[last].channels,
            name,
        };
        (last, inputs, step)
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
    fn following_norm(&mut self, id: LayerId) -> Option<(LayerId, Norm)> {
        let reader = self.only_reader(id)?;
        let Op::BatchNorm { eps } = self.graph.layers()[reader].op else { return None };
        let norm = self.norm(reader, eps);
        Some((self.absorb(reader), norm))
    }

    fn norm(&mut self, id: LayerId, eps: f64) -> Norm {
        let shape = [self.graph.layers()[id].channels];
        let mut part = |part| self.parameter(id, part, &shape);
        let (gamma, beta) = (part("weight"), part("bias"));
        let (mean, variance) = (part("running_mean"), part("running_var"));
        Norm { gamma, beta, mean, variance, eps }
    }

    /// A parameter of a layer, under the first of its names that the weights know. One that does not fit is noted.
    fn parameter(&mut self, id: LayerId, part: &str, shape: &[usize]) -> Parameter {
        let names: Vec<String> =
            self.graph.layers()[id].names.iter().map(|n| format!("{n}.{part}")).collect();
        let canonical = names.first().cloned().unwrap_or_default();
        let known = names.into_iter().find(|name| self.weights.contains(name));
        let name = known.unwrap_or_else(|| canonical.clone());
        self.misfits.look_at(self.weights, &name, shape);
        self.used.push(Used { canonical, name, shape: shape.to_vec() });
        self.used.len() - 1
    }
}

/// How many tensors the taps of a network need, if the weights have them all.
pub(crate) fn tensors_needed(graph: &Graph, taps: &[LayerId], weights: &Weights) -> Option<usize> {
    let mut compiler = Compiler::new(graph, taps, weights);
    for id in 1..graph.layers().len() {
        if compiler.needed[id] && !compiler.absorbed[id] {
            compiler.step(id);
        }
    }
    (compiler.misfits.count == 0).then_some(compiler.used.len())
}

/// The tensors that are not there, or not as the network needs them.
#[derive(Default)]
struct Misfits {
    first: Vec<WeightsError>,
    count: usize,
}

impl Misfits {
    /// So many are named; each of these looks through the file for similar names.
    const NAMED: usize = 5;

    fn look_at(&mut self, weights: &Weights, name: &str, shape: &[usize]) {
        if weights.holds(name, shape) {
            return;
        }
        self.count += 1;
        if self.first.len() < Self::NAMED {
            self.first.extend(weights.check(name, shape).err());
        }
    }

    fn check(&mut self) -> Result<(), WeightsError> {
        match (self.count, self.first.pop()) {
            (0, _) => Ok(()),
            (1, Some(only)) => Err(only),
            (count, last) => {
                self.first.extend(last);
                Err(WeightsError::Misfits { first: std::mem::take(&mut self.first), count })
            }
        }
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

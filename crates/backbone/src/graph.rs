//! A network as a plain list of layers, each with the names that people know it by.

pub use patchcore_kernels::conv::{Clamp, ConvShape};
pub use patchcore_kernels::pointwise::Curve;

/// The place of a layer in its graph.
pub type LayerId = usize;

/// What a layer does.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The picture, with this many channels.
    Input {
        /// Channels.
        channels: usize,
    },
    /// A convolution; parameters `NAME.weight`, `[co, ci / groups, height, width]`, and `NAME.bias`, `[co]`.
    Conv {
        /// Channels, groups, window, step.
        shape: ConvShape,
        /// What lies around the picture.
        padding: Padding,
        /// Whether there is a bias.
        bias: bool,
    },
    /// Batch norm with fixed statistics; parameters `NAME.weight`, `.bias`, `.running_mean`, `.running_var`.
    BatchNorm {
        /// Added to the variance.
        eps: f64,
    },
    /// The ReLU family: values cut to a range.
    Clamp(Clamp),
    /// A smooth activation.
    Curve(Curve),
    /// The sum of two maps of one shape.
    Add,
    /// The channels of two maps, side by side.
    Concat,
    /// Each channel of the first map times the second one's value for it; the second map is one pixel.
    Gate,
    /// The largest value, or the mean, of a square window; what lies outside the picture does not count.
    Pool(Pool),
    /// The mean of the whole map: one pixel.
    GlobalMean,
}

/// Pooling over a square window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// What is taken of a window.
    pub kind: PoolKind,
    /// Side of the window.
    pub size: usize,
    /// Step.
    pub stride: usize,
    /// Reach over each edge.
    pub pad: usize,
}

/// What pooling takes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest value.
    Max,
    /// The mean.
    Mean,
}

/// How a convolution treats the edge; what lies outside is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// The same reach over every edge, as in `PyTorch`.
    Symmetric(usize),
    /// Half the window over every edge: the size stays, with step 1 and an odd window.
    Centred,
    /// As much as gives `ceil(size / stride)` outputs, the odd pixel at the lower right, as in TensorFlow.
    Same,
}

/// One layer.
#[derive(Debug, Clone)]
pub struct Layer {
    /// What it does.
    pub op: Op,
    /// The layers that it reads.
    pub inputs: Vec<LayerId>,
    /// Its names, the first one canonical; empty for a layer that nobody names.
    pub names: Vec<String>,
    /// Channels of its output.
    pub channels: usize,
}

/// A network: layers in an order in which they can run.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    layers: Vec<Layer>,
}

impl Graph {
    /// A graph that holds only its input.
    pub fn new(channels: usize) -> (Self, LayerId) {
        let input = Layer { op: Op::Input { channels }, inputs: Vec::new(), names: Vec::new(), channels };
        (Self { layers: vec![input] }, 0)
    }

    /// All layers, inputs before their readers.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layer with this name.
    pub fn find(&self, name: &str) -> Option<LayerId> {
        self.layers.iter().position(|layer| layer.names.iter().any(|n| n == name))
    }

    /// The activation that directly follows a layer, if one does.
    pub fn activation_after(&self, id: LayerId) -> Option<LayerId> {
        let follows = |layer: &Layer| layer.inputs == [id] && matches!(layer.op, Op::Clamp(_) | Op::Curve(_));
        self.layers.iter().position(follows)
    }

    /// Gives a layer one more name.
    pub fn alias(&mut self, id: LayerId, name: impl Into<String>) {
        let name = name.into();
        if !self.layers[id].names.contains(&name) {
            self.layers[id].names.push(name);
        }
    }

    /// Adds a convolution over `input` without bias; `ci` of the shape is taken from it.
    pub fn conv(
        &mut self,
        name: impl Into<String>,
        input: LayerId,
        co: usize,
        size: usize,
        stride: usize,
        padding: Padding,
    ) -> LayerId {
        self.grouped_conv(name, input, co, size, stride, padding, 1)
    }

    /// Adds a convolution in groups.
    #[expect(clippy::too_many_arguments, reason = "one line per layer reads best in the networks' tables")]
    pub fn grouped_conv(
        &mut self,
        name: impl Into<String>,
        input: LayerId,
        co: usize,
        size: usize,
        stride: usize,
        padding: Padding,
        groups: usize,
    ) -> LayerId {
        let id = self.oblong_conv(name, input, co, [size, size], stride, padding);
        if let Op::Conv { shape, .. } = &mut self.layers[id].op {
            shape.groups = groups;
        }
        id
    }

    /// Adds a convolution whose window has this height and width.
    pub fn oblong_conv(
        &mut self,
        name: impl Into<String>,
        input: LayerId,
        co: usize,
        size: [usize; 2],
        stride: usize,
        padding: Padding,
    ) -> LayerId {
        let shape = ConvShape { co, ci: self.layers[input].channels, groups: 1, size, stride };
        self.add(vec![name.into()], Op::Conv { shape, padding, bias: false }, vec![input], co)
    }

    /// Adds a convolution with a bias.
    pub fn biased_conv(
        &mut self,
        name: impl Into<String>,
        input: LayerId,
        co: usize,
        size: usize,
        stride: usize,
        padding: Padding,
    ) -> LayerId {
        let id = self.conv(name, input, co, size, stride, padding);
        if let Op::Conv { bias, .. } = &mut self.layers[id].op {
            *bias = true;
        }
        id
    }

    /// Adds a batch norm.
    pub fn batch_norm(&mut self, name: impl Into<String>, input: LayerId, eps: f64) -> LayerId {
        let channels = self.layers[input].channels;
        self.add(vec![name.into()], Op::BatchNorm { eps }, vec![input], channels)
    }

    /// Adds a member of the ReLU family.
    pub fn clamp(&mut self, names: &[String], input: LayerId, clamp: Clamp) -> LayerId {
        let channels = self.layers[input].channels;
        self.add(names.to_vec(), Op::Clamp(clamp), vec![input], channels)
    }

    /// Adds the sum of two layers.
    pub fn sum(&mut self, a: LayerId, b: LayerId) -> LayerId {
        let channels = self.layers[a].channels;
        self.add(Vec::new(), Op::Add, vec![a, b], channels)
    }

    /// Adds a smooth activation.
    pub fn curve(&mut self, names: &[String], input: LayerId, curve: Curve) -> LayerId {
        let channels = self.layers[input].channels;
        self.add(names.to_vec(), Op::Curve(curve), vec![input], channels)
    }

    /// Adds the channels of two layers, side by side.
    pub fn concat(&mut self, a: LayerId, b: LayerId) -> LayerId {
        let channels = self.layers[a].channels + self.layers[b].channels;
        self.add(Vec::new(), Op::Concat, vec![a, b], channels)
    }

    /// Adds a layer whose channels are scaled by those of a map of one pixel.
    pub fn gate(&mut self, name: impl Into<String>, input: LayerId, gate: LayerId) -> LayerId {
        let channels = self.layers[input].channels;
        self.add(vec![name.into()], Op::Gate, vec![input, gate], channels)
    }

    /// Adds pooling.
    pub fn pool(&mut self, name: impl Into<String>, input: LayerId, pool: Pool) -> LayerId {
        let channels = self.layers[input].channels;
        self.add(vec![name.into()], Op::Pool(pool), vec![input], channels)
    }

    /// Adds the mean of a whole map.
    pub fn global_mean(&mut self, input: LayerId) -> LayerId {
        let channels = self.layers[input].channels;
        self.add(Vec::new(), Op::GlobalMean, vec![input], channels)
    }

    fn add(&mut self, names: Vec<String>, op: Op, inputs: Vec<LayerId>, channels: usize) -> LayerId {
        self.layers.push(Layer { op, inputs, names, channels });
        self.layers.len() - 1
    }
}

//! A network as a plain list of layers, each with the names that people know it by.

pub use patchcore_kernels::conv::{Clamp, ConvShape};

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
    /// A convolution without bias; parameter `NAME.weight`, `[co, ci / groups, height, width]`.
    Conv {
        /// Channels, groups, window, step.
        shape: ConvShape,
        /// What lies around the picture.
        padding: Padding,
    },
    /// Batch norm with fixed statistics; parameters `NAME.weight`, `.bias`, `.running_mean`, `.running_var`.
    BatchNorm {
        /// Added to the variance.
        eps: f64,
    },
    /// The ReLU family: values cut to a range.
    Clamp(Clamp),
    /// The sum of two maps of one shape.
    Add,
    /// Maximum over a square window.
    MaxPool {
        /// Side of the window.
        size: usize,
        /// Step.
        stride: usize,
        /// Reach over each edge.
        pad: usize,
    },
}

/// How a convolution treats the edge; what lies outside is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// The same reach over every edge, as in `PyTorch`.
    Symmetric(usize),
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

    /// Gives a layer one more name.
    pub fn alias(&mut self, id: LayerId, name: impl Into<String>) {
        let name = name.into();
        if !self.layers[id].names.contains(&name) {
            self.layers[id].names.push(name);
        }
    }

    /// Adds a convolution over `input`; `ci` of the shape is taken from it.
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
        let ci = self.layers[input].channels;
        let shape = ConvShape { co, ci, groups, size: [size, size], stride };
        self.add(vec![name.into()], Op::Conv { shape, padding }, vec![input], co)
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

    /// Adds maximum pooling.
    pub fn max_pool(
        &mut self,
        name: impl Into<String>,
        input: LayerId,
        size: usize,
        stride: usize,
        pad: usize,
    ) -> LayerId {
        let channels = self.layers[input].channels;
        self.add(vec![name.into()], Op::MaxPool { size, stride, pad }, vec![input], channels)
    }

    fn add(&mut self, names: Vec<String>, op: Op, inputs: Vec<LayerId>, channels: usize) -> LayerId {
        self.layers.push(Layer { op, inputs, names, channels });
        self.layers.len() - 1
    }
}

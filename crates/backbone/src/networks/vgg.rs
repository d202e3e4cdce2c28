//! VGG (Simonyan and Zisserman 2015) and `AlexNet` (Krizhevsky 2014), as torchvision builds them: one row of layers, each
//! named by its place, `features.N`.

use crate::graph::{Clamp, Graph, LayerId, Padding, Pool, PoolKind};

/// What tells the members of the VGG family apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    /// Convolutions per stage.
    pub(super) depth: [usize; 5],
    /// Whether batch norm follows each convolution.
    pub(super) norm: bool,
}

impl Variant {
    pub(super) fn graph(self) -> Graph {
        let (mut row, stages) = (Row::new(), [64, 128, 256, 512, 512].into_iter().zip(self.depth));
        for (channels, depth) in stages {
            for _ in 0..depth {
                row.conv(channels, 3, 1, 1, self.norm);
            }
            row.pool(2);
        }
        row.graph
    }
}

pub(super) fn alexnet() -> Graph {
    let mut row = Row::new();
    row.conv(64, 11, 4, 2, false);
    row.pool(3);
    row.conv(192, 5, 1, 2, false);
    row.pool(3);
    for channels in [384, 256, 256] {
        row.conv(channels, 3, 1, 1, false);
    }
    row.pool(3);
    row.graph
}

/// A row of layers that grows at its end.
struct Row {
    graph: Graph,
    end: LayerId,
    count: usize,
}

impl Row {
    fn new() -> Self {
        let (graph, end) = Graph::new(3);
        Self { graph, end, count: 0 }
    }

    /// The next layer's name.
    fn name(&mut self) -> String {
        self.count += 1;
        format!("features.{}", self.count - 1)
    }

    /// A convolution with bias, batch norm if wished, and a ReLU.
    fn conv(&mut self, channels: usize, size: usize, stride: usize, pad: usize, norm: bool) {
        let name = self.name();
        self.end = self.graph.biased_conv(name, self.end, channels, size, stride, Padding::Symmetric(pad));
        if norm {
            let name = self.name();
            self.end = self.graph.batch_norm(name, self.end, 1e-5);
        }
        let name = self.name();
        self.end = self.graph.clamp(&[name], self.end, Clamp::RELU);
    }

    /// The maximum of windows, at half the size.
    fn pool(&mut self, size: usize) {
        let name = self.name();
        self.end = self.graph.pool(name, self.end, Pool { kind: PoolKind::Max, size, stride: 2, pad: 0 });
    }
}

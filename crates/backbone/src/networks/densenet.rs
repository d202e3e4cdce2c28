//! `DenseNet` (Huang et al. 2017), as torchvision and timm build it.
//!
//! Each layer of a block reads all channels before it and adds some of its own. A tap of a block (`features.denseblock2`)
//! gives the bare concatenation, before any norm, with negative values.

use crate::graph::{Clamp, Graph, LayerId, Padding, Pool, PoolKind};

const EPS: f64 = 1e-5;

/// What tells the members of the family apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    /// Layers per block.
    pub(super) depth: [usize; 4],
}

/// Channels that a layer adds.
const GROWTH: usize = 32;
/// Channels before the first block.
const STEM: usize = 64;

impl Variant {
    pub(super) fn graph(self) -> Graph {
        let (mut g, input) = Graph::new(3);
        let x = g.conv("features.conv0", input, STEM, 7, 2, Padding::Symmetric(3));
        let x = g.batch_norm("features.norm0", x, EPS);
        let x = g.clamp(&["features.relu0".into()], x, Clamp::RELU);
        let mut x = g.pool("features.pool0", x, Pool { kind: PoolKind::Max, size: 3, stride: 2, pad: 1 });
        for (i, &layers) in self.depth.iter().enumerate() {
            let block = format!("features.denseblock{}", i + 1);
            for number in 1..=layers {
                let new = dense_layer(&mut g, &format!("{block}.denselayer{number}"), x);
                x = g.concat(x, new);
            }
            g.alias(x, block);
            if i + 1 < self.depth.len() {
                x = transition(&mut g, &format!("features.transition{}", i + 1), x);
            }
        }
        g.batch_norm("features.norm5", x, EPS);
        g
    }
}

/// The channels that a layer adds: norm, 1x1, norm, 3x3.
fn dense_layer(g: &mut Graph, name: &str, input: LayerId) -> LayerId {
    let mut x = input;
    for (number, co, size) in [(1, 4 * GROWTH, 1), (2, GROWTH, 3)] {
        // The oldest checkpoints write `norm.1` for `norm1`.
        let names = |part: &str| [format!("{name}.{part}{number}"), format!("{name}.{part}.{number}")];
        let [norm, old] = names("norm");
        x = g.batch_norm(norm, x, EPS);
        g.alias(x, old);
        x = g.clamp(&names("relu"), x, Clamp::RELU);
        let [conv, old] = names("conv");
        x = g.conv(conv, x, co, size, 1, Padding::Symmetric(size / 2));
        g.alias(x, old);
    }
    g.alias(x, name);
    x
}

/// Half the channels at half the size.
fn transition(g: &mut Graph, name: &str, input: LayerId) -> LayerId {
    let x = g.batch_norm(format!("{name}.norm"), input, EPS);
    let x = g.clamp(&[format!("{name}.relu")], x, Clamp::RELU);
    let half = g.layers()[x].channels / 2;
    let x = g.conv(format!("{name}.conv"), x, half, 1, 1, Padding::Symmetric(0));
    let x = g.pool(format!("{name}.pool"), x, Pool { kind: PoolKind::Mean, size: 2, stride: 2, pad: 0 });
    g.alias(x, name);
    x
}

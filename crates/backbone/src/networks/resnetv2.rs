//! `ResNetV2` (He et al. 2016, "Identity mappings"), as timm builds it: norm and activation stand before each convolution,
//! and none behind the sum. A tap of a stage (`stages.1`) gives the bare sum, with negative values.

use crate::graph::{Clamp, Graph, LayerId, Padding, Pool, PoolKind};

const EPS: f64 = 1e-5;

/// A network of bottlenecks with this many blocks per stage.
pub(super) fn graph(depth: [usize; 4]) -> Graph {
    let (mut g, input) = Graph::new(3);
    let x = g.conv("stem.conv", input, 64, 7, 2, Padding::Symmetric(3));
    let mut x = g.pool("stem.pool", x, Pool { kind: PoolKind::Max, size: 3, stride: 2, pad: 1 });
    g.alias(x, "stem");
    for (stage, &blocks) in depth.iter().enumerate() {
        for number in 0..blocks {
            let stride = if stage > 0 && number == 0 { 2 } else { 1 };
            x = block(&mut g, &format!("stages.{stage}.blocks.{number}"), x, 64 << stage, stride);
        }
        g.alias(x, format!("stages.{stage}"));
    }
    norm(&mut g, "norm", x);
    g
}

fn block(g: &mut Graph, name: &str, input: LayerId, planes: usize, stride: usize) -> LayerId {
    let out = 4 * planes;
    let first = norm(g, &format!("{name}.norm1"), input);
    let shortcut = if stride != 1 || g.layers()[input].channels != out {
        let shortcut =
            g.conv(format!("{name}.downsample.conv"), first, out, 1, stride, Padding::Symmetric(0));
        g.alias(shortcut, format!("{name}.downsample"));
        shortcut
    } else {
        input
    };
    let x = g.conv(format!("{name}.conv1"), first, planes, 1, 1, Padding::Symmetric(0));
    let x = norm(g, &format!("{name}.norm2"), x);
    let x = g.conv(format!("{name}.conv2"), x, planes, 3, stride, Padding::Symmetric(1));
    let x = norm(g, &format!("{name}.norm3"), x);
    let x = g.conv(format!("{name}.conv3"), x, out, 1, 1, Padding::Symmetric(0));
    let x = g.sum(x, shortcut);
    g.alias(x, name);
    x
}

/// Batch norm and its activation.
fn norm(g: &mut Graph, name: &str, input: LayerId) -> LayerId {
    let x = g.batch_norm(name, input, EPS);
    g.clamp(&[format!("{name}.act")], x, Clamp::RELU)
}

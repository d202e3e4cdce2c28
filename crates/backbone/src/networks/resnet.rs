//! The ResNet family (He et al. 2016; Zagoruyko and Komodakis 2016; Xie et al. 2017), as torchvision builds it.

use crate::graph::{Clamp, Graph, LayerId, Padding, Pool, PoolKind};

const EPS: f64 = 1e-5;

/// What tells the members of the family apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    /// Three convolutions per block (1x1, 3x3, 1x1) instead of two (3x3, 3x3).
    pub(super) bottleneck: bool,
    /// Blocks per stage.
    pub(super) depth: [usize; 4],
    /// Groups of the 3x3 convolution in a bottleneck.
    pub(super) groups: usize,
    /// Width of a group at 64 planes.
    pub(super) width: usize,
}

impl Variant {
    pub(super) fn graph(self) -> Graph {
        let (mut g, input) = Graph::new(3);
        let x = g.conv("conv1", input, 64, 7, 2, Padding::Symmetric(3));
        let x = g.batch_norm("bn1", x, EPS);
        let x = g.clamp(&["relu".into(), "act1".into()], x, Clamp::RELU);
        let mut x = g.pool("maxpool", x, Pool { kind: PoolKind::Max, size: 3, stride: 2, pad: 1 });
        for (stage, &blocks) in self.depth.iter().enumerate() {
            let planes = 64 << stage;
            for block in 0..blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                x = self.block(&mut g, &format!("layer{}.{block}", stage + 1), x, planes, stride);
            }
            g.alias(x, format!("layer{}", stage + 1));
        }
        g
    }

    fn block(self, g: &mut Graph, name: &str, input: LayerId, planes: usize, stride: usize) -> LayerId {
        let convs: Vec<(usize, usize, usize, usize)> = if self.bottleneck {
            let inner = planes * self.width / 64 * self.groups;
            vec![(inner, 1, 1, 1), (inner, 3, stride, self.groups), (planes * 4, 1, 1, 1)]
        } else {
            vec![(planes, 3, stride, 1), (planes, 3, 1, 1)]
        };
        let mut x = input;
        for (i, &(co, size, stride, groups)) in convs.iter().enumerate() {
            let number = i + 1;
            let conv = format!("{name}.conv{number}");
            x = g.grouped_conv(conv, x, co, size, stride, Padding::Symmetric(size / 2), groups);
            x = g.batch_norm(format!("{name}.bn{number}"), x, EPS);
            if number < convs.len() {
                x = g.clamp(&[format!("{name}.act{number}")], x, Clamp::RELU);
            }
        }
        let out = g.layers()[x].channels;
        let mut shortcut = input;
        if stride != 1 || g.layers()[input].channels != out {
            shortcut = g.conv(format!("{name}.downsample.0"), input, out, 1, stride, Padding::Symmetric(0));
            shortcut = g.batch_norm(format!("{name}.downsample.1"), shortcut, EPS);
            g.alias(shortcut, format!("{name}.downsample"));
        }
        x = g.sum(x, shortcut);
        // A ReLU module is used several times in a block; what a hook on it sees last is the block's output.
        g.clamp(
            &[name.to_string(), format!("{name}.relu"), format!("{name}.act{}", convs.len())],
            x,
            Clamp::RELU,
        )
    }
}

//! Inception-v4 (Szegedy et al. 2016), as timm builds it: blocks whose branches are concatenated.

use crate::graph::{Clamp, Graph, LayerId, Padding, Pool, PoolKind};

/// Channels, height and width of the window, step, and whether a border keeps the size.
type Conv = (usize, [usize; 2], usize, bool);

/// A 1x1 convolution.
const fn point(channels: usize) -> Conv {
    (channels, [1, 1], 1, true)
}

/// A convolution that keeps the size.
const fn same(channels: usize, size: [usize; 2]) -> Conv {
    (channels, size, 1, true)
}

/// A 3x3 convolution without a border.
const fn bare(channels: usize, stride: usize) -> Conv {
    (channels, [3, 3], stride, false)
}

pub(super) fn inception_v4() -> Graph {
    let (mut g, mut x) = Graph::new(3);
    for (i, conv) in [bare(32, 2), bare(32, 1), same(64, [3, 3])].into_iter().enumerate() {
        x = norm_conv(&mut g, &format!("features.{i}"), x, conv);
    }
    let halving = Pool { kind: PoolKind::Max, size: 3, stride: 2, pad: 0 };
    x = {
        let pool = g.pool("features.3.maxpool", x, halving);
        let conv = norm_conv(&mut g, "features.3.conv", x, bare(96, 2));
        join(&mut g, "features.3", &[pool, conv])
    };
    x = {
        let a = branch(&mut g, "features.4.branch0", x, &[point(64), bare(96, 1)]);
        let longer = [point(64), same(64, [1, 7]), same(64, [7, 1]), bare(96, 1)];
        let b = branch(&mut g, "features.4.branch1", x, &longer);
        join(&mut g, "features.4", &[a, b])
    };
    x = {
        let conv = norm_conv(&mut g, "features.5.conv", x, bare(192, 2));
        let pool = g.pool("features.5.maxpool", x, halving);
        join(&mut g, "features.5", &[conv, pool])
    };
    for i in 6..10 {
        let branches = [&[point(64), same(96, [3, 3])][..], &[point(64), same(96, [3, 3]), same(96, [3, 3])]];
        x = block(&mut g, &format!("features.{i}"), x, 96, &branches, 96);
    }
    x = {
        let a = norm_conv(&mut g, "features.10.branch0", x, bare(384, 2));
        let b = branch(&mut g, "features.10.branch1", x, &[point(192), same(224, [3, 3]), bare(256, 2)]);
        let pool = g.pool("features.10.branch2", x, halving);
        join(&mut g, "features.10", &[a, b, pool])
    };
    for i in 11..18 {
        let (flat, tall) = ([1, 7], [7, 1]);
        let branches = [
            &[point(192), same(224, flat), same(256, tall)][..],
            &[point(192), same(192, tall), same(224, flat), same(224, tall), same(256, flat)],
        ];
        x = block(&mut g, &format!("features.{i}"), x, 384, &branches, 128);
    }
    g
}

/// A 1x1 branch, longer ones, and one of a mean and a 1x1 convolution.
fn block(
    g: &mut Graph,
    name: &str,
    input: LayerId,
    first: usize,
    branches: &[&[Conv]; 2],
    last: usize,
) -> LayerId {
    let mut parts = vec![norm_conv(g, &format!("{name}.branch0"), input, point(first))];
    for (i, convs) in (1..).zip(branches) {
        parts.push(branch(g, &format!("{name}.branch{i}"), input, convs));
    }
    let pool = Pool { kind: PoolKind::Mean, size: 3, stride: 1, pad: 1 };
    let mean = g.pool(format!("{name}.branch3.0"), input, pool);
    parts.push(norm_conv(g, &format!("{name}.branch3.1"), mean, point(last)));
    join(g, name, &parts)
}

fn branch(g: &mut Graph, name: &str, input: LayerId, convs: &[Conv]) -> LayerId {
    let mut x = input;
    for (i, &conv) in convs.iter().enumerate() {
        x = norm_conv(g, &format!("{name}.{i}"), x, conv);
    }
    x
}

/// Convolution, batch norm, `ReLU`.
fn norm_conv(g: &mut Graph, name: &str, input: LayerId, (co, size, stride, keep): Conv) -> LayerId {
    let padding = if keep { Padding::Centred } else { Padding::Symmetric(0) };
    let x = g.oblong_conv(format!("{name}.conv"), input, co, size, stride, padding);
    let x = g.batch_norm(format!("{name}.bn"), x, 1e-3);
    g.clamp(&[name.to_string()], x, Clamp::RELU)
}

/// Parts side by side.
fn join(g: &mut Graph, name: &str, parts: &[LayerId]) -> LayerId {
    let mut x = parts[0];
    for &part in &parts[1..] {
        x = g.concat(x, part);
    }
    g.alias(x, name);
    x
}

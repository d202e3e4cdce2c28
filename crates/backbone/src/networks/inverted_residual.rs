//! Networks of inverted residuals: MobileNetV2 (Sandler et al. 2018), `MNASNet` (Tan et al. 2019), EfficientNet (Tan and Le
//! 2019, 2021) and EfficientNet-Lite0 (Google, 2020).
//!
//! All are stages of blocks: widen by a 1x1 convolution, filter each channel, narrow by a 1x1 convolution without
//! activation. Some scale the channels before they narrow them ("squeeze and excitation"); the first stages of
//! `EfficientNetV2` widen and filter by one convolution. Layers bear timm's names; MobileNetV2 bears torchvision's as well.

use crate::graph::{Clamp, Curve, Graph, LayerId, Padding};

/// What the blocks of a stage are.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    /// Widen, filter each channel, narrow.
    Inverted,
    /// The same with a squeeze: between filter and narrowing, channels are scaled by what their means say.
    Squeezed,
    /// Widen by a full convolution, narrow.
    Fused,
    /// One full convolution.
    Plain,
}

/// Block, expansion, output channels, repeats, stride, window of one stage.
type Stage = (Block, usize, usize, usize, usize, usize);

/// What tells the networks apart, apart from their stages.
struct Style {
    eps: f64,
    same_padding: bool,
    activation: Activation,
    /// Channels before the first stage.
    stem: usize,
    /// Channels after the last stage.
    head: usize,
}

#[derive(Clone, Copy)]
enum Activation {
    Cut(Clamp),
    Smooth(Curve),
}

impl Style {
    fn padding(&self, size: usize) -> Padding {
        if self.same_padding { Padding::Same } else { Padding::Symmetric(size / 2) }
    }

    fn activate(&self, g: &mut Graph, name: impl Into<String>, input: LayerId) -> LayerId {
        match self.activation {
            Activation::Cut(clamp) => g.clamp(&[name.into()], input, clamp),
            Activation::Smooth(curve) => g.curve(&[name.into()], input, curve),
        }
    }
}

pub(super) fn mobilenet_v2() -> Graph {
    use Block::Inverted;
    let stages = [
        (Inverted, 1, 16, 1, 1, 3),
        (Inverted, 6, 24, 2, 2, 3),
        (Inverted, 6, 32, 3, 2, 3),
        (Inverted, 6, 64, 4, 2, 3),
        (Inverted, 6, 96, 3, 1, 3),
        (Inverted, 6, 160, 3, 2, 3),
        (Inverted, 6, 320, 1, 1, 3),
    ];
    let activation = Activation::Cut(Clamp::RELU6);
    let mut g = build(&Style { eps: 1e-5, same_padding: false, activation, stem: 32, head: 1280 }, &stages);
    add_torchvision_names(&mut g, &stages);
    g
}

pub(super) fn efficientnet_lite0() -> Graph {
    let activation = Activation::Cut(Clamp::RELU6);
    let style = Style { eps: 1e-3, same_padding: true, activation, stem: 32, head: 1280 };
    build(&style, &efficientnet_stages(Block::Inverted))
}

/// The stages of EfficientNet-B0.
fn efficientnet_stages(block: Block) -> [Stage; 7] {
    [
        (block, 1, 16, 1, 1, 3),
        (block, 6, 24, 2, 2, 3),
        (block, 6, 40, 2, 2, 5),
        (block, 6, 80, 3, 2, 3),
        (block, 6, 112, 3, 1, 5),
        (block, 6, 192, 4, 2, 5),
        (block, 6, 320, 1, 1, 3),
    ]
}

/// A member of the EfficientNet family: B0 made wider and deeper.
#[derive(Debug, Clone, Copy)]
pub(super) struct EfficientNet {
    pub(super) width: f64,
    pub(super) depth: f64,
    /// Padding and norms as in TensorFlow, where the weights come from.
    pub(super) tensorflow: bool,
}

impl EfficientNet {
    pub(super) fn graph(self) -> Graph {
        let wide = |channels: usize| rounded(channels as f64 * self.width);
        let deep = |repeats: usize| (repeats as f64 * self.depth).ceil() as usize;
        let stages =
            efficientnet_stages(Block::Squeezed).map(|(block, expansion, out, repeats, stride, size)| {
                (block, expansion, wide(out), deep(repeats), stride, size)
            });
        let style = Style {
            eps: if self.tensorflow { 1e-3 } else { 1e-5 },
            same_padding: self.tensorflow,
            activation: Activation::Smooth(Curve::Silu),
            stem: wide(32),
            head: wide(1280),
        };
        build(&style, &stages)
    }
}

/// The nearest multiple of eight that takes away at most a tenth.
fn rounded(channels: f64) -> usize {
    let nearest = (channels / 8.0).round() * 8.0;
    (if nearest < 0.9 * channels { nearest + 8.0 } else { nearest }) as usize
}

/// A member of the `EfficientNetV2` family.
#[derive(Debug, Clone, Copy)]
pub(super) struct EfficientNetV2 {
    pub(super) channels: [usize; 7],
    pub(super) repeats: [usize; 7],
}

impl EfficientNetV2 {
    pub(super) fn graph(self) -> Graph {
        use Block::{Fused, Plain, Squeezed};
        let shapes = [
            (Plain, 1, 1),
            (Fused, 4, 2),
            (Fused, 4, 2),
            (Squeezed, 4, 2),
            (Squeezed, 6, 1),
            (Squeezed, 6, 2),
            (Squeezed, 6, 1),
        ];
        let stages: Vec<Stage> = shapes
            .into_iter()
            .zip(self.channels.into_iter().zip(self.repeats))
            .map(|((block, expansion, stride), (out, repeats))| (block, expansion, out, repeats, stride, 3))
            .collect();
        let activation = Activation::Smooth(Curve::Silu);
        let stem = self.channels[0];
        build(&Style { eps: 1e-3, same_padding: true, activation, stem, head: 1280 }, &stages)
    }
}

pub(super) fn mnasnet_b1() -> Graph {
    use Block::Inverted;
    mnasnet(&[
        (Inverted, 1, 16, 1, 1, 3),
        (Inverted, 3, 24, 3, 2, 3),
        (Inverted, 3, 40, 3, 2, 5),
        (Inverted, 6, 80, 3, 2, 5),
        (Inverted, 6, 96, 2, 1, 3),
        (Inverted, 6, 192, 4, 2, 5),
        (Inverted, 6, 320, 1, 1, 3),
    ])
}

pub(super) fn mnasnet_a1() -> Graph {
    use Block::{Inverted, Squeezed};
    mnasnet(&[
        (Inverted, 1, 16, 1, 1, 3),
        (Inverted, 6, 24, 2, 2, 3),
        (Squeezed, 3, 40, 3, 2, 5),
        (Inverted, 6, 80, 4, 2, 3),
        (Squeezed, 6, 112, 2, 1, 3),
        (Squeezed, 6, 160, 3, 2, 5),
        (Inverted, 6, 320, 1, 1, 3),
    ])
}

fn mnasnet(stages: &[Stage]) -> Graph {
    let activation = Activation::Cut(Clamp::RELU);
    build(&Style { eps: 1e-5, same_padding: false, activation, stem: 32, head: 1280 }, stages)
}

fn build(style: &Style, stages: &[Stage]) -> Graph {
    let (mut g, input) = Graph::new(3);
    let x = g.conv("conv_stem", input, style.stem, 3, 2, style.padding(3));
    let x = g.batch_norm("bn1", x, style.eps);
    let mut x = style.activate(&mut g, "act1", x);
    for (number, &(block, expansion, out, repeats, stride, size)) in stages.iter().enumerate() {
        for repeat in 0..repeats {
            let stride = if repeat == 0 { stride } else { 1 };
            let (name, from) = (format!("blocks.{number}.{repeat}"), x);
            x = match block {
                Block::Inverted | Block::Squeezed => {
                    let squeezed = block == Block::Squeezed;
                    inverted_residual(&mut g, style, &name, x, (squeezed, expansion, out, stride, size))
                }
                Block::Fused => {
                    let inner = g.layers()[x].channels * expansion;
                    x = g.conv(format!("{name}.conv_exp"), x, inner, size, stride, style.padding(size));
                    x = g.batch_norm(format!("{name}.bn1"), x, style.eps);
                    x = style.activate(&mut g, format!("{name}.act1"), x);
                    x = g.conv(format!("{name}.conv_pwl"), x, out, 1, 1, style.padding(1));
                    g.batch_norm(format!("{name}.bn2"), x, style.eps)
                }
                Block::Plain => {
                    x = g.conv(format!("{name}.conv"), x, out, size, stride, style.padding(size));
                    x = g.batch_norm(format!("{name}.bn1"), x, style.eps);
                    style.activate(&mut g, format!("{name}.act1"), x)
                }
            };
            if stride == 1 && g.layers()[from].channels == out {
                x = g.sum(x, from);
            }
            g.alias(x, name);
        }
        g.alias(x, format!("blocks.{number}"));
    }
    let x = g.conv("conv_head", x, style.head, 1, 1, style.padding(1));
    let x = g.batch_norm("bn2", x, style.eps);
    style.activate(&mut g, "act2", x);
    g
}

fn inverted_residual(
    g: &mut Graph,
    style: &Style,
    name: &str,
    input: LayerId,
    (squeezed, expansion, out, stride, size): (bool, usize, usize, usize, usize),
) -> LayerId {
    let channels = g.layers()[input].channels;
    let inner = channels * expansion;
    let mut x = input;
    let mut norms = 1..;
    let mut norm = |g: &mut Graph, x| {
        let number = norms.next().unwrap_or_default();
        (g.batch_norm(format!("{name}.bn{number}"), x, style.eps), number)
    };
    if expansion > 1 {
        x = g.conv(format!("{name}.conv_pw"), x, inner, 1, 1, style.padding(1));
        let (y, number) = norm(g, x);
        x = style.activate(g, format!("{name}.act{number}"), y);
    }
    x = g.grouped_conv(format!("{name}.conv_dw"), x, inner, size, stride, style.padding(size), inner);
    let (y, number) = norm(g, x);
    x = style.activate(g, format!("{name}.act{number}"), y);
    if squeezed {
        x = squeeze(g, style, &format!("{name}.se"), x, channels / 4);
    }
    // timm calls the narrowing convolution of a block without widening `conv_pw`.
    let narrow = if expansion > 1 { "conv_pwl" } else { "conv_pw" };
    x = g.conv(format!("{name}.{narrow}"), x, out, 1, 1, style.padding(1));
    norm(g, x).0
}

/// Channels times a gate between zero and one, which two small layers make of their means.
fn squeeze(g: &mut Graph, style: &Style, name: &str, input: LayerId, reduced: usize) -> LayerId {
    let x = g.global_mean(input);
    let x = g.biased_conv(format!("{name}.conv_reduce"), x, reduced, 1, 1, Padding::Symmetric(0));
    let x = style.activate(g, format!("{name}.act1"), x);
    let channels = g.layers()[input].channels;
    let x = g.biased_conv(format!("{name}.conv_expand"), x, channels, 1, 1, Padding::Symmetric(0));
    let gate = g.curve(&[format!("{name}.gate")], x, Curve::Sigmoid);
    g.gate(name, input, gate)
}

/// torchvision numbers blocks through (`features.1` ...) and layers within a block (`conv.0.0` ...).
fn add_torchvision_names(g: &mut Graph, stages: &[Stage]) {
    let mut rename = |from: &str, to: String| {
        if let Some(id) = g.find(from) {
            g.alias(id, to);
        }
    };
    for (i, part) in ["conv_stem", "bn1", "act1"].iter().enumerate() {
        rename(part, format!("features.0.{i}"));
    }
    rename("act1", "features.0".into());
    let mut feature = 0;
    for (stage, &(_, expansion, _, repeats, ..)) in stages.iter().enumerate() {
        for block in 0..repeats {
            feature += 1;
            let (old, new) = (format!("blocks.{stage}.{block}"), format!("features.{feature}"));
            let widened = expansion > 1;
            let parts: &[(&str, &str)] = if widened {
                &[
                    ("conv_pw", "conv.0.0"),
                    ("bn1", "conv.0.1"),
                    ("act1", "conv.0.2"),
                    ("conv_dw", "conv.1.0"),
                    ("bn2", "conv.1.1"),
                    ("act2", "conv.1.2"),
                    ("conv_pwl", "conv.2"),
                    ("bn3", "conv.3"),
                ]
            } else {
                &[
                    ("conv_dw", "conv.0.0"),
                    ("bn1", "conv.0.1"),
                    ("act1", "conv.0.2"),
                    ("conv_pw", "conv.1"),
                    ("bn2", "conv.2"),
                ]
            };
            for (from, to) in parts {
                rename(&format!("{old}.{from}"), format!("{new}.{to}"));
            }
            rename(&old, new);
        }
    }
    feature += 1;
    for (i, part) in ["conv_head", "bn2", "act2"].iter().enumerate() {
        rename(part, format!("features.{feature}.{i}"));
    }
    rename("act2", format!("features.{feature}"));
}

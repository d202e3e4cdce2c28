//! Networks of inverted residuals: MobileNetV2 (Sandler et al. 2018) and EfficientNet-Lite0 (Google, 2020).
//!
//! Both are stages of blocks: widen by a 1x1 convolution, filter each channel, narrow by a 1x1 convolution without
//! activation. Layers bear timm's names; MobileNetV2 bears torchvision's as well.

use crate::graph::{Clamp, Graph, LayerId, Padding};

/// Expansion, output channels, repeats, stride, window of one stage.
type Stage = (usize, usize, usize, usize, usize);

/// What tells the two networks apart.
struct Style {
    eps: f64,
    same_padding: bool,
}

impl Style {
    fn padding(&self, size: usize) -> Padding {
        if self.same_padding { Padding::Same } else { Padding::Symmetric(size / 2) }
    }
}

pub(super) fn mobilenet_v2() -> Graph {
    let stages = [
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 32, 3, 2, 3),
        (6, 64, 4, 2, 3),
        (6, 96, 3, 1, 3),
        (6, 160, 3, 2, 3),
        (6, 320, 1, 1, 3),
    ];
    let mut g = build(&Style { eps: 1e-5, same_padding: false }, &stages);
    add_torchvision_names(&mut g, &stages);
    g
}

pub(super) fn efficientnet_lite0() -> Graph {
    let stages = [
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 40, 2, 2, 5),
        (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    ];
    build(&Style { eps: 1e-3, same_padding: true }, &stages)
}

fn build(style: &Style, stages: &[Stage]) -> Graph {
    let (mut g, input) = Graph::new(3);
    let x = g.conv("conv_stem", input, 32, 3, 2, style.padding(3));
    let x = g.batch_norm("bn1", x, style.eps);
    let mut x = g.clamp(&["act1".into()], x, Clamp::RELU6);
    for (stage, &(expansion, out, repeats, stride, size)) in stages.iter().enumerate() {
        for block in 0..repeats {
            let stride = if block == 0 { stride } else { 1 };
            let name = format!("blocks.{stage}.{block}");
            x = inverted_residual(&mut g, style, &name, x, (expansion, out, stride, size));
        }
        g.alias(x, format!("blocks.{stage}"));
    }
    let x = g.conv("conv_head", x, 1280, 1, 1, style.padding(1));
    let x = g.batch_norm("bn2", x, style.eps);
    g.clamp(&["act2".into()], x, Clamp::RELU6);
    g
}

fn inverted_residual(
    g: &mut Graph,
    style: &Style,
    name: &str,
    input: LayerId,
    (expansion, out, stride, size): (usize, usize, usize, usize),
) -> LayerId {
    let inner = g.layers()[input].channels * expansion;
    let mut x = input;
    let mut norms = 1..;
    let mut norm = |g: &mut Graph, x| {
        let number = norms.next().unwrap_or_default();
        (g.batch_norm(format!("{name}.bn{number}"), x, style.eps), number)
    };
    if expansion > 1 {
        x = g.conv(format!("{name}.conv_pw"), x, inner, 1, 1, style.padding(1));
        let (y, number) = norm(g, x);
        x = g.clamp(&[format!("{name}.act{number}")], y, Clamp::RELU6);
    }
    x = g.grouped_conv(format!("{name}.conv_dw"), x, inner, size, stride, style.padding(size), inner);
    let (y, number) = norm(g, x);
    x = g.clamp(&[format!("{name}.act{number}")], y, Clamp::RELU6);
    // timm calls the narrowing convolution of a block without widening `conv_pw`.
    let narrow = if expansion > 1 { "conv_pwl" } else { "conv_pw" };
    x = g.conv(format!("{name}.{narrow}"), x, out, 1, 1, style.padding(1));
    (x, _) = norm(g, x);
    if stride == 1 && g.layers()[input].channels == out {
        x = g.sum(x, input);
    }
    g.alias(x, name);
    x
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
    for (stage, &(expansion, _, repeats, ..)) in stages.iter().enumerate() {
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

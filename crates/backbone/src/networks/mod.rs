//! The networks that run natively, by name.

mod inverted_residual;
mod resnet;

use crate::graph::Graph;

/// Mean and standard deviation of ImageNet, per channel, for pictures in `[0, 1]`.
const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
/// Pictures brought to `[-1, 1]`.
const HALF: ([f32; 3], [f32; 3]) = ([0.5; 3], [0.5; 3]);

/// A network: its names, how its input is normalised, and the layers that are usually tapped.
#[derive(Debug, Clone, Copy)]
pub struct Architecture {
    /// The name that a model stores.
    pub name: &'static str,
    /// Other names for it: the original's, torchvision's, timm's.
    pub aliases: &'static [&'static str],
    /// The layers tapped when none are named: strides 8 and 16.
    pub layers: [&'static str; 2],
    /// Mean per channel, of pictures in `[0, 1]`.
    pub mean: [f32; 3],
    /// Standard deviation per channel.
    pub std: [f32; 3],
    network: Network,
}

#[derive(Debug, Clone, Copy)]
enum Network {
    ResNet(resnet::Variant),
    MobileNetV2,
    EfficientNetLite0,
}

/// All networks, the built-in one first.
///
/// ```
/// use patchcore_backbone::networks::{architecture, ARCHITECTURES};
/// assert_eq!(architecture("wideresnet50").map(|a| a.name), Some("wide_resnet50_2"));
/// assert_eq!(ARCHITECTURES[0].name, "efficientnet_lite0");
/// ```
pub const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "efficientnet_lite0",
        aliases: &["tf_efficientnet_lite0"],
        layers: ["blocks.2", "blocks.4"],
        mean: HALF.0,
        std: HALF.1,
        network: Network::EfficientNetLite0,
    },
    Architecture {
        name: "mobilenet_v2",
        aliases: &["mobilenetv2_100"],
        layers: ["features.6", "features.13"],
        mean: IMAGENET.0,
        std: IMAGENET.1,
        network: Network::MobileNetV2,
    },
    resnet("resnet18", &[], resnet::Variant { bottleneck: false, depth: [2, 2, 2, 2], groups: 1, width: 64 }),
    resnet("resnet34", &[], resnet::Variant { bottleneck: false, depth: [3, 4, 6, 3], groups: 1, width: 64 }),
    resnet("resnet50", &[], resnet::Variant { bottleneck: true, depth: [3, 4, 6, 3], groups: 1, width: 64 }),
    resnet(
        "resnet101",
        &[],
        resnet::Variant { bottleneck: true, depth: [3, 4, 23, 3], groups: 1, width: 64 },
    ),
    resnet(
        "resnet152",
        &[],
        resnet::Variant { bottleneck: true, depth: [3, 8, 36, 3], groups: 1, width: 64 },
    ),
    resnet(
        "wide_resnet50_2",
        &["wideresnet50"],
        resnet::Variant { bottleneck: true, depth: [3, 4, 6, 3], groups: 1, width: 128 },
    ),
    resnet(
        "wide_resnet101_2",
        &["wideresnet101"],
        resnet::Variant { bottleneck: true, depth: [3, 4, 23, 3], groups: 1, width: 128 },
    ),
    resnet(
        "resnext50_32x4d",
        &["resnext50"],
        resnet::Variant { bottleneck: true, depth: [3, 4, 6, 3], groups: 32, width: 4 },
    ),
    resnet(
        "resnext101_32x8d",
        &["resnext101"],
        resnet::Variant { bottleneck: true, depth: [3, 4, 23, 3], groups: 32, width: 8 },
    ),
    resnet(
        "resnext101_64x4d",
        &[],
        resnet::Variant { bottleneck: true, depth: [3, 4, 23, 3], groups: 64, width: 4 },
    ),
];

const fn resnet(
    name: &'static str,
    aliases: &'static [&'static str],
    variant: resnet::Variant,
) -> Architecture {
    let layers = ["layer2", "layer3"];
    Architecture {
        name,
        aliases,
        layers,
        mean: IMAGENET.0,
        std: IMAGENET.1,
        network: Network::ResNet(variant),
    }
}

/// The network with this name or alias.
pub fn architecture(name: &str) -> Option<&'static Architecture> {
    ARCHITECTURES.iter().find(|a| a.name == name || a.aliases.contains(&name))
}

impl Architecture {
    /// The whole network up to its last feature map (no classifier).
    pub fn graph(&self) -> Graph {
        match self.network {
            Network::ResNet(variant) => variant.graph(),
            Network::MobileNetV2 => inverted_residual::mobilenet_v2(),
            Network::EfficientNetLite0 => inverted_residual::efficientnet_lite0(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_default_layers_exist() {
        let mut names: Vec<&str> =
            ARCHITECTURES.iter().flat_map(|a| a.aliases.iter().copied().chain([a.name])).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for a in ARCHITECTURES {
            let graph = a.graph();
            for layer in a.layers {
                assert!(graph.find(layer).is_some(), "{} {layer}", a.name);
            }
        }
    }

    #[test]
    fn no_graph_uses_a_name_twice() {
        for a in ARCHITECTURES {
            let mut seen = std::collections::BTreeSet::new();
            for name in a.graph().layers().iter().flat_map(|layer| &layer.names) {
                assert!(seen.insert(name.clone()), "{}: {name}", a.name);
            }
        }
    }
}

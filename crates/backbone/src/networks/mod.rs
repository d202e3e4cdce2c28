//! The networks that run natively, by name.

mod densenet;
mod inception;
mod inverted_residual;
mod resnet;
mod resnetv2;
mod vgg;

use crate::BackboneError;
use crate::graph::{Graph, LayerId};
use inverted_residual::{EfficientNet, EfficientNetV2};

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
    ResNetV2([usize; 4]),
    InceptionV4,
    DenseNet(densenet::Variant),
    Vgg(vgg::Variant),
    AlexNet,
    MobileNetV2,
    MnasNetB1,
    MnasNetA1,
    EfficientNetLite0,
    EfficientNet(EfficientNet),
    EfficientNetV2(EfficientNetV2),
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
    other("mobilenet_v2", &["mobilenetv2_100"], ["features.6", "features.13"], Network::MobileNetV2),
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
        "resnet200",
        &[],
        resnet::Variant { bottleneck: true, depth: [3, 24, 36, 3], groups: 1, width: 64 },
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
    other("resnetv2_101", &[], ["stages.1", "stages.2"], Network::ResNetV2([3, 4, 23, 3])),
    other("inception_v4", &[], ["features.5", "features.12"], Network::InceptionV4),
    densenet("densenet121", [6, 12, 24, 16]),
    densenet("densenet169", [6, 12, 32, 32]),
    densenet("densenet201", [6, 12, 48, 32]),
    other(
        "vgg11",
        &[],
        ["features.14", "features.19"],
        Network::Vgg(vgg::Variant { depth: [1, 1, 2, 2, 2], norm: false }),
    ),
    other(
        "vgg19",
        &[],
        ["features.26", "features.35"],
        Network::Vgg(vgg::Variant { depth: [2, 2, 4, 4, 4], norm: false }),
    ),
    other(
        "vgg19_bn",
        &[],
        ["features.38", "features.51"],
        Network::Vgg(vgg::Variant { depth: [2, 2, 4, 4, 4], norm: true }),
    ),
    other("alexnet", &[], ["features.2", "features.5"], Network::AlexNet),
    other("mnasnet_100", &["mnasnet_b1"], BLOCKS, Network::MnasNetB1),
    other("mnasnet_a1", &["semnasnet_100"], BLOCKS, Network::MnasNetA1),
    efficientnet("efficientnet_b1", &["tf_efficientnet_b1"], 1.0, 1.1, true),
    efficientnet("efficientnet_b3", &["tf_efficientnet_b3"], 1.2, 1.4, true),
    efficientnet("efficientnet_b3a", &[], 1.2, 1.4, false),
    efficientnet("efficientnet_b5", &["tf_efficientnet_b5"], 1.6, 2.2, true),
    efficientnet("efficientnet_b7", &["tf_efficientnet_b7"], 2.0, 3.1, true),
    other(
        "efficientnetv2_m",
        &["tf_efficientnetv2_m"],
        BLOCKS,
        Network::EfficientNetV2(EfficientNetV2 {
            channels: [24, 48, 80, 160, 176, 304, 512],
            repeats: [3, 5, 5, 7, 14, 18, 5],
        }),
    ),
    other(
        "efficientnetv2_l",
        &["tf_efficientnetv2_l"],
        BLOCKS,
        Network::EfficientNetV2(EfficientNetV2 {
            channels: [32, 64, 96, 192, 224, 384, 640],
            repeats: [4, 7, 7, 10, 19, 25, 7],
        }),
    ),
];

/// The usual taps of networks of inverted residuals.
const BLOCKS: [&str; 2] = ["blocks.2", "blocks.4"];

/// A network of no family with its own function here; pictures are normalised as for ImageNet.
const fn other(
    name: &'static str,
    aliases: &'static [&'static str],
    layers: [&'static str; 2],
    network: Network,
) -> Architecture {
    Architecture { name, aliases, layers, mean: IMAGENET.0, std: IMAGENET.1, network }
}

const fn densenet(name: &'static str, depth: [usize; 4]) -> Architecture {
    let layers = ["features.denseblock2", "features.denseblock3"];
    other(name, &[], layers, Network::DenseNet(densenet::Variant { depth }))
}

/// The original normalises as for ImageNet, also where the weights come from `TensorFlow`.
const fn efficientnet(
    name: &'static str,
    aliases: &'static [&'static str],
    width: f64,
    depth: f64,
    tensorflow: bool,
) -> Architecture {
    other(name, aliases, BLOCKS, Network::EfficientNet(EfficientNet { width, depth, tensorflow }))
}

const fn resnet(
    name: &'static str,
    aliases: &'static [&'static str],
    variant: resnet::Variant,
) -> Architecture {
    other(name, aliases, ["layer2", "layer3"], Network::ResNet(variant))
}

/// The network with this name or alias.
pub fn architecture(name: &str) -> Option<&'static Architecture> {
    ARCHITECTURES.iter().find(|a| a.name == name || a.aliases.contains(&name))
}

/// As [`architecture`], with an error that lists what is known.
///
/// # Errors
/// [`BackboneError::UnknownBackbone`].
pub fn find(name: &str) -> Result<&'static Architecture, BackboneError> {
    architecture(name).ok_or_else(|| BackboneError::UnknownBackbone {
        name: name.to_string(),
        known: ARCHITECTURES.iter().map(|a| a.name).collect(),
    })
}

impl Architecture {
    /// The whole network up to its last feature map (no classifier).
    pub fn graph(&self) -> Graph {
        match self.network {
            Network::ResNet(variant) => variant.graph(),
            Network::ResNetV2(depth) => resnetv2::graph(depth),
            Network::InceptionV4 => inception::inception_v4(),
            Network::DenseNet(variant) => variant.graph(),
            Network::Vgg(variant) => variant.graph(),
            Network::AlexNet => vgg::alexnet(),
            Network::MobileNetV2 => inverted_residual::mobilenet_v2(),
            Network::MnasNetB1 => inverted_residual::mnasnet_b1(),
            Network::MnasNetA1 => inverted_residual::mnasnet_a1(),
            Network::EfficientNetLite0 => inverted_residual::efficientnet_lite0(),
            Network::EfficientNet(variant) => variant.graph(),
            Network::EfficientNetV2(variant) => variant.graph(),
        }
    }

    /// The layers that the original really takes when it is asked for these, for parameters that must reproduce it.
    ///
    /// Its activations work in place: they overwrite the map of the layer before them. So a tap of a layer that an
    /// activation directly follows gives the activation's values, unless it is the last tap, behind which nothing runs any
    /// more. Here a tap is what it is named; this gives the activation's name in its stead. Names that the network does
    /// not have, and all others, stay as they are.
    ///
    /// ```
    /// use patchcore_backbone::networks::architecture;
    /// let vgg = architecture("vgg11").unwrap();
    /// assert_eq!(vgg.overwritten_taps(&["features.8".into(), "features.13".into()]), ["features.9", "features.13"]);
    /// ```
    pub fn overwritten_taps(&self, layers: &[String]) -> Vec<String> {
        let graph = self.graph();
        let places: Vec<Option<LayerId>> = layers.iter().map(|layer| graph.find(layer)).collect();
        let last = places.iter().flatten().max();
        let rename = |(layer, place): (&String, &Option<LayerId>)| {
            let overwriting = place.filter(|id| Some(id) != last).and_then(|id| graph.activation_after(id));
            let name = overwriting.and_then(|id| graph.layers()[id].names.first());
            name.unwrap_or(layer).clone()
        };
        layers.iter().zip(&places).map(rename).collect()
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

//! Any layer can be tapped, under any of its names; batches, threads and other taps change no bit of a map.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_backbone::networks::architecture;
use patchcore_backbone::weights::{WeightTensor, Weights, WeightsError};
use patchcore_backbone::{Backbone, BackboneError, FeatureExtractor, Precision, parameters, weights_from};
use patchcore_files::FileError;
use patchcore_kernels::isa::Isa;
use patchcore_tensor::Tensor;
use patchcore_testkit::{max_abs_difference, weights::tensor, weights::uniform};
use safetensors::tensor::{Dtype, TensorView};

fn formula_weights(name: &str) -> Weights {
    weights_from(name, |key, shape| tensor(key, shape, 0, 1.0)).unwrap()
}

fn pictures(n: usize, h: usize, w: usize) -> Tensor {
    let values = uniform("pictures", 3, n * h * w * 3).into_iter().map(|u| (4.0 * u - 2.0) as f32).collect();
    Tensor::from_vec([n, h, w, 3], values).unwrap()
}

fn maps(name: &str, weights: &Weights, layers: &[&str], input: &Tensor) -> Vec<Tensor> {
    let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
    Backbone::load(name, weights, &layers, Precision::F32).unwrap().features(input).unwrap()
}

fn relu(map: &Tensor, high: f32) -> Vec<f32> {
    map.data().iter().map(|v| v.clamp(0.0, high)).collect()
}

/// Tapping inside a block forbids folding there: the pieces must still add up.
#[test]
fn layers_inside_a_block() {
    let (weights, input) = (formula_weights("resnet18"), pictures(1, 40, 56));
    let layers = ["layer1.0.conv1", "layer1.0.bn1", "layer1.0.act1", "layer1.0.bn2", "layer1.0", "layer1"];
    let inside = maps("resnet18", &weights, &layers, &input);
    let outside = maps("resnet18", &weights, &["layer1", "maxpool"], &input);
    assert_eq!(relu(&inside[1], f32::INFINITY), inside[2].data());
    let sum: Vec<f32> =
        inside[3].data().iter().zip(outside[1].data()).map(|(a, b)| (a + b).max(0.0)).collect();
    assert!(max_abs_difference(&sum, inside[4].data()) < 1e-5);
    assert!(max_abs_difference(inside[5].data(), outside[0].data()) < 1e-4);
    let norm = |part: &str| weights.tensor(&format!("layer1.0.bn1.{part}")).unwrap().values[5];
    let by_hand = (inside[0].pixel(0, 3, 4)[5] - norm("running_mean")) / (norm("running_var") + 1e-5).sqrt()
        * norm("weight")
        + norm("bias");
    assert!((by_hand - inside[1].pixel(0, 3, 4)[5]).abs() < 1e-4);
}

#[test]
fn a_shortcut_that_is_tapped() {
    let (weights, input) = (formula_weights("resnet50"), pictures(1, 32, 32));
    let with = maps("resnet50", &weights, &["layer1.0.downsample.1", "layer1.0.bn3", "layer1.0"], &input);
    let sum: Vec<f32> = with[0].data().iter().zip(with[1].data()).map(|(a, b)| (a + b).max(0.0)).collect();
    assert!(max_abs_difference(&sum, with[2].data()) < 1e-4);
    let without = maps("resnet50", &weights, &["layer1.0"], &input);
    assert!(max_abs_difference(without[0].data(), with[2].data()) < 1e-3);
}

/// Layers are read side by side; the error is that of the first one nevertheless.
#[test]
fn the_first_bad_tensor_is_named() {
    let mut weights = formula_weights("resnet18");
    for name in
        ["layer3.1.bn2.bias", "layer1.1.conv2.weight", "layer1.0.bn1.running_var", "layer2.0.conv1.weight"]
    {
        let mut tensor = weights.tensor(name).unwrap();
        tensor.values[3] = f32::NAN;
        weights.insert(name, tensor);
    }
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let load = || Backbone::load("resnet18", &weights, &["layer3".into()], Precision::F32).err().unwrap();
        let BackboneError::Weights { source, .. } = pool.install(load) else { panic!() };
        assert_eq!(source.to_string(), "layer1.0.bn1.running_var: value 3 is not finite");
    }
    // What no tap needs is not looked at.
    Backbone::load("resnet18", &weights, &["maxpool".into()], Precision::F32).unwrap();
}

/// Equal values make equal networks, whatever file and number type they come from.
#[test]
fn a_file_on_disk_is_read_as_it_is_loaded() {
    let weights = formula_weights("resnet18");
    let load = |weights: &Weights| Backbone::load("resnet18", weights, &["layer2".into()], Precision::F32);
    let (expected, input) = (load(&weights).unwrap(), pictures(1, 32, 48));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resnet18.safetensors");
    for dtype in [Dtype::F32, Dtype::F64] {
        std::fs::write(&path, safetensors_file(&weights, dtype)).unwrap();
        let loaded = load(&Weights::read(&path).unwrap()).unwrap();
        assert_eq!(loaded.fingerprint(), expected.fingerprint());
        assert_eq!(loaded.features(&input).unwrap(), expected.features(&input).unwrap());
    }
    let mut other = weights.clone();
    let mut tensor = other.tensor("layer1.0.bn1.bias").unwrap();
    tensor.values[7] += 1.0;
    other.insert("layer1.0.bn1.bias", tensor);
    assert_ne!(load(&other).unwrap().fingerprint(), expected.fingerprint());

    let opened = Weights::read(&path).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(100_000).unwrap();
    let error = load(&opened).err().unwrap();
    let BackboneError::WeightsFile(error) = error else { panic!("{error}") };
    assert!(matches!(error, WeightsError::File(FileError::Changed { got: 100_000, .. })), "{error}");
}

fn safetensors_file(weights: &Weights, dtype: Dtype) -> Vec<u8> {
    let tensors: Vec<(&str, Vec<usize>, Vec<u8>)> = weights
        .names()
        .map(|name| {
            let tensor = weights.tensor(name).unwrap();
            let bytes = tensor.values.iter().flat_map(|&v| match dtype {
                Dtype::F64 => f64::from(v).to_le_bytes().to_vec(),
                _ => v.to_le_bytes().to_vec(),
            });
            (name, tensor.shape, bytes.collect())
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (*name, TensorView::new(dtype, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn layers_come_in_the_order_asked_for() {
    let (weights, input) = (formula_weights("resnet18"), pictures(1, 32, 32));
    let [a, b] = &maps("resnet18", &weights, &["layer3", "layer1"], &input)[..] else { panic!() };
    assert_eq!((a.shape(), b.shape()), ([1, 2, 2, 256], [1, 8, 8, 64]));
}

/// torchvision's and timm's names for the same tensors and the same taps.
#[test]
fn mobilenet_under_both_names() {
    let timm = formula_weights("mobilenet_v2");
    let first_conv = "features.0.0.weight";
    let mut torchvision = Weights::default();
    for (name, _) in parameters("mobilenet_v2").unwrap() {
        torchvision.insert(torchvision_name(&name), timm.tensor(&name).unwrap());
    }
    assert!(torchvision.contains(first_conv) && !timm.contains(first_conv));
    let load = |weights: &Weights, layers: [&str; 2]| {
        Backbone::load("mobilenet_v2", weights, &layers.map(String::from), Precision::F32).unwrap()
    };
    let a = load(&timm, ["blocks.2", "blocks.4"]);
    let b = load(&torchvision, ["features.6", "features.13"]);
    assert_eq!(a.fingerprint(), b.fingerprint());
    let input = pictures(1, 48, 64);
    assert_eq!(a.features(&input).unwrap(), b.features(&input).unwrap());
}

/// Blocks 1 to 17 by their first feature, parts by their place.
fn torchvision_name(timm: &str) -> String {
    let starts = [1, 2, 4, 7, 11, 14, 17];
    let parts: Vec<&str> = timm.split('.').collect();
    match parts[..] {
        ["conv_stem", tail] => format!("features.0.0.{tail}"),
        ["bn1", tail] => format!("features.0.1.{tail}"),
        ["conv_head", tail] => format!("features.18.0.{tail}"),
        ["bn2", tail] => format!("features.18.1.{tail}"),
        ["blocks", stage, block, part, tail] => {
            let stage: usize = stage.parse().unwrap();
            let feature = starts[stage] + block.parse::<usize>().unwrap();
            // The first block does not widen, so its parts stand one place further to the front.
            let parts: &[&str] = if stage == 0 {
                &["conv_dw", "bn1", "conv_pw", "bn2"]
            } else {
                &["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"]
            };
            let at = parts.iter().position(|p| *p == part).unwrap();
            let nested = parts.len() - 2;
            let place = if at < nested {
                format!("{}.{}", at / 2, at % 2)
            } else {
                (nested / 2 + at - nested).to_string()
            };
            format!("features.{feature}.conv.{place}.{tail}")
        }
        _ => panic!("{timm}"),
    }
}

/// Networks with all kinds of steps, and their taps.
const NETWORKS: [(&str, [&str; 2]); 10] = [
    ("resnet18", ["layer2", "layer3"]),
    ("efficientnet_lite0", ["blocks.2", "blocks.4"]),
    ("densenet121", ["features.denseblock1", "features.denseblock2"]),
    ("vgg19_bn", ["features.4", "features.18"]),
    ("alexnet", ["features.2", "features.5"]),
    ("mnasnet_a1", ["blocks.2", "blocks.4"]),
    ("efficientnet_b1", ["blocks.2", "blocks.4"]),
    ("efficientnetv2_m", ["blocks.1", "blocks.3"]),
    ("resnetv2_101", ["stages.0", "stages.1"]),
    ("inception_v4", ["features.5", "features.10"]),
];

/// Formula weights for what these layers need; the gain keeps deep maps from vanishing.
fn weights_up_to(name: &str, layers: &[&str]) -> Weights {
    let graph = architecture(name).unwrap().graph();
    let last = layers.iter().filter_map(|layer| graph.find(layer)).max();
    let mut weights = Weights::default();
    for (key, shape) in parameters(name).unwrap() {
        if graph.find(key.rsplit_once('.').unwrap().0) <= last {
            let values = tensor(&key, &shape, 0, 1.0);
            weights.insert(key, WeightTensor { shape, values });
        }
    }
    weights
}

#[test]
fn batches_and_threads_change_no_bit() {
    for (name, layers) in NETWORKS {
        let weights = weights_up_to(name, &layers);
        let batch = pictures(3, 57, 75);
        for isa in Isa::available() {
            for precision in Precision::ALL {
                // The ways of the other precisions are the same on all instruction sets.
                let precision_runs = match precision {
                    Precision::F32 => true,
                    Precision::Fast => isa == Isa::best(),
                    Precision::Bf16 => isa == Isa::best() && isa.has_bf16(),
                };
                if !precision_runs {
                    continue;
                }
                let layers = layers.map(String::from);
                let backbone = Backbone::load_for(isa, name, &weights, &layers, precision).unwrap();
                let run = |threads: usize, input: &Tensor| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    pool.install(|| backbone.features(input).unwrap())
                };
                let together = run(1, &batch);
                for threads in [2, 3, 8] {
                    let what = format!("{name} {} {precision} {threads}", isa.name());
                    assert!(together == run(threads, &batch), "{what}");
                }
                for i in 0..3 {
                    let one = Tensor::from_vec([1, 57, 75, 3], batch.picture(i).to_vec()).unwrap();
                    for (alone, all) in run(2, &one).iter().zip(&together) {
                        assert!(alone.data() == all.picture(i), "{name} {} picture {i}", isa.name());
                    }
                }
            }
        }
    }
}

/// The other precisions compute the same network: how far their maps are from `f32`'s, in length.
#[test]
fn other_precisions_are_close() {
    for (name, layers) in NETWORKS {
        let (weights, input) = (weights_up_to(name, &layers), pictures(1, 57, 75));
        let exact = maps(name, &weights, &layers, &input);
        for (precision, allowed) in [(Precision::Fast, 1e-5), (Precision::Bf16, 0.05)] {
            if precision == Precision::Bf16 && !Isa::best().has_bf16() {
                continue;
            }
            let other = Backbone::load(name, &weights, &layers.map(String::from), precision).unwrap();
            for (other, exact) in other.features(&input).unwrap().iter().zip(&exact) {
                let length =
                    |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
                let difference = length(&mut other.data().iter().zip(exact.data()).map(|(a, b)| a - b));
                let error = difference / length(&mut exact.data().iter().copied());
                assert!(error < allowed, "{name} {precision}: {error}");
            }
        }
    }
}

/// Taps inside of blocks: places, and steps that run together, are others; the bits are the same.
#[test]
fn taps_between_change_no_bit() {
    let cases: [(&str, [&str; 2], &[&str]); 4] = [
        (
            "densenet121",
            ["features.denseblock1", "features.transition2"],
            &["features.denseblock1.denselayer2", "features.denseblock2.denselayer3.relu1", "features.pool0"],
        ),
        (
            "efficientnet_b1",
            ["blocks.1", "blocks.2"],
            &["blocks.0.0.se", "blocks.1.0.act1", "blocks.2.1.se.gate"],
        ),
        ("inception_v4", ["features.4", "features.6"], &["features.3.maxpool", "features.6.branch1.0"]),
        (
            "resnetv2_101",
            ["stages.0", "stages.1"],
            &["stages.0.blocks.1.norm1.act", "stages.1.blocks.0.downsample"],
        ),
    ];
    for (name, layers, inside) in cases {
        let (weights, input) = (weights_up_to(name, &layers), pictures(2, 95, 110));
        let alone = maps(name, &weights, &layers, &input);
        let all: Vec<&str> = layers.iter().chain(inside).copied().collect();
        let with = maps(name, &weights, &all, &input);
        assert!(alone == with[..2], "{name}");
    }
}

/// A tap of a dense block is its layers side by side; a gate is between zero and one.
#[test]
fn parts_of_new_blocks() {
    let name = "densenet121";
    let layers = ["features.pool0", "features.denseblock1.denselayer1", "features.denseblock1.denselayer6"];
    let layers =
        [&layers[..], &["features.denseblock1", "features.transition1.conv", "features.transition1"]]
            .concat();
    let maps_of_dense = maps(name, &weights_up_to(name, &layers), &layers, &pictures(1, 64, 64));
    let [stem, first, last, block, conv, pool] = &maps_of_dense[..] else { panic!() };
    assert_eq!(block.shape(), [1, 16, 16, 256]);
    let pixel = block.pixel(0, 3, 7);
    assert_eq!(&pixel[..64], stem.pixel(0, 3, 7));
    assert_eq!(&pixel[64..96], first.pixel(0, 3, 7));
    assert_eq!(&pixel[224..], last.pixel(0, 3, 7));
    assert!(pixel.iter().any(|v| *v < 0.0));
    let corners = [[2, 4], [2, 5], [3, 4], [3, 5]].map(|[y, x]| conv.pixel(0, y, x)[9]);
    assert!((pool.pixel(0, 1, 2)[9] - corners.iter().sum::<f32>() / 4.0).abs() < 1e-6);

    let name = "efficientnet_b1";
    let layers = ["blocks.1.1.act2", "blocks.1.1.se.gate", "blocks.1.1.se", "blocks.1.1.bn2"];
    let of_squeeze = maps(name, &weights_up_to(name, &layers), &layers, &pictures(1, 64, 64));
    let [active, gate, gated, norm] = &of_squeeze[..] else { panic!() };
    assert_eq!(gate.shape(), [1, 1, 1, 144]);
    assert!(gate.data().iter().all(|g| (0.2..0.8).contains(g)));
    for c in 0..144 {
        let (norm, active) = (norm.pixel(0, 5, 6)[c], active.pixel(0, 5, 6)[c]);
        assert!((norm / (1.0 + (-norm).exp()) - active).abs() < 1e-5);
        assert_eq!(active * gate.data()[c], gated.pixel(0, 5, 6)[c]);
    }
}

/// The original's activations overwrite a tap before them, unless it is the last one; here a tap is what it is named.
#[test]
fn overwritten_taps_are_told_by_name() {
    let overwritten = |name: &str, layers: &[&str]| {
        let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
        architecture(name).unwrap().overwritten_taps(&layers)
    };
    assert_eq!(overwritten("vgg19", &["features.16", "features.25"]), ["features.17", "features.25"]);
    // Behind the convolution stands the batch norm, which does not work in place.
    assert_eq!(overwritten("vgg19_bn", &["features.23", "features.36"]), ["features.23", "features.36"]);
    assert_eq!(overwritten("vgg19_bn", &["features.24", "features.36"]), ["features.25", "features.36"]);
    assert_eq!(overwritten("alexnet", &["features.2", "features.5"]), ["features.2", "features.5"]);
    for (name, layers) in [
        ("wide_resnet50_2", ["layer2", "layer3"]),
        ("densenet201", ["features.denseblock2", "features.denseblock3"]),
        ("efficientnet_b5", ["blocks.2", "blocks.4"]),
        ("resnetv2_101", ["stages.1", "stages.2"]),
        ("vgg11", ["no such", "features.3"]),
    ] {
        assert_eq!(overwritten(name, &layers), layers, "{name}");
    }
    let (name, layers) = ("vgg11", ["features.3", "features.4"]);
    let maps = maps(name, &weights_up_to(name, &layers), &layers, &pictures(1, 40, 40));
    assert!(maps[0].data().iter().any(|v| *v < 0.0));
    assert_eq!(relu(&maps[0], f32::INFINITY), maps[1].data());
}

/// The oldest checkpoints of `DenseNet` write `norm.1` for `norm1`.
#[test]
fn densenet_under_its_oldest_names() {
    let (name, layers) = ("densenet121", ["features.denseblock1"]);
    let new = weights_up_to(name, &layers);
    let mut old = Weights::default();
    for key in new.names() {
        let renamed = match key.split('.').collect::<Vec<_>>()[..] {
            [features, block, layer, part, tail] if layer.starts_with("denselayer") => {
                let (part, number) = part.split_at(part.len() - 1);
                format!("{features}.{block}.{layer}.{part}.{number}.{tail}")
            }
            _ => key.to_string(),
        };
        old.insert(renamed, new.tensor(key).unwrap());
    }
    assert!(old.contains("features.denseblock1.denselayer1.norm.1.running_mean"));
    assert!(!old.contains("features.denseblock1.denselayer1.norm1.running_mean"));
    let load = |weights| Backbone::load(name, weights, &layers.map(String::from), Precision::F32).unwrap();
    assert_eq!(load(&new).fingerprint(), load(&old).fingerprint());
}

/// Some names and shapes as timm and torchvision have them, and how many parameters there are.
#[test]
fn parameters_bear_the_names_of_published_weights() {
    for (name, count, some) in [
        ("densenet121", 604, ("features.denseblock4.denselayer16.conv2.weight", vec![32, 128, 3, 3])),
        ("densenet169", 844, ("features.transition3.conv.weight", vec![640, 1280, 1, 1])),
        ("densenet201", 1004, ("features.norm5.running_var", vec![1920])),
        ("vgg11", 16, ("features.18.bias", vec![512])),
        ("vgg19", 32, ("features.34.weight", vec![512, 512, 3, 3])),
        ("vgg19_bn", 96, ("features.50.running_mean", vec![512])),
        ("alexnet", 10, ("features.0.weight", vec![64, 3, 11, 11])),
        ("mnasnet_100", 260, ("blocks.5.3.conv_dw.weight", vec![1152, 1, 5, 5])),
        ("semnasnet_100", 277, ("blocks.5.0.se.conv_reduce.weight", vec![28, 672, 1, 1])),
        ("tf_efficientnet_b1", 437, ("blocks.6.1.se.conv_reduce.bias", vec![80])),
        ("efficientnet_b3", 494, ("blocks.4.4.conv_dw.weight", vec![816, 1, 5, 5])),
        ("efficientnet_b3a", 494, ("blocks.0.1.conv_pw.weight", vec![24, 24, 1, 1])),
        ("efficientnet_b5", 736, ("conv_head.weight", vec![2048, 512, 1, 1])),
        ("efficientnet_b7", 1035, ("blocks.5.12.se.conv_expand.weight", vec![2304, 96, 1, 1])),
        ("efficientnetv2_m", 961, ("blocks.1.4.conv_exp.weight", vec![192, 48, 3, 3])),
        ("efficientnetv2_l", 1329, ("blocks.0.3.conv.weight", vec![32, 32, 3, 3])),
        ("resnetv2_101", 504, ("stages.3.blocks.0.downsample.conv.weight", vec![2048, 1024, 1, 1])),
        ("resnet200", 1015, ("layer2.23.conv2.weight", vec![128, 128, 3, 3])),
        ("inception_v4", 565, ("features.17.branch2.3.conv.weight", vec![224, 224, 7, 1])),
    ] {
        let parameters = parameters(name).unwrap();
        assert_eq!(parameters.len(), count, "{name}");
        assert!(parameters.contains(&(some.0.to_string(), some.1)), "{name}: {}", some.0);
    }
}

/// A tap forbids running its steps together with others; the other maps must not notice. Large enough that they do.
#[test]
fn a_tap_inside_an_inverted_residual_changes_no_bit() {
    // Activations: the ends of steps, so that nothing is folded otherwise.
    let inside = ["blocks.0.0.act1", "blocks.1.0.act1", "blocks.1.1.act2"];
    for (name, layers) in
        [("efficientnet_lite0", ["blocks.2", "blocks.4"]), ("mobilenet_v2", ["features.6", "features.13"])]
    {
        let (weights, input) = (formula_weights(name), pictures(1, 187, 214));
        for precision in Precision::ALL {
            if precision == Precision::Bf16 && !Isa::best().has_bf16() {
                continue;
            }
            let run = |threads: usize, layers: &[&str]| {
                let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let backbone = Backbone::load(name, &weights, &layers, precision).unwrap();
                pool.install(|| backbone.features(&input).unwrap())
            };
            let together = run(1, &layers);
            let apart = run(1, &[layers[0], layers[1], inside[0], inside[1], inside[2]]);
            assert!(together == apart[..2], "{name} {precision}");
            assert!(together == run(3, &layers), "{name} {precision}: three threads");
        }
    }
}

#[test]
fn every_size_of_picture_has_maps() {
    let backbone = Backbone::embedded().unwrap();
    for (h, w) in [(1, 1), (2, 33), (16, 16), (31, 5)] {
        let maps = backbone.features(&pictures(2, h, w)).unwrap();
        assert_eq!(maps[0].shape(), [2, h.div_ceil(8), w.div_ceil(8), 40]);
        assert!(maps.iter().all(|m| m.data().iter().all(|v| v.is_finite())));
    }
}

/// Maps, or an error that names the layer; never anything else.
#[test]
fn small_pictures_have_maps_or_an_error() {
    for (name, layers) in NETWORKS {
        let weights = weights_up_to(name, &layers);
        let backbone = Backbone::load(name, &weights, &layers.map(String::from), Precision::F32).unwrap();
        for (h, w) in [(1, 1), (2, 33), (9, 8), (31, 5), (33, 35)] {
            match backbone.features(&pictures(1, h, w)) {
                Ok(maps) => {
                    assert!(maps.iter().all(|m| m.data().iter().all(|v| v.is_finite())), "{name} {h} {w}");
                }
                Err(error) => {
                    assert!(matches!(error, BackboneError::TooSmall { .. }), "{name} {h} {w}: {error}");
                    assert!(h < 32 || w < 32 || name == "inception_v4", "{name} {h} {w}: {error}");
                }
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let weights = formula_weights("resnet18");
    let error = |name: &str, weights: &Weights, layers: &[&str]| {
        let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
        Backbone::load(name, weights, &layers, Precision::F32).err().unwrap()
    };
    assert!(
        error("resnet19", &weights, &["layer1"])
            .to_string()
            .starts_with("unknown backbone resnet19; known: ")
    );
    let unknown = error("resnet18", &weights, &["layer9"]).to_string();
    assert!(
        unknown.starts_with("resnet18 has no layer layer9; it has ") && unknown.contains("layer3"),
        "{unknown}"
    );
    assert!(matches!(
        error("resnet18", &weights, &["layer1", "layer1"]),
        BackboneError::RepeatedLayer { .. }
    ));
    assert!(matches!(error("resnet18", &weights, &[]), BackboneError::NoLayers));
    // A bottleneck network finds tensors of other shapes.
    let BackboneError::Weights { source, .. } = error("resnet50", &weights, &["layer2"]) else { panic!() };
    let told = source.to_string();
    let first = "layer1.0.conv1.weight: shape [64, 64, 3, 3], expected [64, 64, 1, 1]; ";
    assert!(
        told.starts_with(&format!("79 tensors do not fit: {first}")) && told.ends_with("; and 74 more"),
        "{told}"
    );
    // Tensors behind the last tap are not needed.
    let mut short = Weights::default();
    for name in weights.names().filter(|n| !n.starts_with("layer2") && !n.starts_with("layer3")) {
        short.insert(name, weights.tensor(name).unwrap());
    }
    Backbone::load("resnet18", &short, &["layer1".into()], Precision::F32).unwrap();
    let BackboneError::Weights { source, .. } = error("resnet18", &short, &["layer2"]) else { panic!() };
    assert!(source.to_string().contains("layer2.0.conv1.weight"), "{source}");
}

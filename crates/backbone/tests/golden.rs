//! Feature maps against golden values: formula weights, pictures a, b and c.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_backbone::networks::architecture;
use patchcore_backbone::weights::{WeightTensor, Weights};
use patchcore_backbone::{Backbone, FeatureExtractor, Precision, parameters};
use patchcore_kernels::isa::Isa;
use patchcore_tensor::Tensor;
use patchcore_testkit::{Fixture, max_abs_difference, shared, shared_golden, weights::tensor};

const PICTURES: [&str; 3] = ["a_rgb_320x240", "b_rgb_300x420_q90_420", "c_gray_310x200"];

/// Weights from the formula for what these layers need.
fn formula_weights(name: &str, layers: &[String], gain: f64) -> Weights {
    let graph = architecture(name).unwrap().graph();
    let last = layers.iter().filter_map(|layer| graph.find(layer)).max();
    let mut weights = Weights::default();
    for (key, shape) in parameters(name).unwrap() {
        if graph.find(key.rsplit_once('.').unwrap().0) <= last {
            let values = tensor(&key, &shape, 0, gain);
            weights.insert(key, WeightTensor { shape, values });
        }
    }
    weights
}

fn pictures(preprocess: &Fixture, names: &[&str]) -> Tensor {
    let parts: Vec<Tensor> = names
        .iter()
        .map(|name| {
            let (shape, values) = preprocess.f32(&format!("{name}/norm224"));
            Tensor::from_nchw([1, shape[2], shape[3], shape[1]], &values).unwrap()
        })
        .collect();
    Tensor::stack(&parts.iter().collect::<Vec<_>>()).unwrap()
}

/// Every `step`-th channel, as the fixtures keep them: `[n, c, h, w]`.
fn thin(map: &Tensor, step: usize) -> Vec<f32> {
    let [n, h, w, c] = map.shape();
    let all = map.to_nchw();
    (0..n * c)
        .filter(|i| (i % c).is_multiple_of(step))
        .flat_map(|i| all[i * h * w..(i + 1) * h * w].to_vec())
        .collect()
}

/// The largest error relative to the largest value.
fn relative_error(got: &[f32], expected: &[f32]) -> f64 {
    let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    max_abs_difference(got, expected) / f64::from(largest)
}

fn check(
    name: &str,
    layers: [&str; 2],
    gain: f64,
    fixture: &str,
    keys: &[String; 2],
    names: &[&str],
    isas: &[Isa],
) {
    let (Some(golden), Some(preprocess)) = (shared_golden(fixture), shared_golden("preprocess")) else {
        return;
    };
    let layers = layers.map(String::from);
    let weights = formula_weights(name, &layers, gain);
    let input = pictures(&preprocess, names);
    for &isa in isas {
        let backbone = Backbone::load_for(isa, name, &weights, &layers, Precision::F32).unwrap();
        for (map, key) in backbone.features(&input).unwrap().iter().zip(keys) {
            let (shape, expected) = golden.f32(key);
            let step = map.shape()[3] / shape[1];
            let error = relative_error(&thin(map, step), &expected);
            assert!(error <= 1e-5, "{name} {key} {}: {error:e}", isa.name());
        }
    }
}

#[test]
fn resnet18() {
    let keys = ["features/layer2", "features/layer3"].map(String::from);
    check("resnet18", ["layer2", "layer3"], 1.0, "resnet18_224_D1024", &keys, &PICTURES, &Isa::available());
}

#[test]
fn wide_resnet50() {
    let keys = ["features/layer2_sub", "features/layer3_sub"].map(String::from);
    check(
        "wideresnet50",
        ["layer2", "layer3"],
        1.0,
        "wideresnet50_224_D1024",
        &keys,
        &PICTURES,
        &[Isa::best()],
    );
}

#[test]
fn the_rest_of_the_family() {
    for name in ["resnet50", "resnext101", "wideresnet101"] {
        let keys = ["layer2", "layer3"].map(|layer| format!("{name}/{layer}_sub"));
        check(name, ["layer2", "layer3"], 1.0, "more_backbones_224", &keys, &PICTURES[..1], &[Isa::best()]);
    }
}

/// Networks of `more_backbones_224`: every kept channel where the fixture keeps some, and the numbers that describe the
/// whole maps. Taps and gain are those of the fixture.
fn check_more(names: &[&str]) {
    let (Some(golden), Some(preprocess)) = (shared_golden("more_backbones_224"), shared_golden("preprocess"))
    else {
        return;
    };
    let (input, keys) = (pictures(&preprocess, &PICTURES[..1]), golden.names());
    let manifest = std::fs::read_to_string(shared("golden/manifest.json").unwrap()).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    for name in names {
        let about = &manifest["files"]["more_backbones_224.safetensors"]["meta"][name];
        let layers: Vec<String> =
            about["layers"].as_array().unwrap().iter().map(|l| l.as_str().unwrap().to_string()).collect();
        // The original's taps: what an activation in place leaves of them.
        let taps = architecture(name).unwrap().overwritten_taps(&layers);
        let weights = formula_weights(name, &taps, about["weights_gain"].as_f64().unwrap());
        let backbone = Backbone::load(name, &weights, &taps, Precision::F32).unwrap();
        for (map, layer) in backbone.features(&input).unwrap().iter().zip(&layers) {
            // With these weights that map amplifies rounding: the original's own f32 is 4e-3 away from its f64.
            let tolerance =
                if (*name, layer.as_str()) == ("efficientnetv2_m", "blocks.4") { 1e-2 } else { 1e-5 };
            compare_description(&format!("{name} {layer}"), map, &about["stats"][layer], tolerance);
            let key = format!("{name}/{layer}_sub");
            if keys.contains(&key) {
                let error = relative_error(&thin(map, 16), &golden.f32(&key).1);
                assert!(error <= tolerance, "{key}: {error:e}");
            }
        }
    }
}

/// Extremes, length and mean of a map.
fn compare_description(what: &str, map: &Tensor, expected: &serde_json::Value, tolerance: f64) {
    let values: Vec<f64> = map.data().iter().map(|&v| f64::from(v)).collect();
    let n = values.len() as f64;
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(a, b), &v| (a.min(v), b.max(v)));
    let length = values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let largest = high.max(-low);
    let got = [("n", n, 0.0), ("min", low, largest), ("max", high, largest), ("l2", length, length)];
    for (key, got, scale) in got.into_iter().chain([("mean", values.iter().sum::<f64>() / n, largest)]) {
        let error = (got - expected[key].as_f64().unwrap()).abs();
        assert!(error <= tolerance * scale, "{what}: {key} is off by {error:e}");
    }
}

#[test]
fn densenet121() {
    let layers = ["features.denseblock2", "features.denseblock3"];
    let keys = layers.map(|layer| format!("features/{layer}_sub"));
    check("densenet121", layers, 1.0, "densenet121_224", &keys, &PICTURES, &Isa::available());
}

#[test]
fn efficientnet_b1() {
    let layers = ["blocks.2", "blocks.4"];
    let keys = layers.map(|layer| format!("features/{layer}_sub"));
    check("efficientnet_b1", layers, 1.3, "efficientnet_b1_224", &keys, &PICTURES, &Isa::available());
}

#[test]
fn densenet201() {
    check_more(&["densenet121", "densenet201"]);
}

/// Taps of convolutions too: `vgg11`'s first one is overwritten by the activation behind it, the last one is not.
#[test]
fn vgg_and_alexnet() {
    check_more(&["vgg11", "vgg19", "vgg19_bn", "alexnet"]);
}

#[test]
fn mnasnet() {
    check_more(&["mnasnet_100", "mnasnet_a1", "mnasnet_b1"]);
}

#[test]
fn efficientnets() {
    check_more(&["efficientnet_b1", "efficientnet_b3", "efficientnet_b3a", "efficientnet_b5"]);
}

#[test]
fn efficientnetv2_m() {
    check_more(&["efficientnetv2_m"]);
}

#[test]
fn deeper_resnets() {
    check_more(&["resnet101", "resnet200", "resnetv2_101"]);
}

#[test]
fn inception_v4() {
    check_more(&["inception_v4"]);
}

#[test]
fn the_embedded_network() {
    let Some(golden) = shared_golden("efficientnet_lite0_embedded") else { return };
    let backbone = Backbone::embedded().unwrap();
    for case in ["a_rgb_320x240", "b_rgb_300x420_q90_420", "rect_176x288", "odd_209x187"] {
        let (shape, values) = golden.f32(&format!("{case}/input"));
        let [c, h, w] = shape[..] else { panic!("{shape:?}") };
        let input = Tensor::from_nchw([1, h, w, c], &values).unwrap();
        for (map, layer) in backbone.features(&input).unwrap().iter().zip(["blocks_2", "blocks_4"]) {
            let (_, expected) = golden.f32(&format!("{case}/{layer}"));
            let error = relative_error(&map.to_nchw(), &expected);
            assert!(error <= 1e-5, "{case} {layer}: {error:e}");
        }
    }
}

//! Feature maps against golden values: formula weights, pictures a, b and c.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_backbone::weights::Weights;
use patchcore_backbone::{Backbone, FeatureExtractor, Precision, weights_from};
use patchcore_kernels::isa::Isa;
use patchcore_tensor::Tensor;
use patchcore_testkit::{Fixture, max_abs_difference, shared_golden, weights::tensor};

const PICTURES: [&str; 3] = ["a_rgb_320x240", "b_rgb_300x420_q90_420", "c_gray_310x200"];

fn formula_weights(name: &str) -> Weights {
    weights_from(name, |key, shape| tensor(key, shape, 0, 1.0)).unwrap()
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

fn check(name: &str, layers: [&str; 2], fixture: &str, keys: &[String; 2], names: &[&str], isas: &[Isa]) {
    let (Some(golden), Some(preprocess)) = (shared_golden(fixture), shared_golden("preprocess")) else {
        return;
    };
    let weights = formula_weights(name);
    let input = pictures(&preprocess, names);
    for &isa in isas {
        let backbone =
            Backbone::load_for(isa, name, &weights, &layers.map(String::from), Precision::F32).unwrap();
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
    check("resnet18", ["layer2", "layer3"], "resnet18_224_D1024", &keys, &PICTURES, &Isa::available());
}

#[test]
fn wide_resnet50() {
    let keys = ["features/layer2_sub", "features/layer3_sub"].map(String::from);
    check("wideresnet50", ["layer2", "layer3"], "wideresnet50_224_D1024", &keys, &PICTURES, &[Isa::best()]);
}

#[test]
fn the_rest_of_the_family() {
    for name in ["resnet50", "resnext101", "wideresnet101"] {
        let keys = ["layer2", "layer3"].map(|layer| format!("{name}/{layer}_sub"));
        check(name, ["layer2", "layer3"], "more_backbones_224", &keys, &PICTURES[..1], &[Isa::best()]);
    }
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

//! Feature maps against `testdata/`, made by `reference/make_testdata.py` with onnxruntime and unfolded batch norms.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which the lint does not know as tests")]

use patchcore_backbone::networks::architecture;
use patchcore_backbone::weights::{WeightTensor, Weights};
use patchcore_backbone::{Backbone, FeatureExtractor, Precision, parameters};
use patchcore_kernels::isa::Isa;
use patchcore_tensor::Tensor;
use patchcore_testkit::{Fixture, max_abs_difference, testdata, weights::tensor};

/// Rounding of sums in another order; measured: up to 1e-6.
const TOLERANCE: f64 = 1e-5;

/// The three test pictures, normalised.
fn input(parity: &Fixture) -> Tensor {
    let (_, levels) = parity.f32("preprocess/levels");
    let parts = ["test_good", "test_scratch", "test_spot"].map(|name| {
        let (shape, crop) = parity.u8(&format!("preprocess/{name}/crop"));
        let values =
            crop.iter().enumerate().map(|(i, &level)| levels[usize::from(level) * 3 + i % 3]).collect();
        Tensor::from_vec([1, shape[0], shape[1], 3], values).unwrap()
    });
    Tensor::stack(&parts.iter().collect::<Vec<_>>()).unwrap()
}

/// Formula weights under torchvision's names.
fn torchvision_weights(name: &str) -> Weights {
    let graph = architecture(name).unwrap().graph();
    let mut weights = Weights::default();
    for (key, shape) in parameters(name).unwrap() {
        let (layer, part) = key.rsplit_once('.').unwrap();
        let names = &graph.layers()[graph.find(layer).unwrap()].names;
        let layer = names.iter().find(|n| n.starts_with("features.")).unwrap_or(&names[0]);
        let key = format!("{layer}.{part}");
        let values = tensor(&key, &shape, 0, 1.0);
        weights.insert(key, WeightTensor { shape, values });
    }
    weights
}

/// The channels that the file keeps, `[n, c, h, w]`.
fn thinned(map: &Tensor, kept: usize) -> Vec<f32> {
    let [_, h, w, c] = map.shape();
    let step = c / kept;
    let all = map.to_nchw();
    let planes = all.chunks_exact(h * w).enumerate();
    planes.filter(|(i, _)| (i % c).is_multiple_of(step)).flat_map(|(_, plane)| plane).copied().collect()
}

fn check(name: &str, layers: &[&str]) {
    let parity = Fixture::open(&testdata("parity.safetensors"));
    let (input, weights) = (input(&parity), torchvision_weights(name));
    let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
    for isa in Isa::available() {
        let backbone = Backbone::load_for(isa, name, &weights, &layers, Precision::F32).unwrap();
        for (map, layer) in backbone.features(&input).unwrap().iter().zip(&layers) {
            let (shape, expected) = parity.f32(&format!("features/{name}/{layer}"));
            assert_eq!([shape[0], shape[2], shape[3]], [3, map.shape()[1], map.shape()[2]], "{name} {layer}");
            let largest = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
            let error = max_abs_difference(&thinned(map, shape[1]), &expected) / f64::from(largest);
            assert!(error <= TOLERANCE, "{name} {layer} {}: {error:e}", isa.name());
        }
    }
}

#[test]
fn resnet18() {
    check("resnet18", &["layer1", "layer2", "layer3"]);
}

#[test]
fn mobilenet_v2() {
    check("mobilenet_v2", &["features.6", "features.13"]);
}

#[test]
fn resnext50() {
    check("resnext50_32x4d", &["layer2"]);
}

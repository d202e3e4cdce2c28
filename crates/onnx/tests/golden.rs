//! Networks that the original runs wrongly or not at all, against golden features.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_backbone::FeatureExtractor;
use patchcore_onnx::{OnnxBackbone, OnnxOptions};
use patchcore_tensor::Tensor;
use patchcore_testkit::{Fixture, assert_all_close, shared, shared_golden};

/// Relative to the largest feature.
const TOLERANCE: f64 = 1e-5;

/// A golden network at these layers, its golden features by layer, and the picture.
fn golden(name: &str, layers: &[&str]) -> Option<(OnnxBackbone, Fixture, Tensor)> {
    let network = shared(&format!("golden/onnx/{name}.onnx"))?;
    let features = shared_golden(&format!("onnx/{name}"))?;
    let (shape, picture) = shared_golden("preprocess")?.f32("a_rgb_320x240/norm224");
    let picture = Tensor::from_nchw([1, shape[2], shape[3], shape[1]], &picture).unwrap();
    let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
    Some((OnnxBackbone::load(&network, &layers, &OnnxOptions::default()).unwrap(), features, picture))
}

fn assert_features(layer: &str, map: &Tensor, expected: &[f32]) {
    let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert_all_close(layer, map.data(), expected, TOLERANCE * f64::from(largest));
}

#[test]
fn vit_micro() {
    let layers = ["blocks.1", "blocks.3"];
    let Some((network, golden, picture)) = golden("vit_micro", &layers) else { return };
    for (layer, map) in layers.iter().zip(network.features(&picture).unwrap()) {
        assert_eq!(map.shape(), [1, 14, 14, 96]);
        let (shape, tokens) = golden.f32(&layer.replace('.', "_"));
        assert_eq!(shape, [1, 197, 96]);
        assert_features(layer, &map, &tokens[96..]);
    }
}

#[test]
fn swin_micro() {
    let layers = ["layers.1", "layers.2"];
    let Some((network, golden, picture)) = golden("swin_micro", &layers) else { return };
    for (layer, map) in layers.iter().zip(network.features(&picture).unwrap()) {
        let (shape, expected) = golden.f32(&layer.replace('.', "_"));
        assert_eq!(map.shape(), shape[..]);
        assert_features(layer, &map, &expected);
    }
}

/// Larger products than those of our own networks, which the engine cuts for its threads.
#[test]
fn threads_change_nothing() {
    for (name, layers) in [("vit_micro", ["blocks.1", "blocks.3"]), ("swin_micro", ["layers.1", "layers.2"])]
    {
        let Some((network, _, picture)) = golden(name, &layers) else { return };
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| network.features(&picture).unwrap())
        };
        let one = with(1);
        for threads in [2, 5, 16] {
            assert_eq!(with(threads), one, "{name} on {threads} threads");
        }
    }
}

//! Small networks of our own against what onnxruntime makes of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_backbone::FeatureExtractor;
use patchcore_onnx::{Layout, OnnxBackbone, OnnxOptions};
use patchcore_tensor::Tensor;
use patchcore_testkit::{Fixture, assert_all_close, testdata, weights};

/// Relative to the largest feature.
const TOLERANCE: f64 = 1e-5;

fn load(file: &str, layers: &[&str], options: &OnnxOptions) -> OnnxBackbone {
    let layers: Vec<String> = layers.iter().map(ToString::to_string).collect();
    OnnxBackbone::load(&testdata("onnx").join(file), &layers, options).unwrap()
}

/// The two pictures of the test data.
fn pictures() -> Tensor {
    Tensor::from_nchw([2, 24, 40, 3], &weights::tensor("picture.weight", &[2, 3, 24, 40], 0, 1.0)).unwrap()
}

fn picture(i: usize) -> Tensor {
    Tensor::from_vec([1, 24, 40, 3], pictures().picture(i).to_vec()).unwrap()
}

fn expected(network: &str, layer: &str) -> (Vec<usize>, Vec<f32>) {
    Fixture::open(&testdata("onnx/expected.safetensors")).f32(&format!("{network}/{layer}"))
}

fn assert_features(what: &str, map: &Tensor, expected: &[f32]) {
    let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert_all_close(what, map.data(), expected, TOLERANCE * f64::from(largest));
}

#[test]
fn maps_of_convolutions() {
    let layers = ["stage1", "stage2"];
    // The weights beside the file are the same.
    for file in ["maps.onnx", "external.onnx"] {
        let network = load(file, &layers, &OnnxOptions::default());
        for (layer, map) in layers.iter().zip(network.features(&pictures()).unwrap()) {
            let (shape, values) = expected("maps", layer);
            let expected = Tensor::from_nchw([shape[0], shape[2], shape[3], shape[1]], &values).unwrap();
            assert_eq!(map.shape(), expected.shape());
            assert_features(layer, &map, expected.data());
        }
    }
}

/// Two of these lie within what a graph optimiser makes one operation of.
#[test]
fn maps_of_tokens() {
    let layers = ["attended", "fc1.product", "gelu.gated", "block", "final"];
    let network = load("tokens.onnx", &layers, &OnnxOptions::default());
    for (layer, map) in layers.iter().zip(network.features(&pictures()).unwrap()) {
        let (shape, values) = expected("tokens", layer);
        assert_eq!(shape[1], 3 + 15);
        assert_eq!(map.shape(), [2, 3, 5, shape[2]]);
        let patches: Vec<f32> =
            values.chunks_exact(18 * shape[2]).flat_map(|t| &t[3 * shape[2]..]).copied().collect();
        assert_features(layer, &map, &patches);
    }
}

#[test]
fn maps_with_channels_last() {
    let layers = ["block", "norm.scaled"];
    let network = load("channels_last.onnx", &layers, &OnnxOptions::default());
    for (layer, map) in layers.iter().zip(network.features(&pictures()).unwrap()) {
        let (shape, values) = expected("channels_last", layer);
        assert_eq!(map.shape(), shape[..]);
        assert_features(layer, &map, &values);
    }
}

/// Alone, a tensor is often the end of another merged operation than among others.
#[test]
fn a_layer_alone_is_the_same_layer() {
    for (file, layers) in [
        ("maps.onnx", &["conv1", "gate", "gated", "sum", "stage2"][..]),
        (
            "tokens.onnx",
            &["norm1.scaled", "fc1.product", "fc1", "gelu.gated", "gelu", "fc2.product", "final"],
        ),
        ("channels_last.onnx", &["norm.centred", "norm", "fc1", "gelu.above", "block"]),
    ] {
        // Eight channels could be tokens, too.
        let layout = (file == "tokens.onnx").then_some(Layout::Tokens);
        let options = OnnxOptions { layout, ..OnnxOptions::default() };
        let together = load(file, layers, &options).features(&picture(0)).unwrap();
        for (layer, map) in layers.iter().zip(&together) {
            let alone = load(file, &[layer], &options).features(&picture(0)).unwrap();
            assert_eq!(alone[0].shape(), map.shape(), "{layer}");
            assert_features(layer, &alone[0], map.data());
        }
    }
}

#[test]
fn a_node_is_a_name_for_what_it_gives() {
    let by_tensor = load("maps.onnx", &["stage1"], &OnnxOptions::default());
    let by_node = load("maps.onnx", &["node/stage1"], &OnnxOptions::default());
    assert_eq!(by_node.layers(), ["node/stage1"]);
    assert_eq!(by_node.features(&pictures()).unwrap(), by_tensor.features(&pictures()).unwrap());
}

#[test]
fn batch_and_threads_change_nothing() {
    for (file, layers) in [("maps.onnx", ["stage1", "stage2"]), ("tokens.onnx", ["attended", "block"])] {
        let network = load(file, &layers, &OnnxOptions::default());
        let large = weights::tensor("large.weight", &[3, 200, 136, 3], 0, 1.0);
        let large = Tensor::from_vec([3, 200, 136, 3], large).unwrap();
        let with = |threads: usize, pictures: &Tensor| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| network.features(pictures).unwrap())
        };
        let all = with(1, &large);
        for threads in [2, 3, 7] {
            assert_eq!(with(threads, &large), all);
        }
        for i in 0..3 {
            let alone = Tensor::from_vec([1, 200, 136, 3], large.picture(i).to_vec()).unwrap();
            for (alone, all) in with(2, &alone).iter().zip(&all) {
                assert_eq!(alone.data(), all.picture(i));
            }
        }
    }
}

#[test]
fn memory_of_earlier_maps_is_used_again() {
    let network = load("maps.onnx", &["stage1", "stage2"], &OnnxOptions::default());
    let fresh = network.features(&picture(1)).unwrap();
    let mut maps = network.features(&Tensor::zeros([3, 64, 64, 3])).unwrap();
    maps.push(Tensor::zeros([1, 1, 1, 1]));
    network.features_into(&picture(1), &mut maps).unwrap();
    assert_eq!(maps, fresh);
    network.features_into(&Tensor::zeros([0, 24, 40, 3]), &mut maps).unwrap();
    assert!(maps.iter().all(|map| map.data().is_empty()));
}

#[test]
fn declared_layouts_and_prefixes_are_taken() {
    let tokens = |layout, prefix_tokens| {
        let options = OnnxOptions { layout, prefix_tokens, ..OnnxOptions::default() };
        load("tokens.onnx", &["block"], &options).features(&picture(0))
    };
    let expected = tokens(None, None).unwrap();
    assert_eq!(tokens(Some(Layout::Tokens), Some(3)).unwrap(), expected);
    assert!(tokens(Some(Layout::Tokens), Some(2)).is_err());
    assert!(tokens(Some(Layout::Nchw), None).is_err());

    // Per layer, over that for all.
    let options = OnnxOptions {
        layout: Some(Layout::Tokens),
        layer_layouts: [("stage1".to_string(), Layout::Nchw), ("stage2".to_string(), Layout::Nhwc)].into(),
        ..OnnxOptions::default()
    };
    let maps = load("maps.onnx", &["stage1", "stage2"], &options).features(&picture(0)).unwrap();
    assert_eq!((maps[0].shape(), maps[1].shape()), ([1, 6, 10, 8], [1, 8, 3, 5]));
}

#[test]
fn names_and_fingerprints() {
    use sha2::{Digest, Sha256};
    let hex = |files: &[&str]| {
        let bytes: Vec<u8> =
            files.iter().flat_map(|f| std::fs::read(testdata("onnx").join(f)).unwrap()).collect();
        Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    };
    let network = load("maps.onnx", &["stage1"], &OnnxOptions::default());
    assert_eq!((network.name(), network.layers()), ("maps", &["stage1".to_string()][..]));
    assert_eq!(network.fingerprint(), hex(&["maps.onnx"]));
    let external = load("external.onnx", &["stage1"], &OnnxOptions::default());
    assert_eq!(external.fingerprint(), hex(&["external.onnx", "external.onnx.data"]));
}

//! Files that are no networks, or no longer: one clear error each, never a panic.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_backbone::{BackboneError, FeatureExtractor, Precision};
use patchcore_onnx::{Layout, OnnxBackbone, OnnxError, OnnxErrorKind, OnnxOptions};
use patchcore_tensor::Tensor;
use patchcore_testkit::{shared, testdata, weights};
use std::fs;
use std::path::{Path, PathBuf};

fn names(layers: &[&str]) -> Vec<String> {
    layers.iter().map(ToString::to_string).collect()
}

fn error(path: &Path, layers: &[&str]) -> OnnxError {
    error_with(path, layers, &OnnxOptions::default())
}

fn error_with(path: &Path, layers: &[&str], options: &OnnxOptions) -> OnnxError {
    OnnxBackbone::load(path, &names(layers), options).err().expect("no error")
}

fn problem(error: OnnxError) -> OnnxError {
    if let OnnxError::InFile { problem, .. } = error { *problem } else { panic!("no file named: {error}") }
}

fn own(file: &str) -> PathBuf {
    testdata("onnx").join(file)
}

#[test]
fn case_47_other_files_are_named_for_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    let safetensors = fs::read(testdata("onnx/expected.safetensors")).unwrap();
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"just a text", "a text"),
        (&safetensors, "safetensors"),
        (b"\x00\x01\x02\x03", "damaged"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = error(&path, &["x"]);
        assert_eq!(error.kind(), OnnxErrorKind::BadFile);
        let text = error.to_string();
        assert!(text.starts_with(&path.display().to_string()) && text.contains(word), "{text}");
    }
    let missing = error(&folder.path().join("none.onnx"), &["x"]);
    assert_eq!(missing.kind(), OnnxErrorKind::Io);
    assert!(missing.to_string().contains("none.onnx"));
}

#[test]
fn unknown_layers_bring_the_nearest_names() {
    let unknown = problem(error(&own("maps.onnx"), &["stage3"]));
    let OnnxError::UnknownLayer { nearest, .. } = unknown else { panic!("{unknown}") };
    assert_eq!(nearest[..2], ["stage1", "stage2"]);
    assert_eq!(nearest.len(), 5);
    let unknown = problem(error(&own("tokens.onnx"), &["gelu.e"]));
    let OnnxError::UnknownLayer { nearest, .. } = unknown else { panic!("{unknown}") };
    assert_eq!(nearest[0], "gelu.erf", "what contains it comes first");
    // Neither the picture nor weights are layers.
    for name in ["image", "conv1.weight", ""] {
        assert!(
            matches!(problem(error(&own("maps.onnx"), &[name])), OnnxError::UnknownLayer { .. }),
            "{name}"
        );
    }
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let path = own("maps.onnx");
    assert!(matches!(problem(error(&path, &[])), OnnxError::NoLayers));
    let twice = problem(error(&path, &["stage1", "node/stage1"]));
    assert!(matches!(twice, OnnxError::RepeatedLayer { .. }), "{twice}");
    for precision in [Precision::Fast, Precision::Bf16] {
        let refused = error_with(&path, &["stage1"], &OnnxOptions { precision, ..OnnxOptions::default() });
        assert_eq!(refused.kind(), OnnxErrorKind::Usage);
        assert!(matches!(problem(refused), OnnxError::Precision(p) if p == precision));
    }
    let layer_layouts = [("stage2".to_string(), Layout::Nchw)].into();
    let stray = error_with(&path, &["stage1"], &OnnxOptions { layer_layouts, ..OnnxOptions::default() });
    assert!(matches!(problem(stray), OnnxError::StrayLayout { .. }));
}

#[test]
fn pictures_of_another_size_are_refused_with_both_sizes() {
    let load = |file: &str, layer| {
        OnnxBackbone::load(&own(file), &names(&[layer]), &OnnxOptions::default()).unwrap()
    };
    let network = load("channels_last.onnx", "block");
    let text = network.features(&Tensor::zeros([1, 40, 24, 3])).unwrap_err().to_string();
    assert_eq!(text, "input of 40 x 24 pixels, channels_last takes 24 x 40 only");
    let grey = network.features(&Tensor::zeros([1, 24, 40, 1])).unwrap_err();
    assert!(matches!(grey, BackboneError::Channels { got: 1, expected: 3, .. }));
    // No row of patches fits.
    let small = load("tokens.onnx", "block").features(&Tensor::zeros([1, 4, 40, 3])).unwrap_err();
    assert!(matches!(small, BackboneError::Network { .. }), "{small}");
    let layer = load("maps.onnx", "head").features(&Tensor::zeros([1, 24, 40, 3])).unwrap_err();
    let BackboneError::Network { source, .. } = layer else { panic!("{layer}") };
    assert!(source.to_string().contains("\"head\" gives [1, 4]"), "{source}");
}

#[test]
fn case_44_external_data_stays_below_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let model = fs::read(own("external.onnx")).unwrap();
    let data = fs::read(own("external.onnx.data")).unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("net.onnx");
    let located = |location: &str| {
        // The same length, so that nothing else of the message changes.
        assert_eq!(location.len(), "external.onnx.data".len());
        let mut bytes = model.clone();
        let places: Vec<usize> =
            (0..bytes.len() - 18).filter(|&i| bytes[i..].starts_with(b"external.onnx.data")).collect();
        for at in places {
            bytes[at..at + 18].copy_from_slice(location.as_bytes());
        }
        fs::write(&path, bytes).unwrap();
        OnnxBackbone::load(&path, &names(&["stage1"]), &OnnxOptions::default())
    };
    fs::write(folder.path().join("xternal.onnx.dat"), &data).unwrap();
    for outside in ["../xternal.onnx.dat", "/xternal.onnx.data"].map(|l| format!("{l:.18}")) {
        let error = problem(located(&outside).err().expect("read from outside"));
        assert!(matches!(error, OnnxError::ExternalData { .. }), "{error}");
    }
    let missing = located("external.onnx.data").err().unwrap();
    assert_eq!(missing.kind(), OnnxErrorKind::Io);
    assert!(missing.to_string().contains("external.onnx.data"), "{missing}");

    fs::write(inner.join("external.onnx.data"), &data[..data.len() - 4]).unwrap();
    let short = problem(located("external.onnx.data").err().expect("cut off"));
    assert!(matches!(short, OnnxError::ExternalData { .. }), "{short}");
    fs::create_dir(inner.join("external")).unwrap();
    fs::write(inner.join("external/onnx.data"), &data).unwrap();
    assert!(located("external/onnx.data").is_ok(), "folders below are fine");
    #[cfg(unix)]
    {
        fs::remove_file(inner.join("external.onnx.data")).unwrap();
        let outside = folder.path().join("xternal.onnx.dat");
        std::os::unix::fs::symlink(outside, inner.join("external.onnx.data")).unwrap();
        let link = problem(located("external.onnx.data").err().expect("a link leads out"));
        assert!(matches!(link, OnnxError::ExternalData { .. }), "{link}");
    }
}

/// Cuts the file off in `cuts` places, and changes one to three of its bytes in `cases` ways; `place` spreads the places
/// over the file.
fn damage(file: &Path, layers: &[&str], size: [usize; 2], cuts: usize, cases: usize, place: fn(f64) -> f64) {
    let whole = fs::read(file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (path, layers) = (folder.path().join("damaged.onnx"), names(layers));
    let runs = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        match OnnxBackbone::load(&path, &layers, &OnnxOptions::default()) {
            Ok(network) => network.features(&Tensor::zeros([1, size[0], size[1], 3])).is_ok(),
            Err(error) => {
                assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
                false
            }
        }
    };
    let at = |u: f64| (place(u) * whole.len() as f64) as usize;
    for u in weights::uniform("cuts", 0, cuts) {
        assert!(!runs(&whole[..at(u)]), "cut off at {}, and it runs", at(u));
    }
    let damaged = (0..cases).filter(|case| {
        let mut bytes = whole.clone();
        for change in weights::uniform("changes", *case as u64, 2 * (1 + case % 3)).chunks_exact(2) {
            bytes[at(change[0])] ^= 1 << (change[1] * 8.0) as u32;
        }
        runs(&bytes)
    });
    let ran = damaged.count();
    assert!(ran > 0 && ran < cases);
}

#[test]
fn damage_is_never_a_panic() {
    for (file, layers) in [
        ("maps.onnx", ["stage1", "stage2"]),
        ("tokens.onnx", ["attended", "block"]),
        ("channels_last.onnx", ["block", "final"]),
    ] {
        damage(&own(file), &layers, [24, 40], 200, 800, |u| u);
    }
}

/// The graph comes first in these files, and the weights after it.
#[test]
fn damage_of_real_networks_is_never_a_panic() {
    for (file, layers) in [("vit_micro", ["blocks.1", "blocks.3"]), ("swin_micro", ["layers.1", "layers.2"])]
    {
        let Some(path) = shared(&format!("golden/onnx/{file}.onnx")) else { return };
        damage(&path, &layers, [224, 224], 50, 200, |u| u.powi(4));
    }
}

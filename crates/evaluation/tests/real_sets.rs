//! Two real inspection sets with real ResNet-18 weights: the original's figures, and what our own default gains.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::{BankSize, Files, Params, PatchCore, Quiet};
use patchcore_backbone::networks::architecture;
use patchcore_backbone::{Backbone, weights::Weights};
use patchcore_evaluation::{Evaluation, PixelRule, evaluate};
use patchcore_image::{Limits, mvtec_category};
use patchcore_testkit::shared;
use serde_json::Value;

fn run(set: &str, params: Params) -> Evaluation {
    let weights =
        Weights::read(&shared("weights/resnet18_tv_l3_identitybn_fp32.safetensors").unwrap()).unwrap();
    let root = shared("data").unwrap();
    let category = mvtec_category(&root, set).unwrap();
    let paths = category.train.iter().map(|s| s.path.clone()).collect();
    let backbone = Backbone::load("resnet18", &weights, &params.layers).unwrap();
    let rule = PixelRule::of(&params.preprocess);
    let files = Files { paths, root, limits: Limits::default() };
    let model = PatchCore::load(params, backbone).unwrap().fit(&files, &Quiet).unwrap();
    evaluate(&model, &category, rule, &Limits::default(), &Quiet, |_, _, _| {}).unwrap()
}

/// Reference mode against the published run, then our default: at least `gain` points of image AUROC more.
fn check(set: &str, percentage: f64, published: &str, gain: f64) {
    let Some(path) = shared(&format!("published/real/{published}.json")) else { return };
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let number = |key: &str| published[key].as_f64().unwrap();
    let resnet18 = architecture("resnet18").unwrap();
    let mut params = Params::reference(resnet18, 256, 224, percentage);
    params.sampler.size = BankSize::Ratio(percentage);

    let reference = run(set, params);
    let pixel = reference.pixel.as_ref().unwrap();
    let reference_auroc = reference.image.auroc.clone().unwrap();
    for (key, value) in [
        ("image_auroc", reference_auroc),
        ("pixel_auroc", pixel.auroc.clone().unwrap()),
        ("aupro03", pixel.aupro[0].value.clone().unwrap()),
    ] {
        assert!((value - number(key)).abs() <= 0.002, "{set} {key}: {value}, published {}", number(key));
    }
    let names = published["names"].as_array().unwrap();
    for (name, score) in names.iter().zip(published["scores"].as_array().unwrap()) {
        let judged = reference
            .pictures
            .iter()
            .find(|j| j.sample.path.ends_with(name.as_str().unwrap()))
            .unwrap_or_else(|| panic!("{name} was not judged"));
        let (got, expected) = (f64::from(judged.image_score), score.as_f64().unwrap());
        assert!((got - expected).abs() <= 1e-3 * expected, "{set} {name}: {got}, published {expected}");
    }

    let ours = run(set, Params::ours(resnet18)).image.auroc.unwrap();
    assert!(ours >= reference_auroc + gain, "{set}: {ours} against {reference_auroc}");
}

#[test]
fn cookie() {
    check("aws_cookie", 0.1, "aws_cookie_r18_0.1", 0.04);
}

#[test]
fn magnetic_tile() {
    check("magnetic_tile", 0.01, "magnetic_tile_r18_0.01", 0.14);
}

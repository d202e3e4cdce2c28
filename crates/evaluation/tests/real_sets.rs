//! Two real inspection sets with real ResNet-18 weights: the original's figures, and what our own default gains.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it measured"
)]

use patchcore::presets::preset;
use patchcore::{Files, Params, PatchCore, Quiet};
use patchcore_backbone::networks::architecture;
use patchcore_backbone::{Backbone, Precision, weights::Weights};
use patchcore_evaluation::{Evaluation, Options, PixelRule, evaluate};
use patchcore_image::{Intensity, Limits, mvtec_category};
use patchcore_kernels::isa::Isa;
use patchcore_metrics::spearman;
use patchcore_testkit::shared;
use serde_json::Value;

const RESNET18: &str = "resnet18_tv_l3_identitybn_fp32";

/// How much of a model is judged.
#[derive(Clone, Copy, PartialEq)]
enum Judged {
    ImagesAndPixels,
    /// The masks are left out, which spares most of the time.
    Images,
}

fn run(set: &str, weights: &str, params: Params, judged: Judged) -> Evaluation {
    run_members(set, weights, vec![params], judged)
}

/// A model with these members.
fn run_members(set: &str, weights: &str, members: Vec<Params>, judged: Judged) -> Evaluation {
    let weights = Weights::read(&shared(&format!("weights/{weights}.safetensors")).unwrap()).unwrap();
    let root = shared("data").unwrap();
    let mut category = mvtec_category(&root, set).unwrap();
    if judged == Judged::Images {
        category.test.iter_mut().for_each(|sample| sample.masks.clear());
    }
    let paths = category.train.iter().map(|s| s.path.clone()).collect();
    let files = Files { paths, root, limits: Limits::default(), intensity: Intensity::EightBit };
    let rule = PixelRule::of(&members[0].preprocess);
    let mut method: Option<PatchCore<Backbone>> = None;
    for params in members {
        let load = |precision| Backbone::load(&params.backbone, &weights, &params.layers, precision).unwrap();
        let (own, choosing) = (params.precision, params.precision.choosing());
        let (network, chooser) = (load(own), (choosing != own).then(|| load(choosing)));
        let mut next = match method {
            None => PatchCore::load(params, network).unwrap(),
            Some(method) => method.with(params, network).unwrap(),
        };
        if let Some(chooser) = chooser {
            next = next.choose_by(chooser).unwrap();
        }
        method = Some(next);
    }
    let model = method.unwrap().fit(&files, &Quiet).unwrap();
    let options = Options { rule, ..Options::default() };
    evaluate(&model, &category, &options, &Quiet, |_, _, _| {}).unwrap()
}

/// The preset for accuracy.
fn accurate(set: &str, least: f64) {
    if shared("data").is_none() {
        return;
    }
    let members = preset("accurate").unwrap().members(&["resnet18"]).unwrap();
    let image_auroc = run_members(set, RESNET18, members, Judged::Images).image.auroc.unwrap();
    println!("{set} accurate: image AUROC {image_auroc:.4}");
    assert!(image_auroc >= least, "{set}: {image_auroc}");
}

/// Reference mode against the published run: metrics within 0.002, every picture's score within 1e-5 of it. Gives the
/// image AUROC, or nothing where the published run is not at hand.
fn parity(set: &str, backbone: &str, weights: &str, percentage: f64, published: &str) -> Option<f64> {
    let path = shared(&format!("published/real/{published}.json"))?;
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let number = |key: &str| published[key].as_f64().unwrap();
    let params = Params::reference(architecture(backbone).unwrap(), 256, 224, percentage);
    let reference = run(set, weights, params, Judged::ImagesAndPixels);
    let pixel = reference.pixel.as_ref().unwrap();
    let image_auroc = reference.image.auroc.clone().unwrap();
    for (key, value) in [
        ("image_auroc", image_auroc),
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
        assert!((got - expected).abs() <= 1e-5 * expected, "{set} {name}: {got}, published {expected}");
    }
    Some(image_auroc)
}

/// With ResNet-18: parity, then our default with the same weights, at least `gain` of image AUROC more, then what a cheaper
/// precision costs it.
fn check(set: &str, percentage: f64, published: &str, gain: f64) {
    let Some(reference) = parity(set, "resnet18", RESNET18, percentage, published) else { return };
    let ours = run(set, RESNET18, Params::ours(architecture("resnet18").unwrap()), Judged::Images);
    let image_auroc = ours.image.auroc.clone().unwrap();
    assert!(image_auroc >= reference + gain, "{set}: {image_auroc} against {reference}");
    precision_costs_little(set, &ours);
}

/// What a cheaper precision may cost: image AUROC, and the rank correlation of all pictures' scores.
fn precision_costs_little(set: &str, exact: &Evaluation) {
    let scores = |e: &Evaluation| e.pictures.iter().map(|j| j.image_score).collect::<Vec<_>>();
    for (precision, most, least) in [(Precision::Fast, 0.002, 0.999), (Precision::Bf16, 0.002, 0.99)] {
        if precision == Precision::Bf16 && !Isa::best().has_bf16() {
            continue;
        }
        let ours = Params::ours(architecture("resnet18").unwrap());
        let cheap = run(set, RESNET18, Params { precision, ..ours }, Judged::Images);
        let lost = exact.image.auroc.clone().unwrap() - cheap.image.auroc.clone().unwrap();
        let agreement = spearman(&scores(exact), &scores(&cheap)).unwrap();
        println!("{set} {precision}: image AUROC {lost:+.5} lost, rank correlation {agreement:.6}");
        assert!(lost.abs() <= most, "{set} {precision}: {lost}");
        assert!(agreement >= least, "{set} {precision}: {agreement}");
    }
}

#[test]
fn cookie_accurate() {
    accurate("aws_cookie", 0.96);
}

#[test]
fn magnetic_tile_accurate() {
    accurate("magnetic_tile", 0.88);
}

#[test]
fn cookie() {
    check("aws_cookie", 0.1, "aws_cookie_r18_0.1", 0.04);
}

#[test]
fn magnetic_tile() {
    check("magnetic_tile", 0.01, "magnetic_tile_r18_0.01", 0.14);
}

#[test]
fn cookie_with_mobilenet() {
    parity("aws_cookie", "mobilenet_v2", "mobilenet_v2_features_fp32", 0.1, "aws_cookie_mbv2_0.1");
}

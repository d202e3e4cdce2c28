//! A saved model of the original, made one of ours: the same scores and maps as the original gives, and the way back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::{Fitted, Member, Model, Params, Training};
use patchcore_backbone::{Backbone, FeatureExtractor, Precision, weights_from};
use patchcore_foreign::{SavedMember, SequenceKind, Writing, read_reference, write_reference};
use patchcore_image::Intensity;
use patchcore_image::{Geometry, Limits, Picture, decode, mvtec_category};
use patchcore_testkit::{assert_all_close, shared, shared_golden, weights::tensor};

fn network(params: &Params) -> Backbone {
    let weights = weights_from(&params.backbone, |key, shape| tensor(key, shape, 0, 1.0)).unwrap();
    Backbone::load(&params.backbone, &weights, &params.layers, Precision::F32).unwrap()
}

/// The model of a folder under `golden`.
fn import(folder: &str) -> Option<Model<Backbone>> {
    let saved = read_reference(&shared(&format!("golden/{folder}"))?).unwrap();
    let (mut members, mut networks) = (Vec::new(), Vec::new());
    for saved in saved.members {
        let params = saved.to_params(256).unwrap();
        let network = network(&params);
        members.push(Member::imported(params, network.fingerprint().to_string(), saved.vectors));
        networks.push(network);
    }
    let training = Training { version: "0".into(), intensity: Intensity::Original, ..Training::default() };
    Some(Model::new(Fitted { members, training, calibration: None }, networks).unwrap())
}

/// The original's squared distances come from the expanded form: their error grows with the norms.
fn tolerance(model: &Model<Backbone>, member: usize) -> f64 {
    let rows = &model.fitted().members[member].bank.rows;
    let norm = |row: usize| rows.row(row).iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    2e-6 * (0..rows.len()).map(norm).fold(0.0, f64::max)
}

#[test]
fn import_test() {
    let (Some(golden), Some(pictures), Some(model)) =
        (shared_golden("import_test"), shared_golden("preprocess"), import("saved_model_resnet18"))
    else {
        return;
    };
    let (mut scores, mut maps) = (Vec::new(), Vec::new());
    for name in ["a_rgb_320x240", "b_rgb_300x420_q90_420", "c_gray_310x200"] {
        let (shape, rgb) = pictures.u8(&format!("{name}/decoded_rgb_u8"));
        let prediction = model.predict(&Picture::from_rgb(shape[1], shape[0], rgb).unwrap()).unwrap();
        scores.push(prediction.image_score);
        maps.push(prediction.anomaly_map);
    }
    let tolerance = tolerance(&model, 0);
    assert_all_close("image scores", &scores, &golden.f32("image_scores").1, tolerance);
    assert_all_close("map of a", maps[0].data(), &golden.f32("map_a").1, tolerance);
}

/// Every test picture of the toy set, scored by a model that the original's script saved.
fn reloaded(fixture: &str, folder: &str) {
    let (Some(golden), Some(model), Some(root)) =
        (shared_golden(fixture), import(folder), shared("golden/mvtec_toy"))
    else {
        return;
    };
    let test = mvtec_category(&root, "widget").unwrap().test;
    let pictures = test.iter().map(|sample| decode(&sample.path, &Limits::default()).unwrap());
    let judged: Vec<_> = pictures.map(|picture| model.predict_members(&picture).unwrap()).collect();
    for member in 0..model.fitted().members.len() {
        let scores: Vec<f32> = judged.iter().map(|members| members[member].image_score).collect();
        let (_, expected) = golden.f32(&format!("raw/{member}/image_scores"));
        assert_all_close("image scores", &scores, &expected, tolerance(&model, member));
    }
    let map = &judged[3][0].anomaly_map;
    assert_all_close("map 3", map.data(), &golden.f32("raw/0/map_idx3").1, tolerance(&model, 0));
}

#[test]
fn cli_single_reloaded() {
    reloaded("cli_single_reloaded", "saved_cli_single/models/mvtec_widget");
}

#[test]
fn cli_ensemble_reloaded() {
    reloaded("cli_ensemble_reloaded", "saved_cli_ensemble/models/mvtec_widget");
}

#[test]
fn a_saved_model_goes_back_byte_for_byte() {
    for (folder, kind) in [
        ("saved_cli_single/models/mvtec_widget", SequenceKind::Tuple),
        ("saved_cli_ensemble/models/mvtec_widget", SequenceKind::List),
    ] {
        let (Some(model), Some(from)) = (import(folder), shared(&format!("golden/{folder}"))) else { return };
        let members = model.fitted().members.iter();
        let members: Vec<_> = members.map(|member| SavedMember::from_member(member, kind).unwrap()).collect();
        let to = tempfile::tempdir().unwrap();
        write_reference(to.path(), &members, Writing::default()).unwrap();
        let mut count = 0;
        for file in std::fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            let written = std::fs::read(to.path().join(file.file_name())).unwrap();
            assert!(written == std::fs::read(file.path()).unwrap(), "{:?}", file.file_name());
            count += 1;
        }
        assert_eq!(count, 2 * members.len());
    }
}

#[test]
fn what_the_original_cannot_do_is_not_exported() {
    let rows = patchcore_tensor::Embeddings::from_vec(1, 2, vec![0.0, 1.0]).unwrap();
    let refused = |change: fn(&mut Params)| {
        let network = patchcore_backbone::networks::find("resnet18").unwrap();
        let mut params = Params::reference(network, 256, 224, 0.1);
        change(&mut params);
        let member = Member::imported(params, String::new(), rows.clone());
        SavedMember::from_member(&member, SequenceKind::Tuple)
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default()
    };
    assert_eq!(refused(|_| {}), "");
    let whole = refused(|p| p.preprocess.geometry = Geometry::Whole { area_side: 224, multiple: 16 });
    assert!(whole.starts_with("geometry is Whole"), "{whole}");
    assert!(refused(|p| p.preprocess.mean = [0.5; 3]).starts_with("normalisation is mean [0.5"));
    let raw = refused(|p| p.embedding.reduction = patchcore::Reduction::Raw);
    assert_eq!(raw, "embedding is raw, must be pooled for the original");
    assert!(refused(|p| *p = p.clone().scored_by(patchcore::Scoring::Blurred)).starts_with("scoring is "));
}

//! The original's whole training script on the toy set: scores, maps, metrics, results.csv.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::{Files, Fitted, MemoryBank, Model, Params, PatchCore, Quiet, SamplerKind};
use patchcore_backbone::networks::architecture;
use patchcore_backbone::{Backbone, Precision, weights_from};
use patchcore_evaluation::{PixelRule, evaluate};
use patchcore_image::{Limits, mvtec_category};
use patchcore_metrics::{min_max_fuse_maps, min_max_fuse_scores};
use patchcore_report::{ResultsRow, results_csv};
use patchcore_tensor::AnomalyMap;
use patchcore_testkit::{assert_all_close, shared, shared_golden, weights::tensor};

#[test]
fn cli_single() {
    let (Some(golden), Some(root)) = (shared_golden("cli_single"), shared("golden/mvtec_toy")) else {
        return;
    };
    let mut params = Params::reference(architecture("resnet18").unwrap(), 256, 224, 0.1);
    let weights = weights_from("resnet18", |key, shape| tensor(key, shape, 0, 1.0)).unwrap();
    let load =
        |params: &Params| Backbone::load("resnet18", &weights, &params.layers, Precision::F32).unwrap();
    let category = mvtec_category(&root, "widget").unwrap();
    let paths = category.train.iter().map(|s| s.path.clone()).collect();
    let files = Files { paths, root, limits: Limits::default() };

    // The script's random streams have been used by torch before its sampler starts, so its choice of rows is taken as
    // given; everything before and after is ours.
    params.sampler.kind = SamplerKind::Identity;
    let all = PatchCore::load(params.clone(), load(&params)).unwrap().fit(&files, &Quiet).unwrap();
    let all = all.fitted();
    let chosen: Vec<usize> = golden.i64("coreset/0/idx").1.iter().map(|&i| i as usize).collect();
    let bank = MemoryBank {
        rows: all.bank.rows.select(&chosen),
        origins: chosen.iter().map(|&i| all.bank.origins[i]).collect(),
    };
    let model = Model::new(Fitted { bank, ..all.clone() }, load(&params)).unwrap();

    let (mut scores, mut maps) = (Vec::new(), Vec::new());
    let result =
        evaluate(&model, &category, PixelRule::Reference, &Limits::default(), &Quiet, |_, _, prediction| {
            scores.push(prediction.image_score);
            maps.push(prediction.anomaly_map.clone());
        })
        .unwrap();

    let norm = |row: &[f32]| row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let rows = &model.fitted().bank.rows;
    let tolerance = 2e-5 * (0..rows.len()).map(|i| norm(rows.row(i))).fold(0.0, f64::max);
    assert_all_close("image scores", &scores, &golden.f32("raw/0/image_scores").1, tolerance);
    assert_all_close("map 3", maps[3].data(), &golden.f32("raw/0/map_idx3").1, tolerance);
    let extremes = maps
        .iter()
        .map(|m| m.min_max().unwrap())
        .fold((f32::MAX, f32::MIN), |a, m| (a.0.min(m.0), a.1.max(m.1)));
    assert_all_close("extremes", &[extremes.0, extremes.1], &[0.987_982, 964.952_9], tolerance);
    // The original's scripts fuse scores over the whole test set, a single model's too.
    let fused = min_max_fuse_scores(&[&scores]).unwrap();
    assert_all_close("fused scores", &fused, &golden.f32("final/image_scores").1, 1e-5);
    let maps: Vec<&[f32]> = maps.iter().map(AnomalyMap::data).collect();
    let fused = min_max_fuse_maps(&[maps]).unwrap();
    let thin = |map: &Vec<f32>| -> Vec<f32> {
        map.chunks_exact(224).step_by(4).flat_map(|row| row.iter().copied().step_by(4)).collect()
    };
    let thinned: Vec<f32> = fused.iter().flat_map(thin).collect();
    assert_all_close("fused maps", &thinned, &golden.f32("final/maps_sub4").1, 1e-5);
    let labels: Vec<u8> = result.pictures.iter().map(|j| u8::from(j.sample.anomalous)).collect();
    assert_eq!(labels, golden.u8("labels").1);

    let pixel = result.pixel.as_ref().unwrap();
    let row = ResultsRow {
        name: "mvtec_widget".into(),
        instance_auroc: result.image.auroc.clone().ok(),
        full_pixel_auroc: pixel.auroc.clone().ok(),
        anomaly_pixel_auroc: pixel.auroc_anomalous_only.clone().ok(),
    };
    let expected = std::fs::read_to_string(shared("golden/saved_cli_single/results.csv").unwrap()).unwrap();
    assert_same_table(&results_csv(&[row]), &expected);
}

/// Equal texts but for numbers, which agree within 1e-5.
fn assert_same_table(got: &str, expected: &str) {
    assert_eq!(got.matches("\r\n").count(), expected.matches("\r\n").count());
    let cells = |text: &str| -> Vec<String> { text.split([',', '\r', '\n']).map(String::from).collect() };
    for (a, b) in cells(got).iter().zip(cells(expected)) {
        match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(x), Ok(y)) => assert!((x - y).abs() <= 1e-5, "{x} {y}"),
            _ => assert_eq!(*a, b),
        }
    }
}

//! The original's whole training script on the toy set: scores, maps, metrics, results.csv.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::{
    BankSize, Files, MemberPrediction, MemoryBank, Model, Params, PatchCore, Quiet, Reduction, SamplerKind,
};
use patchcore_backbone::networks::architecture;
use patchcore_backbone::{Backbone, Precision, weights_from};
use patchcore_evaluation::{Fusion, Options, PixelRule, evaluate};
use patchcore_image::{Category, Intensity, Limits, decode, mvtec_category};
use patchcore_report::{ResultsRow, results_csv};
use patchcore_testkit::{Fixture, assert_all_close, shared, shared_golden, weights::tensor};

fn load(params: &Params) -> Backbone {
    let weights = weights_from(&params.backbone, |key, shape| tensor(key, shape, 0, 1.0)).unwrap();
    Backbone::load(&params.backbone, &weights, &params.layers, Precision::F32).unwrap()
}

/// A model whose banks hold the rows that the original chose. The script's random streams have been used by torch before
/// its samplers start, so their choice is taken as given; everything before and after is ours.
fn fit(golden: &Fixture, category: &Category, members: Vec<Params>) -> Model<Backbone> {
    let paths = category.train.iter().map(|s| s.path.clone()).collect();
    let files = Files { paths, root: "".into(), limits: Limits::default(), intensity: Intensity::EightBit };
    let mut all: Option<PatchCore<Backbone>> = None;
    for mut params in members {
        params.sampler.kind = SamplerKind::Identity;
        let network = load(&params);
        all = Some(match all {
            None => PatchCore::load(params, network).unwrap(),
            Some(method) => method.with(params, network).unwrap(),
        });
    }
    let mut fitted = all.unwrap().fit(&files, &Quiet).unwrap().fitted().clone();
    for (i, member) in fitted.members.iter_mut().enumerate() {
        let chosen = golden.i64(&format!("coreset/{i}/idx")).1;
        let chosen: Vec<usize> = chosen.iter().map(|&row| row as usize).collect();
        let origins = chosen.iter().map(|&row| member.bank.origins[row]).collect();
        member.bank = MemoryBank { rows: member.bank.rows.select(&chosen), origins };
    }
    let networks = fitted.members.iter().map(|member| load(&member.params)).collect();
    Model::new(fitted, networks).unwrap()
}

/// Squared distances of the original come from the expanded form: their error grows with the norms.
fn tolerance(model: &Model<Backbone>, member: usize) -> f64 {
    let rows = &model.fitted().members[member].bank.rows;
    let norm = |row: &[f32]| row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    2e-5 * (0..rows.len()).map(|i| norm(rows.row(i))).fold(0.0, f64::max)
}

fn thin(map: &[f32]) -> impl Iterator<Item = f32> {
    map.chunks_exact(224).step_by(4).flat_map(|row| row.iter().copied().step_by(4))
}

/// Every member's raw scores and maps, and the fused ones with the table.
fn check(fixture: &str, saved: &str, extremes: &[[f32; 2]], members: Vec<Params>) {
    let (Some(golden), Some(root)) = (shared_golden(fixture), shared("golden/mvtec_toy")) else { return };
    let category = mvtec_category(&root, "widget").unwrap();
    let model = fit(&golden, &category, members);
    let raw: Vec<Vec<MemberPrediction>> = category
        .test
        .iter()
        .map(|sample| model.predict_members(&decode(&sample.path, &Limits::default()).unwrap()).unwrap())
        .collect();
    for (m, extremes) in extremes.iter().enumerate() {
        let tolerance = tolerance(&model, m);
        let scores: Vec<f32> = raw.iter().map(|picture| picture[m].image_score).collect();
        let part = |name: &str| golden.f32(&format!("raw/{m}/{name}")).1;
        assert_all_close("image scores", &scores, &part("image_scores"), tolerance);
        let map = |i: usize| &raw[i][m].anomaly_map;
        if m == 0 {
            assert_all_close("map 3", map(3).data(), &part("map_idx3"), tolerance);
        } else {
            let thinned: Vec<f32> = (0..raw.len()).flat_map(|i| thin(map(i).data())).collect();
            assert_all_close("maps", &thinned, &part("maps_sub4"), tolerance);
        }
        let ends = (0..raw.len()).map(|i| map(i).min_max().unwrap());
        let ends = ends.fold((f32::MAX, f32::MIN), |all, map| (all.0.min(map.0), all.1.max(map.1)));
        assert_all_close("extremes", &[ends.0, ends.1], extremes, tolerance);
    }

    let (mut scores, mut maps) = (Vec::new(), Vec::new());
    let options = Options { rule: PixelRule::REFERENCE, fusion: Fusion::Reference, ..Options::default() };
    let result = evaluate(&model, &category, &options, &Quiet, |_, _, prediction| {
        scores.push(prediction.image_score);
        maps.extend(thin(prediction.anomaly_map.data()));
    })
    .unwrap();
    assert_all_close("fused scores", &scores, &golden.f32("final/image_scores").1, 1e-5);
    assert_all_close("fused maps", &maps, &golden.f32("final/maps_sub4").1, 1e-5);
    let labels: Vec<u8> = result.pictures.iter().map(|j| u8::from(j.sample.is_anomalous())).collect();
    assert_eq!(labels, golden.u8("labels").1);

    let pixel = result.pixel.as_ref().unwrap();
    let row = ResultsRow {
        name: "mvtec_widget".into(),
        instance_auroc: result.image.auroc.clone().ok(),
        full_pixel_auroc: pixel.auroc.clone().ok(),
        anomaly_pixel_auroc: pixel.auroc_anomalous_only.clone().ok(),
    };
    let expected = shared(&format!("golden/{saved}/results.csv")).unwrap();
    let expected = std::fs::read_to_string(expected).unwrap();
    assert_same_table(&results_csv(&[row]), &expected);
}

#[test]
fn cli_single() {
    let params = Params::reference(architecture("resnet18").unwrap(), 256, 224, 0.1);
    check("cli_single", "saved_cli_single", &[[0.987_982, 964.952_9]], vec![params]);
}

#[test]
fn cli_ensemble() {
    let member = |name: &str| {
        let mut params = Params::reference(architecture(name).unwrap(), 256, 224, 0.02);
        params.embedding.reduction = Reduction::Pooled { pretrain: 512, target: 384 };
        params.sampler.size = BankSize::Ratio(0.02);
        params
    };
    let extremes = [[1.692_600_7, 221.393_89], [0.044_605_22, 4.700_096]];
    check("cli_ensemble", "saved_cli_ensemble", &extremes, vec![member("resnet18"), member("densenet121")]);
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

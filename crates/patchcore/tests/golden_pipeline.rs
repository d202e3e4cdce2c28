//! The whole method in reference mode against golden values: fit on the six toy pictures, score three others.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::{BankSize, Fitted, ImageScore, Params, PatchCore, PatchShape, Quiet, Reduction};
use patchcore_backbone::networks::architecture;
use patchcore_backbone::{Backbone, Precision, weights_from};
use patchcore_image::{Geometry, Limits, Picture, decode};
use patchcore_testkit::{Fixture, assert_all_close, shared, shared_golden, weights::tensor};

struct Case {
    fixture: &'static str,
    backbone: &'static str,
    layers: &'static [&'static str],
    geometry: Geometry,
    pretrain: usize,
    target: usize,
    patchsize: usize,
    k: usize,
    percentage: f64,
}

const CASE: Case = Case {
    fixture: "",
    backbone: "resnet18",
    layers: &["layer2", "layer3"],
    geometry: Geometry::ResizeCrop { resize: 256, crop: [224, 224] },
    pretrain: 1024,
    target: 1024,
    patchsize: 3,
    k: 1,
    percentage: 0.1,
};

fn toy(kind: &str) -> Picture {
    let path =
        shared(&format!("golden/mvtec_toy/widget/{kind}.png")).expect("the toy set lies beside the fixtures");
    decode(&path, &Limits::default()).expect("a toy picture")
}

/// Pictures a, b and c; their decoded pixels are part of the fixture, for JPEG decoders differ.
fn abc(preprocess: &Fixture) -> Vec<Picture> {
    ["a_rgb_320x240", "b_rgb_300x420_q90_420", "c_gray_310x200"]
        .iter()
        .map(|name| {
            let (shape, rgb) = preprocess.u8(&format!("{name}/decoded_rgb_u8"));
            Picture::from_rgb(shape[1], shape[0], rgb).unwrap()
        })
        .collect()
}

impl Case {
    fn params(&self) -> Params {
        let mut params = Params::reference(architecture(self.backbone).unwrap(), 256, 224, self.percentage);
        params.preprocess.geometry = self.geometry.clone();
        params.layers = self.layers.iter().map(ToString::to_string).collect();
        params.embedding.patch = PatchShape { size: self.patchsize, stride: 1 };
        params.embedding.reduction = Reduction::Pooled { pretrain: self.pretrain, target: self.target };
        params.sampler.size = BankSize::Ratio(self.percentage);
        params.num_nn = self.k;
        params
    }

    fn check(&self) {
        let (Some(golden), Some(preprocess)) = (shared_golden(self.fixture), shared_golden("preprocess"))
        else {
            return;
        };
        let weights = weights_from(self.backbone, |key, shape| tensor(key, shape, 0, 1.0)).unwrap();
        let params = self.params();
        let backbone = Backbone::load(self.backbone, &weights, &params.layers, Precision::F32).unwrap();
        let train: Vec<(String, Picture)> =
            (0..6).map(|i| (format!("{i}"), toy(&format!("train/good/00{i}")))).collect();
        let model = PatchCore::load(params, backbone).unwrap().fit(&train, &Quiet).unwrap();

        let square = self.geometry.clone() == CASE.geometry
            || self.geometry == Geometry::ResizeCrop { resize: 366, crop: [320, 320] };
        let pictures = if square {
            abc(&preprocess)
        } else {
            ["test/good/000", "test/scratch/000", "test/spot/000"].map(toy).to_vec()
        };
        let predictions: Vec<_> = pictures.iter().map(|p| model.predict(p).unwrap()).collect();
        self.check_bank(&golden, model.fitted(), predictions[0].patches[0].scores.data().len());

        // The original's squared distances come from the expanded form: their error grows with the norms.
        let largest_norm = (0..model.fitted().members[0].bank.len())
            .map(|i| {
                model.fitted().members[0].bank.rows.row(i).iter().map(|v| f64::from(*v).powi(2)).sum::<f64>()
            })
            .fold(0.0, f64::max);
        let tolerance = 1e-5 * 2.0 * largest_norm;
        let (_, patch_scores) = golden.f32("patch_scores");
        let per_picture = patch_scores.len() / 3;
        let (_, image_scores) = golden.f32("image_scores");
        for (i, p) in predictions.iter().enumerate() {
            let expected = &patch_scores[i * per_picture..][..per_picture];
            assert_all_close("patch scores", p.patches[0].scores.data(), expected, tolerance);
            assert_all_close("image score", &[p.image_score], &image_scores[i..=i], tolerance);
        }
        let name = if golden.names().contains(&"maps".to_string()) { "maps" } else { "map_a" };
        let (_, maps) = golden.f32(name);
        for (p, expected) in
            predictions.iter().zip(maps.chunks_exact(predictions[0].anomaly_map.data().len()))
        {
            let largest = f64::from(p.anomaly_map.min_max().unwrap().1);
            assert_all_close("map", p.anomaly_map.data(), expected, tolerance + 1e-6 * largest);
        }
        let (_, nearest) = golden.i32("nn_idx");
        let firsts: Vec<i32> = nearest.iter().step_by(self.k).copied().collect();
        let got: Vec<i32> =
            predictions.iter().flat_map(|p| p.patches[0].nearest.iter().map(|&i| i as i32)).collect();
        let different = firsts.iter().zip(&got).filter(|(a, b)| a != b).count();
        assert!(different * 1000 <= got.len(), "{different} of {} nearest rows differ", got.len());
    }

    /// The bank's rows, in the order of selection.
    fn check_bank(&self, golden: &Fixture, fitted: &Fitted, patches: usize) {
        let grid = golden.f32("patch_scores").0;
        assert_eq!(grid[1] * grid[2], patches);
        let got: Vec<i64> = fitted.members[0]
            .bank
            .origins
            .iter()
            .map(|o| (o.picture as usize * patches + o.y as usize * grid[2] + o.x as usize) as i64)
            .collect();
        let (_, expected) = golden.i64("coreset_idx");
        assert_eq!(got, expected, "{}", self.fixture);
        if golden.names().contains(&"bank".to_string()) {
            let (_, rows) = golden.f32("bank");
            let mean = rows.iter().map(|v| f64::from(*v)).sum::<f64>() / rows.len() as f64;
            let std =
                (rows.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / rows.len() as f64).sqrt();
            assert_all_close("bank", fitted.members[0].bank.rows.data(), &rows, 1e-5 * std * 2.0);
        }
        assert_eq!(fitted.members[0].params.image_score, ImageScore::Max);
    }
}

#[test]
fn resnet18_224() {
    Case { fixture: "resnet18_224_D1024", ..CASE }.check();
}

#[test]
fn resnet18_224_k3_p5() {
    Case {
        fixture: "resnet18_224_D1024_384_k3_p5",
        target: 384,
        patchsize: 5,
        k: 3,
        percentage: 0.05,
        ..CASE
    }
    .check();
}

#[test]
fn resnet18_224_one_layer() {
    let case =
        Case { fixture: "resnet18_224_L2only", layers: &["layer2"], pretrain: 512, target: 512, ..CASE };
    Case { percentage: 0.02, ..case }.check();
}

#[test]
fn resnet18_320() {
    let geometry = Geometry::ResizeCrop { resize: 366, crop: [320, 320] };
    Case { fixture: "resnet18_320_p5_k5", geometry, patchsize: 5, k: 5, percentage: 0.01, ..CASE }.check();
}

#[test]
fn resnet18_rectangle() {
    let geometry = Geometry::ResizeCrop { resize: short_side(), crop: [192, 256] };
    Case { fixture: "resnet18_192x256", geometry, percentage: 0.05, ..CASE }.check();
}

#[test]
fn resnet18_three_layers() {
    let geometry = Geometry::ResizeCrop { resize: short_side(), crop: [200, 232] };
    let layers = &["layer1", "layer2", "layer3"];
    let case =
        Case { fixture: "resnet18_200x232_L1-2-3", geometry, layers, pretrain: 256, target: 320, ..CASE };
    Case { percentage: 0.02, ..case }.check();
}

/// The toy pictures' shorter side: a resize that changes nothing.
fn short_side() -> usize {
    shared("golden").map_or(1, |_| {
        let picture = toy("train/good/000");
        picture.width().min(picture.height())
    })
}

#[test]
fn wide_resnet50_224() {
    Case { fixture: "wideresnet50_224_D1024", backbone: "wideresnet50", percentage: 0.01, ..CASE }.check();
}

//! anomalib's files in testdata/, read and computed with: the same scores as anomalib itself gives.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use patchcore::{Fitted, Member, Model, Training, Workspace};
use patchcore_backbone::{Backbone, FeatureExtractor, Precision};
use patchcore_foreign::{AnomalibModel, AnomalibPrecision, Statistics, TransformStep, read_anomalib};
use patchcore_image::Geometry;
use patchcore_image::Intensity;
use patchcore_tensor::Tensor;
use patchcore_testkit::{Fixture, assert_all_close, testdata};

fn path(ending: &str) -> PathBuf {
    testdata(&format!("anomalib/patchcore.{ending}"))
}

fn golden() -> Fixture {
    Fixture::open(&path("safetensors"))
}

fn both() -> [AnomalibModel; 2] {
    ["ckpt", "pt"].map(|ending| read_anomalib(&path(ending)).unwrap())
}

#[test]
fn both_files_say_the_same() {
    let golden = golden();
    let one = |name: &str| Some(golden.f32(name).1[0]).filter(|value| value.is_finite());
    for model in both() {
        assert_eq!(
            (model.backbone.as_str(), model.layers.as_slice()),
            ("resnet18", &["act1".to_owned()][..])
        );
        assert_eq!((model.num_neighbors, model.coreset_sampling_ratio), (3, Some(0.03)));
        assert_eq!(model.precision, Some(AnomalibPrecision::Float32));
        let (shape, bank) = golden.f32("memory_bank");
        assert_eq!([model.memory_bank.len(), model.memory_bank.dim()], shape[..]);
        assert_eq!(model.memory_bank.data(), bank);
        assert_eq!(
            model.statistics,
            Statistics {
                image_threshold: one("image_threshold"),
                pixel_threshold: one("pixel_threshold"),
                image_min: one("image_min"),
                image_max: one("image_max"),
                pixel_min: one("pixel_min"),
                pixel_max: one("pixel_max"),
            }
        );
        assert!(model.statistics.image_threshold.is_some());
        assert_eq!(
            model.transform.as_deref().unwrap(),
            [
                TransformStep::Resize {
                    size: vec![40, 48],
                    interpolation: "bilinear".into(),
                    antialias: true
                },
                TransformStep::CenterCrop { size: [32, 40] },
                TransformStep::Normalize { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
            ]
        );
        assert_eq!(model.image_size(), Some([32, 40]));
        let names: Vec<&str> = model.weights.names().collect();
        assert_eq!(names, ["bn1.bias", "bn1.running_mean", "bn1.running_var", "bn1.weight", "conv1.weight"]);
        model.weights.take("conv1.weight", &[64, 3, 7, 7]).unwrap();
    }
}

/// The golden inputs are what anomalib's transform gave, so the network begins there.
#[test]
fn scores_and_maps_are_those_of_anomalib() {
    let golden = golden();
    let (shape, inputs) = golden.f32("inputs");
    let [n, h, w, c] = shape[..] else { panic!("{shape:?}") };
    for saved in both() {
        let params = saved.to_params(None).unwrap();
        let stretched = Geometry::Stretch { size: [40, 48], crop: [32, 40] };
        assert_eq!(params.preprocess.geometry, stretched);
        let backbone =
            Backbone::load(&params.backbone, &saved.weights, &params.layers, Precision::F32).unwrap();
        let member = Member::imported(params, backbone.fingerprint().to_string(), saved.memory_bank);
        let training =
            Training { version: "0".into(), intensity: Intensity::Original, ..Training::default() };
        let fitted = Fitted { members: vec![member], training, calibration: None };
        let model = Model::new(fitted, vec![backbone]).unwrap();
        let (steps, mut space) = (model.members().next().unwrap(), Workspace::default());
        let (mut scores, mut maps) = (Vec::new(), Vec::new());
        for input in inputs.chunks_exact(h * w * c) {
            space.input = Tensor::from_vec([1, h, w, c], input.to_vec()).unwrap();
            steps.features(&mut space).unwrap();
            steps.embed(&mut space).unwrap();
            steps.search(&mut space).unwrap();
            let judged = steps.judge(&mut space).unwrap();
            scores.push(judged.image_score);
            maps.extend(judged.anomaly_map.into_vec());
        }
        assert_eq!(scores.len(), n);
        // anomalib's distances come from the expanded form, which loses digits where they are small.
        let (_, expected) = golden.f32("image_scores");
        let tolerance = 1e-5 * f64::from(expected.iter().copied().fold(0.0, f32::max));
        assert_all_close("image scores", &scores, &expected, tolerance);
        assert_all_close("anomaly maps", &maps, &golden.f32("anomaly_maps").1, tolerance);
    }
}

#[test]
fn a_transform_that_is_not_understood_is_asked_for() {
    let [mut saved, _] = both();
    let geometry = Geometry::ResizeCrop { resize: 40, crop: [32, 40] };
    for unknown in [None, Some(vec![TransformStep::Other("Grayscale".into())])] {
        saved.transform = unknown;
        let error = saved.to_params(None).unwrap_err().to_string();
        assert!(error.starts_with("transform is "), "{error}");
        assert_eq!(saved.to_params(Some(geometry.clone())).unwrap().preprocess.geometry, geometry);
    }
}

#[test]
fn other_files_are_refused_by_what_they_are() {
    let message = |name: &str| {
        let error = read_anomalib(&testdata(name)).unwrap_err();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        text
    };
    let other = message("saved_models.safetensors");
    assert!(
        other.contains("saved_models.safetensors") && other.contains("this is a .safetensors file"),
        "{other}"
    );
    let picture = message("pictures/grey.png");
    assert!(picture.contains("unknown format"), "{picture}");
}

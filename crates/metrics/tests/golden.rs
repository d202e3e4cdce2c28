//! The numbers that the original program and scikit-learn gave for the same input.

use patchcore_metrics::mask_rule::{equal_one, non_zero};
use patchcore_metrics::{
    Connectivity, Metric, PixelPicture, Undefined, aupro, auroc, min_max_fuse_maps, min_max_fuse_scores,
    pixel_auroc, pixel_auroc_anomalous_only, pixel_metrics, pro_curve, reference_f1_max, roc_curve,
};
use patchcore_testkit::{Fixture, assert_all_close, shared, shared_golden};
use serde_json::Value;

const TOLERANCE: f64 = 1e-9;

/// The tensors and the `meta` object that belongs to them.
fn golden() -> Option<(Fixture, Value)> {
    let fixture = shared_golden("metrics")?;
    let manifest = std::fs::read_to_string(shared("golden/manifest.json")?).expect("a readable manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    Some((fixture, manifest["files"]["metrics.safetensors"]["meta"].clone()))
}

/// The case names of one family: `auroc/ties/scores` belongs to `ties`.
fn cases(fixture: &Fixture, family: &str, tensor: &str) -> Vec<String> {
    let names = fixture.names();
    let inner = names.iter().filter_map(|n| n.strip_prefix(family)?.strip_prefix('/')?.strip_suffix(tensor));
    let found: Vec<String> = inner.map(|n| n.trim_end_matches('/').to_owned()).collect();
    assert!(!found.is_empty(), "no {family} cases");
    found
}

fn assert_close(what: &str, got: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: no golden number"));
    assert!((got - expected).abs() <= tolerance, "{what}: got {got}, expected {expected}");
}

fn assert_curve(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}: number of points");
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!(g == e || (g - e).abs() <= TOLERANCE, "{what}: point {i} is {g}, expected {e}");
    }
}

fn booleans(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().map(|&b| b != 0).collect()
}

/// Maps and masks of one shape, `[n, h, w]`, as pictures.
fn pictures<'a>(shape: &[usize], maps: &'a [f32], masks: &'a [bool]) -> Vec<PixelPicture<'a>> {
    let (height, width) = (shape[1], shape[2]);
    let size = height * width;
    maps.chunks(size)
        .zip(masks.chunks(size))
        .map(|(scores, mask)| PixelPicture { height, width, scores, mask })
        .collect()
}

#[test]
fn auroc_and_roc_curve() {
    let Some((fixture, meta)) = golden() else { return };
    for case in cases(&fixture, "auroc", "scores") {
        let key = format!("auroc/{case}");
        let (_, scores) = fixture.f32(&format!("{key}/scores"));
        let labels = booleans(&fixture.u8(&format!("{key}/labels")).1);
        let curve = roc_curve(&scores, &labels);
        if meta[&key] == "nan" {
            let reason = if case == "only_normal" { Undefined::NoAnomalous } else { Undefined::NoNormal };
            assert_eq!(auroc(&scores, &labels), Err(reason.clone()), "{key}");
            assert_eq!(curve, Err(reason), "{key}");
            continue;
        }
        assert_close(&key, auroc(&scores, &labels).unwrap(), &meta[&key], TOLERANCE);
        let curve = curve.unwrap();
        for (name, got) in [("fpr", &curve.fpr), ("tpr", &curve.tpr), ("threshold", &curve.threshold)] {
            let what = format!("{key}/{name}");
            assert_curve(&what, got, &fixture.f64(&what).1);
        }
    }
}

#[test]
fn pixel_auroc_with_the_mask_rule() {
    let Some((fixture, meta)) = golden() else { return };
    for case in cases(&fixture, "pixel", "maps") {
        let key = format!("pixel/{case}");
        let (shape, maps) = fixture.f32(&format!("{key}/maps"));
        let masks = equal_one(&fixture.f32(&format!("{key}/masks")).1);
        let pictures = pictures(&shape, &maps, &masks);
        let (expected, got) = (&meta[&key], pixel_auroc(&pictures));
        let flat = reference_f1_max(&maps, &masks);
        if case == "empty_masks" {
            // The original gives NaN, and its lowest score as a threshold: nothing to match.
            assert_eq!(expected["auroc"], "nan");
            assert_eq!(got, Err(Undefined::NoAnomalous));
            assert_eq!(flat, Err(Undefined::NoAnomalous));
            continue;
        }
        assert_close(&key, got.unwrap(), &expected["auroc"], TOLERANCE);
        let threshold = f64::from(flat.unwrap().threshold);
        assert_close(&format!("{key} threshold"), threshold, &expected["optimal_threshold"], 1e-6);
        let curve = roc_curve(&maps, &masks).unwrap();
        assert_eq!(Some(curve.fpr.len() as u64), expected["roc_points"].as_u64(), "{key}");
    }
}

#[test]
fn anomalous_only_is_the_plain_set_filtered() {
    let Some((fixture, meta)) = golden() else { return };
    let (shape, maps) = fixture.f32("pixel/plain/maps");
    let (_, soft) = fixture.f32("pixel/plain/masks");
    let masks = equal_one(&soft);
    let all = pictures(&shape, &maps, &masks);
    let expected = &meta["pixel/anomalous_only"]["auroc"];
    assert_close("by our rule", pixel_auroc_anomalous_only(&all).unwrap(), expected, TOLERANCE);

    let touched = soft.chunks(shape[1] * shape[2]).map(|mask| non_zero(mask).contains(&true));
    let filtered: Vec<_> = all.iter().copied().zip(touched).filter(|(_, t)| *t).map(|(p, _)| p).collect();
    assert_close("by the original's rule", pixel_auroc(&filtered).unwrap(), expected, TOLERANCE);
}

#[test]
fn aupro_and_pro_curve() {
    let Some((fixture, meta)) = golden() else { return };
    for case in cases(&fixture, "aupro", "maps") {
        let key = format!("aupro/{case}");
        let (shape, maps) = fixture.f32(&format!("{key}/maps"));
        let masks = booleans(&fixture.u8(&format!("{key}/masks")).1);
        let pictures = pictures(&shape, &maps, &masks);
        let limits = [("0.05", 0.05), ("0.3", 0.3), ("1", 1.0)];
        for (text, limit) in limits {
            for (suffix, connectivity) in [("", Connectivity::Eight), ("_4conn", Connectivity::Four)] {
                let expected = &meta[&key][format!("limit_{text}{suffix}")];
                let got = aupro(&pictures, limit, connectivity).unwrap();
                assert_close(&format!("{key} {text}{suffix}"), got, expected, TOLERANCE);
            }
        }
        let curve = pro_curve(&pictures, Connectivity::Eight).unwrap();
        assert_curve(&format!("{key}/fpr"), &curve.fpr, &fixture.f64(&format!("{key}/fpr")).1);
        assert_curve(&format!("{key}/pro"), &curve.pro, &fixture.f64(&format!("{key}/pro")).1);

        let together = pixel_metrics(&pictures, &limits.map(|(_, limit)| limit));
        for at in together.aupro {
            assert_eq!(at.value, aupro(&pictures, at.limit, Connectivity::Eight), "{key} {}", at.limit);
        }
    }
}

#[test]
fn no_region_is_an_error() {
    let scores = [0.5, 0.25];
    let picture = PixelPicture { height: 1, width: 2, scores: &scores, mask: &[false, false] };
    let expected: Metric = Err(Undefined::NoRegion);
    assert_eq!(aupro(&[picture], 0.3, Connectivity::Eight), expected);
}

#[test]
fn fused_scores_and_maps() {
    let Some((fixture, _)) = golden() else { return };
    let (shape, scores) = fixture.f32("ensemble/scores_in");
    let models: Vec<&[f32]> = scores.chunks(shape[1]).collect();
    let fused = min_max_fuse_scores(&models).unwrap();
    assert_all_close("scores", &fused, &fixture.f32("ensemble/scores_out").1, 0.0);

    let (shape, maps) = fixture.f32("ensemble/maps_in");
    let size = shape[2] * shape[3];
    let models: Vec<Vec<&[f32]>> =
        maps.chunks(shape[1] * size).map(|model| model.chunks(size).collect()).collect();
    let fused = min_max_fuse_maps(&models).unwrap().concat();
    assert_all_close("maps", &fused, &fixture.f32("ensemble/maps_out").1, 0.0);
}

//! A report with everything in it, made up.

use patchcore_report::{
    Audit, Budget, Calls, CategoryReport, Curve, Curves, DataTable, Duplicate, Example, Fingerprint, KindRow,
    MemberCard, MetricRow, ModelCard, Nearest, Outcome, Rate, RegionRow, Report, SplitRow, TestPart,
    TestPicture, Threshold, Thumbnail, Unlike, Verdict,
};

/// One category of this name, all other names taken from `name` too, with `n` good test pictures and as many defects.
pub(crate) fn report(name: &str, n: usize) -> Report {
    Report::new(name, "patchcore 0.0.0", vec![category(name, n)])
}

/// One category; fields that may be missing are there.
pub(crate) fn category(name: &str, n: usize) -> CategoryReport {
    CategoryReport {
        name: name.into(),
        warnings: vec![format!("look at {name}")],
        threshold: Some(threshold()),
        test: Some(test_part(name, n)),
        audit: Some(audit(name)),
        data: DataTable {
            splits: vec![SplitRow { split: "test".into(), kind: name.into(), pictures: n, masks: n }],
            skipped: vec![name.into()],
            dropped: vec![name.into()],
            fingerprints: vec![Fingerprint {
                of: "test pictures".into(),
                pictures: n,
                sha256: "0a".repeat(32),
            }],
        },
        model: card(name),
    }
}

fn threshold() -> Threshold {
    Threshold {
        image: 2.5,
        review: Some(2.0),
        pixel: Some(3.0),
        source: "24 good pictures, each judged without its own patches".into(),
        false_alarm_rate: Some(0.04),
        review_rate: Some(0.08),
        good_scores: vec![1.0, 1.5, 2.25],
    }
}

/// Scores from 1 up for good pictures, from 2 up for defects; every third good picture scores like a defect.
fn picture(name: &str, i: usize, anomalous: bool) -> TestPicture {
    let score = if anomalous || i.is_multiple_of(3) { 2.0 } else { 1.0 } + (i % 100) as f32 / 64.0;
    let verdict = match score {
        s if s >= 2.5 => Verdict::Defect,
        s if s >= 2.0 => Verdict::Review,
        _ => Verdict::Ok,
    };
    TestPicture { name: format!("{i}-{name}"), kind: name.into(), anomalous, score, verdict: Some(verdict) }
}

fn test_part(name: &str, n: usize) -> TestPart {
    let pictures: Vec<TestPicture> = [false, true]
        .into_iter()
        .flat_map(|anomalous| (0..n).map(move |i| picture(name, i, anomalous)))
        .collect();
    let calls = |anomalous: bool| {
        let count = |verdict| {
            let of_label = pictures.iter().filter(|p| p.anomalous == anomalous);
            of_label.filter(|p| p.verdict == Some(verdict)).count() as u64
        };
        Calls { defect: count(Verdict::Defect), review: count(Verdict::Review), ok: count(Verdict::Ok) }
    };
    let (good, defects) = (calls(false), calls(true));
    let rate = |count: u64, of: u64| Some(Rate { count, of, lower: 0.01, upper: 0.9 });
    let curve = |y: [f64; 2]| Curve {
        points: vec![[0.0, y[0]], [1.0, y[1]]],
        area: Some(0.75),
        deployed: Some([0.25, 0.5]),
    };
    TestPart {
        outcome: Some(Outcome {
            good,
            defects,
            false_alarm_rate: rate(good.defect, good.all()),
            escape_rate: rate(defects.ok, defects.all()),
        }),
        metrics: vec![
            metric("image_auroc", Some(0.75), None),
            metric("oracle_image_f1_max", Some(0.875), None),
            metric("pixel_auroc", None, Some(format!("{name} has no mask"))),
        ],
        kinds: vec![
            KindRow {
                name: name.into(),
                pictures: n,
                escapes: rate(1, 3),
                auroc: Some(0.5),
                undefined: None,
            },
            KindRow {
                name: name.into(),
                pictures: 1,
                escapes: None,
                auroc: None,
                undefined: Some(name.into()),
            },
        ],
        curves: Curves {
            roc: Some(curve([0.0, 1.0])),
            precision_recall: Some(curve([1.0, 0.5])),
            pro: Some(curve([0.0, 1.0])),
        },
        lowest_defects: vec![example(&pictures[n])],
        highest_good: vec![example(&pictures[0])],
        pictures,
    }
}

fn metric(key: &str, value: Option<f64>, undefined: Option<String>) -> MetricRow {
    MetricRow {
        key: key.into(),
        name: key.replace('_', " "),
        group: "pictures, over all thresholds".into(),
        interval: value.map(|v| [v - 0.1, v + 0.1]),
        value,
        undefined,
        oracle: key.starts_with("oracle"),
    }
}

fn thumbnail() -> Thumbnail {
    Thumbnail::of(&[120; 3 * 32 * 24], 32, 24, Budget::for_thumbnails(24)).expect("a picture")
}

fn example(picture: &TestPicture) -> Example {
    Example {
        picture: picture.clone(),
        size: [320, 240],
        thumbnail: thumbnail(),
        overlay: thumbnail(),
        truth: vec![[10, 20, 30, 40]],
        regions: vec![RegionRow { bounds: [12, 0, 40, 30], area: 900, peak: 4.5 }],
        n_regions: Some(3),
        nearest: Some(Nearest {
            picture: picture.name.clone(),
            patch: [3, 4],
            thumbnail: Some(thumbnail()),
            place: Some([0.5, 0.25, 0.125, 0.125]),
        }),
    }
}

fn audit(name: &str) -> Audit {
    let pair = |exact| Duplicate { picture: name.into(), like: name.into(), exact };
    Audit {
        unlike: vec![Unlike {
            name: name.into(),
            score: 2.25,
            deviations: Some(4.5),
            at: Some([0.25, 0.99]),
            thumbnail: Some(thumbnail()),
        }],
        pictures: 24,
        duplicates: Some(vec![pair(false)]),
        leaks: Some(vec![pair(true)]),
    }
}

fn card(name: &str) -> ModelCard {
    ModelCard {
        file: Some(name.into()),
        fitted_by: "0.0.0".into(),
        file_format: 2,
        intensity: "8 bits".into(),
        training_pictures: 24,
        members: vec![MemberCard {
            backbone: name.into(),
            layers: vec![name.into()],
            precision: "f32".into(),
            weights: "0b".repeat(32),
            bank_rows: 2000,
            embedding_dimension: 152,
            patches: 19_968,
            covering_radius: Some(1.5),
            parameters: serde_json::json!({ "backbone": name, "k": 1 }),
        }],
        intended_use: ModelCard::INTENDED_USE.into(),
        limits: ModelCard::LIMITS.into(),
    }
}

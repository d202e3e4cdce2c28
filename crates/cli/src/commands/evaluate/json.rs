//! Results of an evaluation as JSON: everything.

use super::files::verdict;
use super::text::mean;
use crate::output;
use patchcore::Leak;
use patchcore_evaluation::{Evaluation, Figure, Grid, MaskRule, PixelRule};
use patchcore_metrics::{Bounds, Confusion};
use serde_json::{Map, Value, json};

/// Every category, the mean of each figure over those that have it, and the test pictures that the models know.
pub(super) fn of_all(results: &[Evaluation], leaks: &[Leak]) -> Value {
    let categories: Vec<Value> = results.iter().map(of_one).collect();
    let figures: Vec<Vec<Figure>> = results.iter().map(Evaluation::figures).collect();
    let mut means = Map::new();
    for figure in figures.iter().flatten() {
        if !means.contains_key(&figure.name) {
            means.insert(figure.name.clone(), json!(mean(&figures, &figure.name)));
        }
    }
    json!({ "categories": categories, "mean": means, "leaks": leaks })
}

fn of_one(e: &Evaluation) -> Value {
    let (mut out, mut bounds, mut undefined) = (Map::new(), Map::new(), Map::new());
    out.insert("category".into(), json!(e.category));
    out.insert("test_pictures".into(), json!(e.pictures.len()));
    for Figure { name, value, bounds: between } in e.figures() {
        if let Some(between) = between {
            bounds.insert(name.clone(), ends(between));
        }
        if let Err(reason) = &value {
            undefined.insert(name.clone(), json!(reason));
        }
        out.insert(name, json!(value.ok()));
    }
    out.insert("bounds".into(), bounds.into());
    out.insert("undefined".into(), undefined.into());
    out.insert("thresholds".into(), thresholds(e));
    out.insert("counts".into(), all_counts(e));
    out.insert("pixel_rule".into(), json!(e.pixel.as_ref().ok().map(|p| rule(p.rule))));
    out.insert("types".into(), types(e));
    out.insert("curves".into(), curves(e));
    out.insert("scores".into(), scores(e));
    out.into()
}

fn ends(Bounds { lower, upper }: Bounds) -> Value {
    json!([lower, upper])
}

/// Those in use, and those that the labels chose.
fn thresholds(e: &Evaluation) -> Value {
    let pixel = e.pixel.as_ref().ok();
    let shown = |threshold: Option<f32>| threshold.map(output::score_json);
    json!({
        "image": shown(e.image.at_threshold.as_ref().ok().map(|d| d.threshold)),
        "review": shown(e.image.at_threshold.as_ref().ok().map(|d| d.review_threshold)),
        "pixel": shown(pixel.and_then(|p| p.at_threshold.as_ref().ok()).map(|d| d.threshold)),
        "oracle_image_f1_max": shown(e.image.oracle_f1_max.as_ref().ok().map(|best| best.threshold)),
        "oracle_pixel_f1_max":
            shown(pixel.and_then(|p| p.oracle_f1_max.as_ref().ok()).map(|best| best.threshold)),
        "oracle_pixel_iou_max":
            shown(pixel.and_then(|p| p.oracle_iou_max.as_ref().ok()).map(|best| best.threshold)),
    })
}

/// At the thresholds in use.
/// Pictures by what they are and what they are called; pixels against their masks.
fn all_counts(e: &Evaluation) -> Value {
    let called = |defect: u64, below: u64, review: u64| json!({ "ok": below - review, "review": review, "defect": defect });
    let image = e.image.at_threshold.as_ref().ok().map(|d| {
        let [good, defective] = d.for_review;
        json!({
            "good": called(d.counts.false_alarms, d.counts.passes, good),
            "defective": called(d.counts.hits, d.counts.escapes, defective),
        })
    });
    let pixel = e.pixel.as_ref().ok().and_then(|p| p.at_threshold.as_ref().ok()).map(|d| {
        let Confusion { hits, false_alarms, escapes, passes } = d.counts;
        json!({ "hits": hits, "false_alarms": false_alarms, "escapes": escapes, "passes": passes })
    });
    json!({ "image": image, "pixel": pixel })
}

fn rule(rule: PixelRule) -> Value {
    let grid = match rule.grid {
        Grid::Picture => json!("picture"),
        Grid::Input => json!("input"),
        Grid::Size(size) => json!(size),
    };
    let mask = match rule.mask {
        MaskRule::Any => "any",
        MaskRule::Half => "half",
        MaskRule::One => "one",
    };
    json!({ "grid": grid, "mask": mask })
}

fn types(e: &Evaluation) -> Value {
    let of_type = |t: &patchcore_evaluation::DefectMetrics| {
        let escapes = t.escapes.as_ref().ok();
        json!({
            "defect": t.name,
            "pictures": t.pictures,
            "auroc": t.auroc.as_ref().ok(),
            "escapes": escapes.map(|rate| rate.share.count()),
            "escape_rate": escapes.map(|rate| rate.share.value()),
            "escape_rate_bounds": escapes.map(|rate| ends(rate.bounds)),
        })
    };
    e.image.types.iter().map(of_type).collect()
}

/// The first threshold of a curve is infinite, which JSON writes as null.
fn curves(e: &Evaluation) -> Value {
    let roc = e.image.roc.as_ref().ok();
    let precision_recall = e.image.precision_recall.as_ref().ok();
    let pro = e.pixel.as_ref().ok().and_then(|p| p.pro_curve.as_ref().ok());
    json!({
        "roc": roc.map(|c| json!({ "fpr": c.fpr, "tpr": c.tpr, "threshold": c.threshold })),
        "precision_recall": precision_recall
            .map(|c| json!({ "recall": c.recall, "precision": c.precision, "threshold": c.threshold })),
        "pro": pro.map(|c| json!({ "fpr": c.fpr, "pro": c.pro })),
    })
}

fn scores(e: &Evaluation) -> Value {
    let aupimo = e.pixel.as_ref().ok().and_then(|p| p.aupimo.as_ref().ok());
    let of_picture = |(i, judged): (usize, &patchcore_evaluation::Judged)| {
        let own = aupimo.and_then(|found| found.per_picture.get(i)?.clone().ok());
        let verdict = Some(verdict(judged)).filter(|word| !word.is_empty());
        json!({
            "defect": judged.sample.defect,
            "picture": judged.name,
            "anomalous": judged.sample.is_anomalous(),
            "image_score": output::score_json(judged.image_score),
            "verdict": verdict,
            "aupimo": own,
        })
    };
    e.pictures.iter().enumerate().map(of_picture).collect()
}

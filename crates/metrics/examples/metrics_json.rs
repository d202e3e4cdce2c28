//! Prints all metrics of a safetensors file as JSON, for comparison with other libraries (`.ci/check_metrics.py`).
//!
//! `cargo run --release -p patchcore-metrics --example metrics_json FILE`
//!
//! The file holds `scores` and `other` (`f32` `[n]`, two models' scores), `labels` (`u8` `[n]`), `threshold` (`f32` `[1]`),
//! `maps` (`f32` `[m, h, w]`), `masks` (`u8` `[m, h, w]`), `limits` and `range` (`f64`, of AUPRO and AUPIMO).
#![expect(clippy::print_stdout, reason = "the numbers are its purpose")]

use patchcore_metrics::{
    Metric, PixelPicture, Resampling, Share, Undefined, aupimo, aupr_trapezoid, auroc, average_precision,
    bootstrap, confusion, delong, f1_max, iou_max, mcnemar, paired_bootstrap, pixel_metrics,
    precision_recall_curve, presorted_bad, presorted_good, roc_curve,
};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("which file?")?;
    let bytes = std::fs::read(&path)?;
    let file = SafeTensors::deserialize(&bytes)?;
    let floats = |name| numbers(&file, name, Dtype::F32, f32::from_le_bytes);
    let doubles = |name| numbers(&file, name, Dtype::F64, f64::from_le_bytes);
    let flags = |name| numbers(&file, name, Dtype::U8, |[byte]| byte != 0);

    let (scores, other, labels) = (floats("scores")?, floats("other")?, flags("labels")?);
    let threshold = *floats("threshold")?.first().ok_or("no threshold")?;
    let (maps, masks) = (floats("maps")?, flags("masks")?);
    let &[_, height, width] = file.tensor("maps")?.shape() else { return Err("maps need 3 axes".into()) };
    let pictures: Vec<PixelPicture<'_>> = maps
        .chunks(height * width)
        .zip(masks.chunks(height * width))
        .map(|(scores, mask)| PixelPicture { height, width, scores, mask })
        .collect();
    let range = doubles("range")?;
    let &[lower, upper] = range.as_slice() else { return Err("a range has two ends".into()) };

    let all = json!({
        "image": of_pictures(&scores, &labels),
        "at_threshold": at_threshold(&scores, &labels, threshold),
        "comparison": comparison(&scores, &other, &labels),
        "mcnemar": wrong_decisions(&scores, &other, &labels, threshold),
        "pixel": of_pixels(&pictures, &doubles("limits")?),
        "aupimo": match aupimo(&pictures, (lower, upper)) {
            Ok(found) => json!({
                "mean": found.mean,
                "per_picture": found.per_picture.into_iter().map(value).collect::<Vec<_>>(),
            }),
            Err(reason) => undefined(&reason),
        },
    });
    println!("{all:#}");
    Ok(())
}

fn of_pictures(scores: &[f32], labels: &[bool]) -> Value {
    json!({
        "auroc": value(auroc(scores, labels)),
        "auroc_interval": result(bootstrap(scores, labels, Resampling::default(), auroc), |e| {
            json!([e.bounds.lower, e.bounds.upper])
        }),
        "average_precision": value(average_precision(scores, labels)),
        "aupr_trapezoid": value(aupr_trapezoid(scores, labels)),
        "f1_max": result(f1_max(scores, labels), |best| json!([best.f1, best.threshold])),
        "iou_max": result(iou_max(scores, labels), |best| json!([best.iou, best.threshold])),
        "pg": result(presorted_good(scores, labels, 0.05), |p| json!([p.share.value(), p.threshold])),
        "pb": result(presorted_bad(scores, labels, 0.05), |p| json!([p.share.value(), p.threshold])),
        "precision_recall_curve": result(precision_recall_curve(scores, labels), |curve| {
            json!([curve.precision, curve.recall])
        }),
        "roc_curve": result(roc_curve(scores, labels), |curve| json!([curve.fpr, curve.tpr])),
    })
}

fn at_threshold(scores: &[f32], labels: &[bool], threshold: f32) -> Value {
    let share = |share: Result<Share, Undefined>| {
        let with_bounds = share.and_then(|share| Ok((share.value(), share.clopper_pearson(0.95)?)));
        result(with_bounds, |(value, bounds)| json!([value, bounds.lower, bounds.upper]))
    };
    result(confusion(scores, labels, threshold), |counts| {
        json!({
            "counts": [counts.hits, counts.false_alarms, counts.escapes, counts.passes],
            "precision": share(counts.precision()),
            "recall": share(counts.recall()),
            "specificity": share(counts.specificity()),
            "false_alarm_rate": share(counts.false_alarm_rate()),
            "escape_rate": share(counts.escape_rate()),
            "f1": value(counts.f1()),
            "balanced_accuracy": value(counts.balanced_accuracy()),
        })
    })
}

fn comparison(scores: &[f32], other: &[f32], labels: &[bool]) -> Value {
    json!({
        "delong": result(delong(scores, other, labels, 0.95), |test| json!({
            "difference": test.difference.value,
            "bounds": [test.difference.bounds.lower, test.difference.bounds.upper],
            "variance": test.variance,
            "z": value(test.z),
            "p_value": value(test.p_value),
        })),
        "bootstrap": result(paired_bootstrap(scores, other, labels, Resampling::default(), auroc), |found| json!({
            "difference": found.difference.value,
            "bounds": [found.difference.bounds.lower, found.difference.bounds.upper],
            "p_value": found.p_value,
        })),
    })
}

/// How often one of two models alone is wrong at a threshold, and what McNemar's test says to it.
fn wrong_decisions(scores: &[f32], other: &[f32], labels: &[bool], threshold: f32) -> Value {
    let wrong = |score: f32, anomalous: bool| (score >= threshold) != anomalous;
    let mut only = [0, 0];
    for ((&a, &b), &anomalous) in scores.iter().zip(other).zip(labels) {
        let (a, b) = (wrong(a, anomalous), wrong(b, anomalous));
        only[0] += u64::from(a && !b);
        only[1] += u64::from(b && !a);
    }
    json!([only[0], only[1], mcnemar(only[0], only[1])])
}

fn of_pixels(pictures: &[PixelPicture<'_>], limits: &[f64]) -> Value {
    let all = pixel_metrics(pictures, limits);
    json!({
        "auroc": value(all.auroc),
        "auroc_anomalous_only": value(all.auroc_anomalous_only),
        "average_precision": value(all.average_precision),
        "aupr_trapezoid": value(all.aupr_trapezoid),
        "f1_max": result(all.f1_max, |best| json!([best.f1, best.threshold])),
        "iou_max": result(all.iou_max, |best| json!([best.iou, best.threshold])),
        "pro_curve": result(all.pro_curve, |curve| json!([curve.fpr, curve.pro])),
        "aupro": all.aupro.into_iter().map(|at| json!([at.limit, value(at.value)])).collect::<Vec<_>>(),
    })
}

/// The elements of a tensor, which must have the type that is expected.
fn numbers<const N: usize, T>(
    file: &SafeTensors<'_>,
    name: &str,
    dtype: Dtype,
    read: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, Box<dyn Error>> {
    let tensor = file.tensor(name)?;
    if tensor.dtype() != dtype {
        return Err(format!("{name} is {:?}, expected {dtype:?}", tensor.dtype()).into());
    }
    Ok(tensor.data().as_chunks().0.iter().map(|&bytes| read(bytes)).collect())
}

fn value(metric: Metric) -> Value {
    result(metric, |value| json!(value))
}

fn result<T>(found: Result<T, Undefined>, show: impl Fn(T) -> Value) -> Value {
    found.map_or_else(|reason| undefined(&reason), show)
}

fn undefined(reason: &Undefined) -> Value {
    json!({ "undefined": reason.to_string() })
}

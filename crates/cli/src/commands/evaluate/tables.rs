//! Results of an evaluation as tables: for people, as JSON, as the original's `results.csv`.

use crate::args::Shown;
use crate::exit::Failure;
use crate::output;
use patchcore::Leak;
use patchcore_evaluation::Evaluation;
use patchcore_files::{shown, write_atomic};
use patchcore_metrics::{F1Max, Metric, Undefined};
use patchcore_report::{ResultsRow, results_csv};
use serde_json::{Value, json};
use std::path::Path;

/// `results.csv` as the original writes it, and every picture's raw score.
pub(crate) fn write_tables(folder: &Path, results: &[Evaluation]) -> Result<(), Failure> {
    let rows: Vec<ResultsRow> = results
        .iter()
        .map(|e| {
            let pixel = e.pixel.as_ref().ok();
            ResultsRow {
                name: format!("mvtec_{}", e.category),
                instance_auroc: e.image.auroc.clone().ok(),
                full_pixel_auroc: pixel.and_then(|p| p.auroc.clone().ok()),
                anomaly_pixel_auroc: pixel.and_then(|p| p.auroc_anomalous_only.clone().ok()),
            }
        })
        .collect();
    write_atomic(&folder.join("results.csv"), results_csv(&rows).as_bytes(), true)?;
    let mut scores = String::from("category,defect,picture,anomalous,image_score\n");
    for evaluation in results {
        for judged in &evaluation.pictures {
            let name =
                judged.sample.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let anomalous = u8::from(judged.sample.is_anomalous()).to_string();
            let score = judged.image_score.to_string();
            let row = [&evaluation.category, &judged.sample.defect, &name, &anomalous, &score];
            scores.push_str(&output::csv_row(row.map(String::as_str))?);
            scores.push('\n');
        }
    }
    Ok(write_atomic(&folder.join("scores.csv"), scores.as_bytes(), true)?)
}

/// The metrics of the table, in its order.
fn columns(e: &Evaluation) -> [Result<f64, String>; 6] {
    let text = |m: &Metric| m.clone().map_err(|e| e.to_string());
    let pixel = |pick: fn(&patchcore_metrics::PixelMetrics) -> &Metric| {
        e.pixel.as_ref().map_err(Clone::clone).and_then(|p| text(pick(p)))
    };
    let nothing = || Err("not asked for".to_string());
    [
        text(&e.image.auroc),
        text(&e.image.average_precision),
        pixel(|p| &p.auroc),
        pixel(|p| &p.auroc_anomalous_only),
        pixel(|p| &p.average_precision),
        e.pixel
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|p| p.aupro.first().map_or_else(nothing, |a| text(&a.value))),
    ]
}

const NAMES: [&str; 6] =
    ["image_auroc", "image_ap", "pixel_auroc", "pixel_auroc_anomalous_only", "pixel_ap", "aupro_0.3"];
const HEADS: [&str; 6] = ["image AUROC", "image AP", "pixel AUROC", "(anomalous)", "pixel AP", "AUPRO 0.3"];

/// The measures of all categories; in JSON with the test pictures that the models know.
pub(crate) fn print(results: &[Evaluation], leaks: &[Leak], how: Shown) -> Result<(), Failure> {
    if how.json {
        let all: Vec<Value> = results.iter().map(as_json).collect();
        return output::line(
            &json!({ "categories": all, "mean": mean_json(results), "leaks": leaks }).to_string(),
        );
    }
    let cell = |value: Option<f64>| value.map_or_else(|| "-".to_string(), |v| format!("{:.2}", v * 100.0));
    let row = |name: &str, values: &[Option<f64>]| {
        let cells: Vec<String> = values.iter().map(|&v| format!("{:>12}", cell(v))).collect();
        format!("{name:<16}{}", cells.join(""))
    };
    let heads: Vec<String> = HEADS.iter().map(|h| format!("{h:>12}")).collect();
    output::line(&format!("{:<16}{}   (percent)", "", heads.join("")))?;
    for e in results {
        let values: Vec<Option<f64>> = columns(e).into_iter().map(Result::ok).collect();
        output::line(&row(&shown(Path::new(&e.category)), &values))?;
    }
    if results.len() > 1 {
        output::line(&row("mean", &(0..NAMES.len()).map(|i| mean(results, i)).collect::<Vec<_>>()))?;
    }
    for e in results {
        for (name, value) in NAMES.iter().zip(columns(e)) {
            if let Err(reason) = value {
                let category = shown(Path::new(&e.category));
                output::line(&format!("{category}: {name} is undefined: {reason}"))?;
            }
        }
    }
    Ok(())
}

/// The unweighted mean over the categories that have a value.
fn mean(results: &[Evaluation], column: usize) -> Option<f64> {
    let values: Vec<f64> = results.iter().filter_map(|e| columns(e)[column].clone().ok()).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn mean_json(results: &[Evaluation]) -> Value {
    (0..NAMES.len())
        .map(|i| (NAMES[i].to_string(), json!(mean(results, i))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn as_json(e: &Evaluation) -> Value {
    let mut out = serde_json::Map::new();
    out.insert("category".into(), json!(e.category));
    out.insert("test_pictures".into(), json!(e.pictures.len()));
    let mut undefined = serde_json::Map::new();
    for (name, value) in NAMES.iter().zip(columns(e)) {
        if let Err(reason) = &value {
            undefined.insert((*name).to_string(), json!(reason));
        }
        out.insert((*name).to_string(), json!(value.ok()));
    }
    let f1 =
        |m: &Result<F1Max, Undefined>| m.as_ref().ok().map(|f| json!({"f1": f.f1, "threshold": f.threshold}));
    out.insert("oracle_image_f1_max".into(), json!(f1(&e.image.oracle_f1_max)));
    out.insert("oracle_pixel_f1_max".into(), json!(e.pixel.as_ref().ok().and_then(|p| f1(&p.f1_max))));
    out.insert("undefined".into(), undefined.into());
    let scores: Vec<Value> = e
        .pictures
        .iter()
        .map(|j| {
            let name = j.sample.path.file_name().map(|n| n.to_string_lossy().into_owned());
            let score = output::score_json(j.image_score);
            json!({"defect": j.sample.defect, "picture": name, "anomalous": j.sample.is_anomalous(), "image_score": score})
        })
        .collect();
    out.insert("scores".into(), scores.into());
    out.into()
}

//! `patchcore evaluate`: a model, or one per category, measured on labelled pictures.

use crate::args::{Evaluate, Rule, Shown};
use crate::exit::{Code, Failure};
use crate::pictures::overlay;
use crate::progress::Bars;
use crate::{backbone, output};
use patchcore::{Fitted, Model};
use patchcore_backbone::Backbone;
use patchcore_evaluation::{Evaluation, PixelRule, evaluate};
use patchcore_files::{shown, write_atomic};
use patchcore_image::{Category, Limits, mvtec_categories, mvtec_category};
use patchcore_metrics::{F1Max, Metric, Undefined};
use patchcore_report::{ResultsRow, Tile, contact_sheet_png, results_csv};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Evaluate, how: Shown) -> Result<Code, Failure> {
    // What is not there is told before hours of work, and before anything is written.
    let categories: Vec<Category> =
        categories(args)?.iter().map(|name| mvtec_category(&args.dataset, name)).collect::<Result<_, _>>()?;
    let rule = args.pixel_rule.map(|rule| match rule {
        Rule::Original => PixelRule::Original,
        Rule::Reference => PixelRule::Reference,
    });
    let single = if args.model.is_dir() {
        categories.iter().try_for_each(|category| check_model(&args.model, &category.name))?;
        None
    } else {
        Some(backbone::open_model(&args.model, args.weights.as_deref())?)
    };
    if let Some(folder) = &args.output {
        output::claim_folder(folder, args.force)?;
    }
    let mut results = Vec::new();
    for category in &categories {
        let own;
        let model = if let Some(model) = &single {
            model
        } else {
            let path = model_path(&args.model, &category.name);
            own = backbone::open_model(&path, args.weights.as_deref())?;
            &own
        };
        results.push(category_result(model, category, rule, args.output.as_deref(), how)?);
    }
    if let Some(folder) = &args.output {
        write_tables(folder, &results)?;
    }
    print(&results, how)?;
    Ok(Code::Done)
}

/// Evaluates one category; with a folder, an overlay of every test picture goes there.
pub(crate) fn category_result(
    model: &Model<Backbone>,
    category: &Category,
    rule: Option<PixelRule>,
    folder: Option<&Path>,
    how: Shown,
) -> Result<Evaluation, Failure> {
    let fitted = model.fitted();
    let rule = rule.unwrap_or_else(|| PixelRule::of(&fitted.params.preprocess));
    let mut failure = None;
    let result = evaluate(
        model,
        category,
        rule,
        &Limits::default(),
        &Bars::new(how),
        |sample, picture, prediction| {
            let Some(folder) = folder.filter(|_| failure.is_none()) else { return };
            let name = sample.path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            let path = folder.join(&category.name).join(&sample.defect).join(format!("{name}.png"));
            failure = sheet(fitted, picture, prediction, &path).err();
        },
    )?;
    failure.map_or(Ok(result), Err)
}

/// Picture and overlay side by side.
fn sheet(
    fitted: &Fitted,
    picture: &patchcore_image::Picture,
    prediction: &patchcore::Prediction,
    path: &Path,
) -> Result<(), Failure> {
    let over = overlay(fitted, picture, prediction)?;
    let score = format!("score {:.3}", prediction.image_score);
    let tile = |rgb, caption| Tile { rgb, width: picture.width(), height: picture.height(), caption };
    let png = contact_sheet_png(&[tile(picture.rgb(), ""), tile(&over, &score)], 2)?;
    if let Some(parent) = path.parent() {
        output::make_folder(parent)?;
    }
    Ok(write_atomic(path, &png, true)?)
}

fn categories(args: &Evaluate) -> Result<Vec<String>, Failure> {
    if !args.category.is_empty() {
        return Ok(args.category.clone());
    }
    if !args.model.is_dir() {
        return Err(Failure::usage("which category? give --category NAME"));
    }
    let all = mvtec_categories(&args.dataset)?;
    let with_model: Vec<String> = all.into_iter().filter(|c| model_path(&args.model, c).is_file()).collect();
    if with_model.is_empty() {
        let message = format!("{}: no NAME.patchcore for any category of the data set", shown(&args.model));
        return Err(Failure::new(Code::Weights, message));
    }
    Ok(with_model)
}

fn check_model(folder: &Path, category: &str) -> Result<(), Failure> {
    let path = model_path(folder, category);
    let there = path.is_file().then_some(());
    there.ok_or_else(|| Failure::new(Code::Weights, format!("{}: no such model", shown(&path))))
}

fn model_path(folder: &Path, category: &str) -> PathBuf {
    folder.join(format!("{category}.patchcore"))
}

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
            let anomalous = u8::from(judged.sample.anomalous).to_string();
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

pub(crate) fn print(results: &[Evaluation], how: Shown) -> Result<(), Failure> {
    if how.json {
        let all: Vec<Value> = results.iter().map(as_json).collect();
        return output::line(&json!({ "categories": all, "mean": mean_json(results) }).to_string());
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
            json!({"defect": j.sample.defect, "picture": name, "anomalous": j.sample.anomalous, "image_score": score})
        })
        .collect();
    out.insert("scores".into(), scores.into());
    out.into()
}

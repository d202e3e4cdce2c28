//! Results of an evaluation as files: the original's `results.csv`, and every picture's score.

use crate::exit::Failure;
use crate::output;
use patchcore::Verdict;
use patchcore_evaluation::{Evaluation, Judged};
use patchcore_files::write_atomic;
use patchcore_image::Layout;
use patchcore_report::{ResultsRow, results_csv};
use std::path::Path;

/// The original's table in the folder of an evaluation.
pub(super) const RESULTS: &str = "results.csv";
/// The file of scores in the folder of an evaluation.
pub(crate) const SCORES: &str = "scores.csv";
const COLUMNS: [&str; 6] = ["category", "defect", "picture", "anomalous", "image_score", "verdict"];

/// `results.csv` as the original writes it, and `scores.csv` with every picture's raw score; each also where the
/// other cannot be written.
pub(crate) fn write_tables(folder: &Path, layout: Layout, results: &[Evaluation]) -> Result<(), Failure> {
    // The original's name for every data set in its one layout.
    let set = if layout == Layout::Mvtec { "mvtec" } else { layout.name() };
    let rows: Vec<ResultsRow> = results
        .iter()
        .map(|e| {
            let pixel = e.pixel.as_ref().ok();
            ResultsRow {
                name: format!("{set}_{}", e.category),
                instance_auroc: e.image.auroc.clone().ok(),
                full_pixel_auroc: pixel.and_then(|p| p.auroc.clone().ok()),
                anomaly_pixel_auroc: pixel.and_then(|p| p.auroc_anomalous_only.clone().ok()),
            }
        })
        .collect();
    let table = write_atomic(&folder.join(RESULTS), results_csv(&rows).as_bytes(), true);
    let mut scores = output::csv_row(COLUMNS)?;
    scores.push('\n');
    for evaluation in results {
        for judged in &evaluation.pictures {
            let anomalous = u8::from(judged.sample.is_anomalous()).to_string();
            let score = judged.image_score.to_string();
            let row = [
                &evaluation.category,
                &judged.sample.defect,
                &judged.name,
                &anomalous,
                &score,
                verdict(judged),
            ];
            scores.push_str(&output::csv_row(row)?);
            scores.push('\n');
        }
    }
    Ok(write_atomic(&folder.join(SCORES), scores.as_bytes(), true).and(table)?)
}

/// What the program says to a picture; empty without a threshold.
pub(super) fn verdict(judged: &Judged) -> &'static str {
    judged.verdict.map_or("", Verdict::name)
}

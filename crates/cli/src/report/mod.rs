//! From what the library found to a report: only translation, the report itself is made elsewhere.

mod audit;
mod card;
mod data;
mod gallery;
mod test_part;
mod training;

pub(crate) use gallery::Gallery;
pub(crate) use training::TrainingFiles;

use crate::backbone::Network;
use crate::exit::Failure;
use crate::targets::{Sources, claim_file, may_write};
use patchcore::{Leak, Model};
use patchcore_evaluation::Evaluation;
use patchcore_files::{Claim, shown, write_atomic};
use patchcore_image::Category;
use patchcore_report::{Audit, Budget, CategoryReport, Report};
use std::path::{Path, PathBuf};

/// Test pictures that a report shows, at most; each with its overlay and a training picture.
const EXAMPLES: usize = 24;
/// Training pictures that a report on fitting shows.
const UNLIKE: usize = 12;

/// A report on one category: `gallery` saw its test pictures while they were judged, `leaks` are those that the model knows.
pub(crate) fn evaluated(
    model: &Model<Network>,
    file: &Path,
    category: &Category,
    evaluation: &Evaluation,
    gallery: Gallery<'_>,
    leaks: &[Leak],
) -> Result<CategoryReport, Failure> {
    let fitted = model.fitted();
    let training = TrainingFiles::of_category(category, fitted, gallery.limits());
    let leaks = test_part::leaks(fitted, evaluation, leaks);
    let audit = audit::audit(model, &training, 0, Budget::for_thumbnails(1));
    let report = CategoryReport {
        name: safe(&category.name),
        warnings: card::shortfall(fitted).into_iter().collect(),
        threshold: test_part::threshold(fitted, evaluation),
        test: Some(test_part::test_part(evaluation, gallery)),
        audit: audit.map(|audit| Audit { leaks, ..audit }),
        data: data::of_category(category, fitted, &training)?,
        model: card::card(fitted, file),
    };
    Ok(report.with_findings())
}

/// A report on a model that was just fitted.
pub(crate) fn fitted(
    model: &Model<Network>,
    file: &Path,
    name: &str,
    training: &TrainingFiles,
) -> Result<CategoryReport, Failure> {
    let fitted = model.fitted();
    let report = CategoryReport {
        name: safe(name),
        warnings: card::shortfall(fitted).into_iter().collect(),
        threshold: card::threshold(fitted),
        test: None,
        audit: audit::audit(model, training, UNLIKE, Budget::for_thumbnails(UNLIKE)),
        data: data::of_training(fitted, training)?,
        model: card::card(fitted, file),
    };
    Ok(report.with_findings())
}

/// Writes `page`, and the same as JSON beside it; each also where the other cannot be written.
pub(crate) fn write(
    page: &Path,
    title: &str,
    categories: Vec<CategoryReport>,
    force: bool,
) -> Result<(), Failure> {
    let program = concat!("patchcore ", env!("CARGO_PKG_VERSION"));
    let report = Report::new(title, program, categories);
    let json = write_atomic(&json_beside(page), report.to_json().as_bytes(), force);
    Ok(write_atomic(page, report.to_html().as_bytes(), force).and(json)?)
}

/// Claims a page and the JSON beside it before hours of work; neither is an input or the file of the `model`.
pub(crate) fn claim(
    page: &Path,
    force: bool,
    sources: &Sources,
    model: &Path,
) -> Result<[Claim; 2], Failure> {
    let json = json_beside(page);
    if json == page {
        return Err(Failure::usage(format!("{}: the page needs another ending than .json", shown(page)))
            .hint("the JSON is written beside it"));
    }
    if let Some(file) = [page, &json].into_iter().find(|&file| file == model) {
        return Err(Failure::usage(format!("{}: is the model file", shown(file))));
    }
    let claims = [claim_file(page)?, claim_file(&json)?];
    for claim in &claims {
        may_write(claim, force, sources)?;
    }
    Ok(claims)
}

fn json_beside(page: &Path) -> PathBuf {
    page.with_extension("json")
}

/// A name from outside, as text that may be shown.
fn safe(name: &str) -> String {
    shown(Path::new(name))
}

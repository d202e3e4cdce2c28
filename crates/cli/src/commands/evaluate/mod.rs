//! `patchcore evaluate`: models measured on labelled pictures.

mod category;
mod files;
mod json;
mod text;

pub(crate) use category::{Measuring, mask_rgb};
pub(crate) use files::{SCORES, write_tables};
pub(crate) use text::{Table, percent};

use self::category::sheets;
use self::files::RESULTS;
use crate::args::{Evaluate, Shown};
use crate::exit::{Code, Failure};
use crate::progress::Bars;
use crate::report::Gallery;
use crate::targets::{Sources, check_folder, claim_folder};
use crate::{backbone, dataset, output, report};
use patchcore::{Fitted, Leak};
use patchcore_evaluation::{Evaluation, EvaluationError};
use patchcore_files::shown;
use patchcore_image::{Category, Dataset};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The report in the folder of an evaluation.
const PAGE: &str = "report.html";

pub(crate) fn run(args: &Evaluate, how: Shown) -> Result<Code, Failure> {
    // What is not there is told before hours of work, and before anything is written.
    let dataset = dataset::open(&args.dataset, args.layout.name)?;
    let pairs = pairs(&args.model, &args.category, &dataset)?;
    let categories: Vec<Category> =
        pairs.iter().map(|(name, _)| dataset.category(name)).collect::<Result<_, _>>()?;
    check_models(&pairs)?;
    if let Some(folder) = &args.output {
        check_outputs(folder, args, &categories, &pairs)?;
    }
    let leaks = leaks(args, &categories, &pairs, how)?;
    let measuring = Measuring {
        dataset: &dataset,
        asked: &args.options,
        thresholds: [args.threshold, args.pixel_threshold],
        folder: args.output.as_deref(),
        limits: args.pictures.limits(),
        how,
    };
    let mut open: Option<(&Path, _)> = None;
    let (mut results, mut reports, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    for ((category, (_, path)), leaks) in categories.iter().zip(&pairs).zip(&leaks) {
        let model = match open.take() {
            Some((last, model)) if last == path => model,
            _ => backbone::open_model(path, &args.weights)?,
        };
        if let Some(folder) = args.output.as_deref().filter(|_| results.is_empty()) {
            claim_folder(folder, args.force)?;
        }
        let mut gallery = args
            .output
            .as_ref()
            .map(|_| Gallery::new(model.fitted(), category, categories.len(), &measuring));
        let evaluation = measuring.category(&model, category, gallery.as_mut(), &mut faults)?;
        if let Some(gallery) = gallery {
            reports.push(report::evaluated(&model, path, category, &evaluation, gallery, leaks)?);
        }
        results.push(evaluation);
        open = Some((path, model));
    }
    let written = args.output.as_ref().map_or(Ok(()), |folder| {
        let title = format!("Evaluation on {}", shown(&args.dataset));
        let tables = write_tables(folder, dataset.layout(), &results);
        report::write(&folder.join(PAGE), &title, reports, true).and(tables)
    });
    // What was measured is told, wherever else it could not be written.
    print(&results, &leaks.concat(), how)?;
    if let Err(failure) = written {
        return Err(failure.parts(faults));
    }
    let pictures = results.iter().map(|result| result.pictures.len()).sum();
    Failure::of_faults(faults, pictures).map(|()| Code::Done)
}

/// Refuses a folder that takes no files, or in which one would take the place of an input.
fn check_outputs(
    folder: &Path,
    args: &Evaluate,
    categories: &[Category],
    pairs: &[(String, PathBuf)],
) -> Result<(), Failure> {
    let samples = categories.iter().flat_map(|category| &category.test);
    let pictures = samples.flat_map(|sample| sample.masks.iter().chain([&sample.path]));
    let models = pairs.iter().map(|(_, path)| path);
    let sources = Sources::of([&args.dataset]).and(&args.weights).and(models).and(pictures);
    sources.spare(folder)?;
    [PAGE, RESULTS, SCORES].iter().try_for_each(|name| sources.spare(&folder.join(name)))?;
    sources.spare(&folder.join(PAGE).with_extension("json"))?;
    let sheets = categories.iter().map(|category| sheets(folder, category));
    sheets.flat_map(BTreeMap::into_values).try_for_each(|sheet| sources.spare(&sheet))?;
    check_folder(folder, args.force)
}

/// All results on standard output; in JSON with the test pictures that the models know.
pub(crate) fn print(results: &[Evaluation], leaks: &[Leak], how: Shown) -> Result<(), Failure> {
    if how.json {
        output::line(&json::of_all(results, leaks).to_string())
    } else {
        text::of_all(results).iter().try_for_each(|line| output::line(line))
    }
}

/// Refuses a model that is not there, before hours of work.
pub(crate) fn check_models(pairs: &[(String, PathBuf)]) -> Result<(), Failure> {
    match pairs.iter().find(|(_, path)| !path.is_file()) {
        Some((_, path)) => Err(Failure::new(Code::Weights, format!("{}: no such model", shown(path)))),
        None => Ok(()),
    }
}

/// The test pictures of each category that its model was fitted on, told before the work, as is every picture and mask that
/// cannot be used. They are refused unless allowed.
fn leaks(
    args: &Evaluate,
    categories: &[Category],
    pairs: &[(String, PathBuf)],
    how: Shown,
) -> Result<Vec<Vec<Leak>>, Failure> {
    let (mut open, mut found): (Option<(&Path, Fitted)>, _) = (None, Vec::new());
    let mut unusable = Vec::new();
    for (category, (_, path)) in categories.iter().zip(pairs) {
        let fitted = match open.take() {
            Some((last, fitted)) if last == path => fitted,
            _ => backbone::read_model(path)?,
        };
        let (limits, bars) = (args.pictures.limits(), Bars::new(how));
        match patchcore_evaluation::leaks(&fitted.training, category, &limits, &bars) {
            Err(EvaluationError::Unusable { faults }) => unusable.extend(faults),
            leaks => found.push(leaks?),
        }
        open = Some((path, fitted));
    }
    if !unusable.is_empty() {
        return Err(EvaluationError::Unusable { faults: unusable }.into());
    }
    let count = found.iter().map(Vec::len).sum::<usize>();
    if count == 0 {
        return Ok(found);
    }
    let pictures: usize = categories.iter().map(|category| category.test.len()).sum();
    let message = format!("{count} of {pictures} test pictures are ones that the model was fitted on");
    if !args.allow_leak {
        return Err(Failure::new(Code::Input, message)
            .parts(found.iter().flatten().map(ToString::to_string).collect())
            .hint(
                "what is measured on them says nothing about new parts; --allow-leak measures all the same",
            ));
    }
    output::warn(&format!("{message}: the measures are too good"));
    Ok(found)
}

/// Each category with its model: one model for all, one for each, or a folder with one of each name.
pub(crate) fn pairs(
    models: &[PathBuf],
    categories: &[String],
    dataset: &Dataset,
) -> Result<Vec<(String, PathBuf)>, Failure> {
    let names = dataset.names();
    match models {
        [folder] if folder.is_dir() => of_folder(folder, categories, dataset),
        [model] if categories.is_empty() && names.len() == 1 => {
            Ok(vec![(names[0].to_string(), model.clone())])
        }
        _ if categories.is_empty() => Err(Failure::usage("which category? give --category NAME")),
        [model] => Ok(categories.iter().map(|category| (category.clone(), model.clone())).collect()),
        models if models.len() == categories.len() => {
            Ok(categories.iter().cloned().zip(models.iter().cloned()).collect())
        }
        models => {
            let message = format!("{} models for {} categories", models.len(), categories.len());
            Err(Failure::usage(message)
                .hint("give one model for each category in their order, one for all, or a folder of them"))
        }
    }
}

fn of_folder(
    folder: &Path,
    categories: &[String],
    dataset: &Dataset,
) -> Result<Vec<(String, PathBuf)>, Failure> {
    let with_model = |category: String| {
        let path = folder.join(format!("{category}.patchcore"));
        (category, path)
    };
    if !categories.is_empty() {
        return Ok(categories.iter().cloned().map(with_model).collect());
    }
    let all = dataset.names().into_iter().map(|name| with_model(name.to_string()));
    let found: Vec<_> = all.filter(|(_, path)| path.is_file()).collect();
    if found.is_empty() {
        let message = format!("{}: no NAME.patchcore for any category of the data set", shown(folder));
        return Err(Failure::new(Code::Weights, message));
    }
    Ok(found)
}

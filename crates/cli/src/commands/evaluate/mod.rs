//! `patchcore evaluate`: models measured on labelled pictures.

mod category;
mod tables;

pub(crate) use category::{category_result, mask_rgb};
pub(crate) use tables::{print, write_tables};

use crate::args::{Evaluate, Shown};
use crate::exit::{Code, Failure};
use crate::progress::Bars;
use crate::{backbone, dataset, output};
use patchcore::{Fitted, Leak};
use patchcore_files::shown;
use patchcore_image::{Category, Dataset, Limits};
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Evaluate, how: Shown) -> Result<Code, Failure> {
    // What is not there is told before hours of work, and before anything is written.
    let dataset = dataset::open(&args.dataset, args.layout)?;
    let pairs = pairs(args, &dataset)?;
    let categories: Vec<Category> =
        pairs.iter().map(|(name, _)| dataset.category(name)).collect::<Result<_, _>>()?;
    for (_, path) in &pairs {
        if !path.is_file() {
            return Err(Failure::new(Code::Weights, format!("{}: no such model", shown(path))));
        }
    }
    let leaks = leaks(args, &categories, &pairs, how)?;
    let mut open: Option<(&Path, _)> = None;
    let mut results = Vec::new();
    for (category, (_, path)) in categories.iter().zip(&pairs) {
        let model = match open.take() {
            Some((last, model)) if last == path => model,
            _ => backbone::open_model(path, &args.weights)?,
        };
        if let Some(folder) = args.output.as_deref().filter(|_| results.is_empty()) {
            output::claim_folder(folder, args.force)?;
        }
        results.push(category_result(&model, category, &args.options, args.output.as_deref(), how)?);
        open = Some((path, model));
    }
    if let Some(folder) = &args.output {
        write_tables(folder, &results)?;
    }
    print(&results, &leaks, how)?;
    Ok(Code::Done)
}

/// The test pictures that the models were fitted on: of all categories, told before the work. They are refused unless allowed.
fn leaks(
    args: &Evaluate,
    categories: &[Category],
    pairs: &[(String, PathBuf)],
    how: Shown,
) -> Result<Vec<Leak>, Failure> {
    let (mut open, mut found): (Option<(&Path, Fitted)>, _) = (None, Vec::new());
    for (category, (_, path)) in categories.iter().zip(pairs) {
        let fitted = match open.take() {
            Some((last, fitted)) if last == path => fitted,
            _ => Fitted::load(path)?,
        };
        found.extend(patchcore_evaluation::leaks(
            &fitted.training,
            &category.test,
            &Limits::default(),
            &Bars::new(how),
        ));
        open = Some((path, fitted));
    }
    if found.is_empty() {
        return Ok(found);
    }
    let pictures: usize = categories.iter().map(|category| category.test.len()).sum();
    let message =
        format!("{} of {pictures} test pictures are ones that the model was fitted on", found.len());
    if !args.allow_leak {
        return Err(Failure::new(Code::Input, message)
            .parts(found.iter().map(ToString::to_string).collect())
            .hint(
                "what is measured on them says nothing about new parts; --allow-leak measures all the same",
            ));
    }
    output::warn(&format!("{message}: the measures are too good"));
    Ok(found)
}

/// Each category with its model: one model for all, one for each, or a folder with one of each name.
fn pairs(args: &Evaluate, dataset: &Dataset) -> Result<Vec<(String, PathBuf)>, Failure> {
    let all = |category: &String| (category.clone(), args.model[0].clone());
    let names = dataset.names();
    match &args.model[..] {
        [folder] if folder.is_dir() => of_folder(folder, args, dataset),
        [model] if args.category.is_empty() && names.len() == 1 => {
            Ok(vec![(names[0].to_string(), model.clone())])
        }
        _ if args.category.is_empty() => Err(Failure::usage("which category? give --category NAME")),
        [_] => Ok(args.category.iter().map(all).collect()),
        models if models.len() == args.category.len() => {
            Ok(args.category.iter().cloned().zip(models.iter().cloned()).collect())
        }
        models => {
            let message = format!("{} models for {} categories", models.len(), args.category.len());
            Err(Failure::usage(message)
                .hint("give one model for each category in their order, one for all, or a folder of them"))
        }
    }
}

fn of_folder(folder: &Path, args: &Evaluate, dataset: &Dataset) -> Result<Vec<(String, PathBuf)>, Failure> {
    let with_model = |category: String| {
        let path = folder.join(format!("{category}.patchcore"));
        (category, path)
    };
    if !args.category.is_empty() {
        return Ok(args.category.iter().cloned().map(with_model).collect());
    }
    let all = dataset.names().into_iter().map(|name| with_model(name.to_string()));
    let found: Vec<_> = all.filter(|(_, path)| path.is_file()).collect();
    if found.is_empty() {
        let message = format!("{}: no NAME.patchcore for any category of the data set", shown(folder));
        return Err(Failure::new(Code::Weights, message));
    }
    Ok(found)
}

//! `patchcore compare`: whether one model is better than another on the same test pictures.

mod json;
mod saved;
mod text;

use crate::args::{Compare, Shown};
use crate::commands::evaluate::{check_models, pairs};
use crate::exit::{Code, Failure};
use crate::progress::Bars;
use crate::{backbone, dataset, output};
use patchcore_evaluation::{Comparison, MeanComparison, Options, Pair, Scored, compare_means, judge};
use patchcore_files::shown;
use patchcore_image::{Dataset, Limits};
use patchcore_metrics::Resampling;
use std::path::{Path, PathBuf};

/// The pictures of each category, as one model scored them.
type Side = Vec<(String, Vec<Scored>)>;

/// What is found about every category and, if there are several, about their mean.
struct Found {
    categories: Vec<Comparison>,
    mean: Option<MeanComparison>,
}

pub(crate) fn run(args: &Compare, how: Shown) -> Result<Code, Failure> {
    // What is not there is told before hours of work.
    let dataset = args.dataset.as_deref().map(|root| dataset::open(root, args.layout.name)).transpose()?;
    let a = source(&args.a, args, dataset.as_ref())?;
    let b = source(&args.b, args, dataset.as_ref())?;
    if let (Some(root), Source::Saved(_), Source::Saved(_)) = (&args.dataset, &a, &b) {
        let message = format!("--dataset {}: both A and B are saved results", shown(root));
        return Err(Failure::usage(message).hint("leave it out, or give model files"));
    }
    let weights = |own: &[PathBuf]| if own.is_empty() { args.weights.clone() } else { own.to_vec() };
    let limits = args.pictures.limits();
    let a = a.scores(&weights(&args.weights_a), dataset.as_ref(), limits, how)?;
    let b = b.scores(&weights(&args.weights_b), dataset.as_ref(), limits, how)?;
    let pairs = paired(&a, &b)?;
    let found = Found {
        categories: pairs.iter().map(|pair| pair.compare(Resampling::default())).collect(),
        mean: (pairs.len() > 1).then(|| compare_means(&pairs, Resampling::default())),
    };
    if how.json {
        output::line(&json::of(&found).to_string())?;
    } else {
        text::of(&found).iter().try_for_each(|line| output::line(line))?;
    }
    Ok(Code::Done)
}

/// Where the scores of one side come from.
enum Source {
    /// Read from a file of an evaluation.
    Saved(Side),
    /// To be measured: each category with its model.
    Models(Vec<(String, PathBuf)>),
}

fn source(path: &Path, args: &Compare, dataset: Option<&Dataset>) -> Result<Source, Failure> {
    if let Some(mut side) = saved::read(path)? {
        if let Some(name) = args.category.iter().find(|name| side.iter().all(|(own, _)| own != *name)) {
            let message = format!("{}: no category {name:?}", shown(path));
            return Err(Failure::new(Code::Input, message));
        }
        side.retain(|(own, _)| args.category.is_empty() || args.category.contains(own));
        return Ok(Source::Saved(side));
    }
    let Some(dataset) = dataset else {
        return Err(Failure::usage(format!("{}: a model needs pictures to be measured on", shown(path)))
            .hint("--dataset ROOT, or give what evaluate made of it: its folder, scores.csv or .json file"));
    };
    let models = pairs(&[path.to_path_buf()], &args.category, dataset)?;
    for (name, _) in &models {
        dataset.category(name)?;
    }
    check_models(&models)?;
    Ok(Source::Models(models))
}

impl Source {
    fn scores(
        self,
        weights: &[PathBuf],
        dataset: Option<&Dataset>,
        limits: Limits,
        how: Shown,
    ) -> Result<Side, Failure> {
        let (models, dataset) = match (self, dataset) {
            (Self::Saved(side), _) => return Ok(side),
            (Self::Models(models), Some(dataset)) => (models, dataset),
            (Self::Models(_), None) => return Ok(Side::new()),
        };
        let options = Options { root: dataset.root().to_path_buf(), limits, ..Options::default() };
        let mut open: Option<(PathBuf, _)> = None;
        let mut side = Side::new();
        for (name, path) in models {
            let model = match open.take() {
                Some((last, model)) if last == path => model,
                _ => backbone::open_model(&path, weights)?,
            };
            let judged = judge(&model, &dataset.category(&name)?, &options, &Bars::new(how))?;
            side.push((name, judged.into_iter().map(Scored::from).collect()));
            open = Some((path, model));
        }
        Ok(side)
    }
}

/// The categories of both, which must be the same, and in them the pictures.
fn paired(a: &Side, b: &Side) -> Result<Vec<Pair>, Failure> {
    let lacks = |side: &Side, name: &str| side.iter().all(|(own, _)| own != name);
    let only_a = a.iter().filter(|(name, _)| lacks(b, name)).map(|(name, _)| ("A", name));
    let only_b = b.iter().filter(|(name, _)| lacks(a, name)).map(|(name, _)| ("B", name));
    let line = |(who, name): (&str, &String)| format!("only {who} has {}", shown(Path::new(name)));
    let differences: Vec<String> = only_a.chain(only_b).map(line).collect();
    if !differences.is_empty() {
        let message = "A and B were not measured on the same categories".to_string();
        return Err(Failure::new(Code::Input, message).parts(differences).hint("--category NAME takes one"));
    }
    let of_b = |name: &str| b.iter().find(|(own, _)| own == name).map_or(&[][..], |(_, scored)| scored);
    let pair = |(name, scored): &(String, Vec<Scored>)| {
        Pair::new(name, scored, of_b(name))
            .map_err(|error| Failure::new(Code::Input, error.to_string()).parts(error.differences))
    };
    a.iter().map(pair).collect()
}

//! `patchcore dataset`: what the files of a data set are, and what is wrong with them.

use crate::args::{DatasetInspect, DatasetPart, DatasetWords, Manifest, Shown};
use crate::exit::{Code, Failure};
use crate::targets::{Sources, claim_file, may_write};
use crate::{dataset, output};
use patchcore_files::{shown, write_atomic};
use patchcore_image::{Category, Examined, Label, ManifestForm, Role, Split, manifest_text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn run(args: &DatasetWords, how: Shown) -> Result<Code, Failure> {
    match &args.part {
        DatasetPart::Inspect(words) => inspect(words, how),
        DatasetPart::Manifest(words) => manifest(words, how),
    }
}

fn manifest(args: &Manifest, how: Shown) -> Result<Code, Failure> {
    let Some(form) = ManifestForm::of(&args.output) else {
        return Err(Failure::usage(format!("{}: ends in neither .csv nor .jsonl", shown(&args.output))));
    };
    let output = claim_file(&args.output)?;
    let dataset = dataset::open(&args.what.root, args.what.layout)?;
    let categories = dataset::named(&dataset, &args.what.category)?;
    let samples = categories.iter().flat_map(Category::samples);
    let files = samples.flat_map(|(_, sample)| sample.masks.iter().chain([&sample.path]));
    let sources = Sources::of([&args.what.root]).and(files);
    may_write(&output, args.force, &sources)?;
    let folder = args.output.parent().unwrap_or(Path::new(""));
    write_atomic(&args.output, manifest_text(&categories, folder, form)?.as_bytes(), args.force)?;
    let pictures: usize = categories.iter().map(|category| category.samples().count()).sum();
    if how.json {
        let said = json!({"manifest": args.output.to_string_lossy(), "categories": categories.len(), "pictures": pictures});
        return output::line(&said.to_string()).map(|()| Code::Done);
    }
    let of = self::categories(categories.len());
    output::line(&format!("{}: {pictures} pictures of {of}", shown(&args.output)))?;
    Ok(Code::Done)
}

fn inspect(args: &DatasetInspect, how: Shown) -> Result<Code, Failure> {
    let what = &args.what;
    let dataset = dataset::open(&what.root, what.layout)?;
    let names = if what.category.is_empty() {
        dataset.names()
    } else {
        what.category.iter().map(String::as_str).collect()
    };
    let mut all = Vec::new();
    for name in names {
        all.push(dataset.examine(name, &args.pictures.limits())?);
    }
    let layout = dataset.layout().name();
    if how.json {
        let categories: Vec<Value> = all.iter().map(|found| as_json(found, args.files)).collect();
        output::line(
            &json!({ "layout": layout, "categories": categories, "looked_at": LOOKED_AT }).to_string(),
        )?;
    } else {
        output::line(&format!("{}: layout {layout}, {}", shown(&what.root), categories(all.len())))?;
        for found in &all {
            print(found, args.files)?;
        }
        output::line(&format!("\nlooked at {LOOKED_AT}"))?;
    }
    let is_error = |found: &Examined| found.problems.iter().any(|problem| !problem.is_warning());
    Ok(if all.iter().any(is_error) { Code::Input } else { Code::Done })
}

/// What the problems are taken from, and what they are not.
const LOOKED_AT: &str = "names, the headers of pictures, all of masks, all bytes of files of one length; not at pixels: fit and \
                         evaluate find pictures that were saved again";

fn categories(count: usize) -> String {
    if count == 1 { "1 category".into() } else { format!("{count} categories") }
}

/// What the pictures of a split are for.
fn purpose(split: Split) -> &'static str {
    match split {
        Split::Train => "to fit on",
        Split::Validation => "good ones that are not fitted on: for thresholds",
        Split::Test => "to evaluate on",
        Split::Unlabelled => "without labels: neither fitted nor evaluated on",
    }
}

/// How many pictures of a split show each kind of defect.
fn kinds(found: &Examined, split: Split) -> BTreeMap<(&str, Label), usize> {
    let mut counts = BTreeMap::new();
    for sample in found.category.split(split) {
        *counts.entry((sample.defect.as_str(), sample.label)).or_default() += 1;
    }
    counts
}

fn with_role(found: &Examined, role: Role) -> usize {
    found.files.iter().filter(|(_, own)| *own == role).count()
}

fn print(found: &Examined, files: bool) -> Result<(), Failure> {
    output::line(&format!("\n{}", shown(Path::new(&found.category.name))))?;
    for split in Split::ALL {
        let samples = found.category.split(split);
        if samples.is_empty() {
            continue;
        }
        let kinds: Vec<String> = kinds(found, split)
            .into_iter()
            .map(|((defect, _), count)| format!("{count} {}", shown(Path::new(defect))))
            .collect();
        let (name, count) = (split.name(), samples.len());
        output::line(&format!("  {name:<11}{count:>6}  {} ({})", purpose(split), kinds.join(", ")))?;
    }
    output::line(&format!("  {:<11}{:>6}", "masks", with_role(found, Role::Mask)))?;
    let others = with_role(found, Role::None) + with_role(found, Role::List);
    if others > 0 {
        output::line(&format!("  {:<11}{others:>6}", "other files"))?;
    }
    for problem in &found.problems {
        let kind = if problem.is_warning() { "warning" } else { "error" };
        output::line(&format!("  {kind}: {problem}"))?;
    }
    if found.problems.is_empty() {
        output::line("  no problems")?;
    }
    if files {
        for (path, role) in &found.files {
            output::line(&format!("  {:<11} {}", role_name(*role), shown(path)))?;
        }
    }
    Ok(())
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Picture(split) => split.name(),
        Role::Mask => "mask",
        Role::List => "list",
        Role::None => "none",
    }
}

fn as_json(found: &Examined, files: bool) -> Value {
    let mut splits = serde_json::Map::new();
    for split in Split::ALL {
        let kind = |((defect, label), count): ((&str, Label), usize)| json!({"defect": defect, "label": label, "pictures": count});
        let kinds: Vec<Value> = kinds(found, split).into_iter().map(kind).collect();
        let about = json!({"pictures": found.category.split(split).len(), "kinds": kinds});
        splits.insert(split.name().into(), about);
    }
    let problem = |problem: &patchcore_image::Problem| json!({"severity": if problem.is_warning() { "warning" } else { "error" }, "message": problem.to_string()});
    let mut about = json!({
        "category": found.category.name,
        "splits": splits,
        "masks": with_role(found, Role::Mask),
        "problems": found.problems.iter().map(problem).collect::<Vec<_>>(),
    });
    if files {
        let file = |(path, role): &(std::path::PathBuf, Role)| json!({"path": path.to_string_lossy(), "role": role_name(*role)});
        about["files"] = found.files.iter().map(file).collect();
    }
    about
}

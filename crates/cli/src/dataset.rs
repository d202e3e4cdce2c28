//! The data set that a command line names, in whatever layout.

use crate::exit::Failure;
use crate::output;
use patchcore_files::shown;
use patchcore_image::{Category, Dataset, Layout};
use std::path::Path;

/// Opens it; what was not understood in it is a warning.
pub(crate) fn open(root: &Path, layout: Option<Layout>) -> Result<Dataset, Failure> {
    let dataset = Dataset::open(root, layout)?;
    for warning in dataset.warnings() {
        output::warn(warning);
    }
    Ok(dataset)
}

/// The category of this name, or the only one.
pub(crate) fn one(root: &Path, layout: Option<Layout>, name: Option<&str>) -> Result<Category, Failure> {
    let dataset = open(root, layout)?;
    let names = dataset.names();
    let only = if let [only] = names[..] { Some(only) } else { None };
    let Some(name) = name.or(only) else {
        let few: Vec<String> = names.iter().take(5).map(|name| format!("{name:?}")).collect();
        let message = format!("{}: which of its {} categories?", shown(root), names.len());
        return Err(Failure::usage(message).hint(format!("--category NAME, such as {}", few.join(", "))));
    };
    Ok(dataset.category(name)?)
}

/// The categories of these names, or all.
pub(crate) fn named(dataset: &Dataset, names: &[String]) -> Result<Vec<Category>, Failure> {
    let all: Vec<&str> =
        if names.is_empty() { dataset.names() } else { names.iter().map(String::as_str).collect() };
    Ok(all.into_iter().map(|name| dataset.category(name)).collect::<Result<_, _>>()?)
}

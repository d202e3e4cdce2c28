//! The words of `patchcore dataset`.

use super::PictureOptions;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as Group, Subcommand};
use patchcore_image::Layout;
use std::path::PathBuf;

#[derive(Group)]
#[command(disable_help_subcommand = true)]
pub(crate) struct DatasetWords {
    #[command(subcommand)]
    pub(crate) part: DatasetPart,
}

#[derive(Subcommand)]
pub(crate) enum DatasetPart {
    /// Count the pictures of a data set and list everything that is wrong with its files
    Inspect(Inspect),
    /// Write a manifest: one row for each picture with its split, label and masks
    Manifest(Manifest),
}

#[derive(Group)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) what: DatasetOptions,

    /// List what each file is for
    #[arg(long)]
    pub(crate) files: bool,

    #[command(flatten)]
    pub(crate) pictures: PictureOptions,
}

#[derive(Group)]
pub(crate) struct Manifest {
    #[command(flatten)]
    pub(crate) what: DatasetOptions,

    /// File to write: .csv or .jsonl
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// Which data set, and how much of it.
#[derive(Group)]
pub(crate) struct DatasetOptions {
    /// Folder of the data set, or a manifest
    #[arg(value_name = "ROOT")]
    pub(crate) root: PathBuf,

    /// Its layout [default: the one that it fits]
    #[arg(long, value_parser = layouts(), value_name = "NAME")]
    pub(crate) layout: Option<Layout>,

    /// Only this category; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) category: Vec<String>,
}

/// How a data set's files lie.
#[derive(Group, Clone, Copy)]
pub(crate) struct LayoutOption {
    /// Layout of the data set [default: the one that it fits]; `dataset inspect --help` lists them
    #[arg(
        long = "layout",
        value_parser = layouts(),
        value_name = "NAME",
        requires = "dataset",
        hide_possible_values = true
    )]
    pub(crate) name: Option<Layout>,
}

/// A layout by its name.
fn layouts() -> impl TypedValueParser<Value = Layout> {
    let names = Layout::ALL.map(|layout| PossibleValue::new(layout.name()).help(layout.about()));
    PossibleValuesParser::new(names).try_map(|name| {
        let found = Layout::ALL.into_iter().find(|layout| layout.name() == name);
        found.ok_or_else(|| format!("unknown layout {name}"))
    })
}

//! The words of `patchcore dataset`.

use clap::{Args as Group, Subcommand, ValueEnum};
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
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) layout: Option<LayoutName>,

    /// Only this category; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) category: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(clippy::doc_markdown, reason = "help prints these lines as they are")]
pub(crate) enum LayoutName {
    /// MVTec AD, MPDD: CATEGORY/{train,test,ground_truth}
    Mvtec,
    /// MVTec AD 2: CATEGORY/{train,validation,test_public,test_private}
    #[value(name = "mvtec-ad2")]
    MvtecAd2,
    /// MVTec LOCO AD: CATEGORY/{train,validation,test,ground_truth}
    MvtecLoco,
    /// VisA as published: split_csv/1cls.csv
    Visa,
    /// BTAD: CATEGORY/{train,test}/{ok,ko}
    Btad,
    /// KolektorSDD: kosNN/PartM.jpg
    KolektorSdd,
    /// Real-IAD: lists in realiad_jsons
    RealIad,
    /// Folders of good and bad pictures: {good,ok,normal}, DEFECT, masks/DEFECT
    Folder,
    /// A file .csv or .jsonl
    Manifest,
}

impl From<LayoutName> for Layout {
    fn from(name: LayoutName) -> Self {
        match name {
            LayoutName::Mvtec => Self::Mvtec,
            LayoutName::MvtecAd2 => Self::MvtecAd2,
            LayoutName::MvtecLoco => Self::MvtecLoco,
            LayoutName::Visa => Self::Visa,
            LayoutName::Btad => Self::Btad,
            LayoutName::KolektorSdd => Self::KolektorSdd,
            LayoutName::RealIad => Self::RealIad,
            LayoutName::Folder => Self::Folder,
            LayoutName::Manifest => Self::Manifest,
        }
    }
}

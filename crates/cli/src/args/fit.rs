//! The words of `fit` and `calibrate`, and of what their thresholds promise.

use super::dataset::LayoutOption;
use super::numbers::{bytes, outliers, share, whole};
use super::{ModelOptions, PictureOptions};
use clap::Args as Group;
use patchcore::{PatchCore, Rates};
use patchcore_backbone::FeatureExtractor;
use std::path::PathBuf;

#[derive(Group)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["good", "dataset"]))]
pub(crate) struct Fit {
    /// Folder with pictures of good parts
    #[arg(long, value_name = "DIR")]
    pub(crate) good: Option<PathBuf>,

    /// Data set: a folder in one of the layouts, or a manifest
    #[arg(long, value_name = "ROOT")]
    pub(crate) dataset: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) layout: LayoutOption,

    /// Category of the data set, if it has several
    #[arg(long, value_name = "NAME", requires = "dataset")]
    pub(crate) category: Option<String>,

    /// Model file to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Page (HTML) that tells about the model: thresholds, scores of the good pictures, audit, data, model card; the same as
    /// JSON beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Replace the files if they exist
    #[arg(long)]
    pub(crate) force: bool,

    /// Leave out the pictures that look most unlike the others: a number of them, or a share such as 5%
    #[arg(long, value_name = "N|SHARE%", value_parser = outliers)]
    pub(crate) drop_outliers: Option<patchcore::Outliers>,

    /// File with names of pictures to leave out, one per line, as `fit --json` and `inspect --json` give them
    #[arg(long, value_name = "FILE")]
    pub(crate) drop: Option<PathBuf>,

    /// Fit on the readable pictures if some are not; exit code 7, the others are named in the model
    #[arg(long)]
    pub(crate) skip_bad: bool,

    /// Refuse, before the long part begins, if the program is expected to hold more memory than this, such as 2GiB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(crate) max_memory: Option<u64>,

    #[command(flatten)]
    pub(crate) held_out: HeldOutOptions,

    #[command(flatten)]
    pub(crate) pictures: PictureOptions,

    #[command(flatten)]
    pub(crate) model: ModelOptions,
}

/// What the thresholds of a fit promise, and from which scores they come.
#[derive(Group, Clone, Copy)]
pub(crate) struct HeldOutOptions {
    #[command(flatten)]
    rates: RateOptions,

    /// Take the thresholds from this many folds of the pictures, each judged by a memory bank of the others' patches:
    /// nearer to the rates asked for, at the price of as many coresets [default: each picture is judged by the bank
    /// without its own rows, which leaves holes and makes thresholds higher than need be]
    #[arg(long, value_name = "N", value_parser = whole(2u64..=1_000_000))]
    folds: Option<u64>,
}

impl HeldOutOptions {
    /// The method as these options ask for.
    pub(crate) fn apply<E: FeatureExtractor>(
        self,
        method: PatchCore<E>,
    ) -> Result<PatchCore<E>, patchcore::Error> {
        let method = method.rates(self.rates.rates())?;
        match self.folds {
            Some(folds) => method.folds(folds as usize),
            None => Ok(method),
        }
    }

    pub(crate) fn rates(self) -> Rates {
        self.rates.rates()
    }
}

/// What the thresholds promise.
#[derive(Group, Clone, Copy)]
pub(crate) struct RateOptions {
    /// Share of good pictures that may be called defective
    #[arg(long, value_name = "SHARE", default_value_t = patchcore::FALSE_ALARM_RATE, value_parser = share)]
    false_alarm_rate: f64,

    /// Share of good pictures that may not be called ok: for review, or defective; as large as the false-alarm rate for no
    /// review [default: twice the false-alarm rate]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    review_rate: Option<f64>,
}

impl RateOptions {
    pub(crate) fn rates(self) -> Rates {
        let rates = Rates::of(self.false_alarm_rate);
        Rates { review: self.review_rate.unwrap_or(rates.review), ..rates }
    }
}

#[derive(Group)]
pub(crate) struct Calibrate {
    /// Model file
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,

    /// Folder with pictures of good parts that were not trained on
    #[arg(long, value_name = "DIR")]
    pub(crate) good: PathBuf,

    /// Model file to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Replace the model file if it exists
    #[arg(long)]
    pub(crate) force: bool,

    /// Weights of the model's network, if it is not the built-in one; repeated for an ensemble
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) rates: RateOptions,

    #[command(flatten)]
    pub(crate) pictures: PictureOptions,
}

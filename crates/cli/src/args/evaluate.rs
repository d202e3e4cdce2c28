//! The words of `evaluate`, `compare` and `run`.

use super::dataset::LayoutOption;
use super::numbers::{finite, pro_limit, sides};
use super::{ModelOptions, PictureOptions};
use clap::{Args as Group, ValueEnum};
use std::path::PathBuf;

#[derive(Group)]
pub(crate) struct Evaluate {
    /// Model files: one for all categories, or one for each; or a folder with one NAME.patchcore per category
    #[arg(value_name = "MODEL", required = true)]
    pub(crate) model: Vec<PathBuf>,

    /// Data set: a folder in one of the layouts, or a manifest
    #[arg(long, value_name = "ROOT")]
    pub(crate) dataset: PathBuf,

    #[command(flatten)]
    pub(crate) layout: LayoutOption,

    /// Category of the data set, if it has several; may be repeated [default for a folder of models: each model's]
    #[arg(long, value_name = "NAME")]
    pub(crate) category: Vec<String>,

    /// Weights of the models' network, if it is not the built-in one; repeated for an ensemble
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Vec<PathBuf>,

    /// Measure although the model was fitted on some of the test pictures; what comes out is too good
    #[arg(long)]
    pub(crate) allow_leak: bool,

    #[command(flatten)]
    pub(crate) options: EvaluateOptions,

    /// Image scores at or above this are a defect, instead of the model's threshold
    #[arg(long, value_name = "SCORE", value_parser = finite)]
    pub(crate) threshold: Option<f32>,

    /// Map values at or above this are a defect, instead of the model's pixel threshold
    #[arg(long, value_name = "SCORE", value_parser = finite)]
    pub(crate) pixel_threshold: Option<f32>,

    /// Folder for report.html, report.json, results.csv, scores.csv and an overlay of every test picture
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Write into a folder that is not empty
    #[arg(long)]
    pub(crate) force: bool,

    #[command(flatten)]
    pub(crate) pictures: PictureOptions,
}

#[derive(Group)]
pub(crate) struct Compare {
    /// A model file, or a folder with one NAME.patchcore per category; or what evaluate made of it: its folder (-o), its
    /// scores.csv, or its JSON as a .json file
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,

    /// The other one, in the same form or another
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,

    /// Data set to measure models on: a folder in one of the layouts, or a manifest
    #[arg(long, value_name = "ROOT")]
    pub(crate) dataset: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) layout: LayoutOption,

    /// Only this category; may be repeated [default: the only one, or each of a folder of models or of saved results]
    #[arg(long, value_name = "NAME")]
    pub(crate) category: Vec<String>,

    /// Weights of both models' network, if it is not the built-in one; repeated for an ensemble
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Vec<PathBuf>,

    /// Weights of A's network, where they are others than B's; repeated for an ensemble
    #[arg(long, value_name = "FILE", conflicts_with = "weights")]
    pub(crate) weights_a: Vec<PathBuf>,

    /// Weights of B's network, where they are others than A's; repeated for an ensemble
    #[arg(long, value_name = "FILE", conflicts_with = "weights")]
    pub(crate) weights_b: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) pictures: PictureOptions,
}

/// How a category is measured and shown.
#[derive(Group, Default)]
pub(crate) struct EvaluateOptions {
    /// Where maps meet masks, and which mask values count [default: reference for models that crop, else original]
    #[arg(long, value_enum)]
    pub(crate) pixel_rule: Option<Rule>,

    /// Which mask values are a defect, instead of the pixel rule's
    #[arg(long, value_enum, value_name = "RULE")]
    pub(crate) mask_rule: Option<MaskRuleName>,

    /// Bring maps and masks to this size, or height and width as in 192x256, instead of the pixel rule's, as programs do that
    /// measure there
    #[arg(long, value_name = "PIXELS", value_parser = sides)]
    pub(crate) metric_size: Option<[usize; 2]>,

    /// Largest false positive rate of one more AUPRO, beside 0.3 and 0.05; may be repeated
    #[arg(long, value_name = "RATE", value_parser = pro_limit)]
    pub(crate) pro_limit: Vec<f64>,

    /// How the scores of an ensemble's members become one
    #[arg(long, value_enum, default_value_t = FusionName::Calibrated)]
    pub(crate) fusion: FusionName,

    /// Show picture, mask and map, each map on its own scale, as the original does; good pictures look anomalous then
    #[arg(long)]
    pub(crate) autoscale: bool,
}

#[derive(Group)]
pub(crate) struct Run {
    /// Folder for PROJECT/GROUP with results.csv and scores.csv; a group that exists gets _0, _1 and so on
    #[arg(value_name = "RESULTS")]
    pub(crate) results: PathBuf,

    /// Data set: a folder in one of the layouts, or a manifest
    #[arg(long, value_name = "ROOT")]
    pub(crate) dataset: PathBuf,

    #[command(flatten)]
    pub(crate) layout: LayoutOption,

    /// Category of the data set; may be repeated [default: all]
    #[arg(long, value_name = "NAME", visible_alias = "subdatasets")]
    pub(crate) category: Vec<String>,

    /// Folder of the runs that belong together
    #[arg(
        long,
        value_name = "NAME",
        default_value = "project",
        alias = "log_project",
        alias = "log-project"
    )]
    pub(crate) project: String,

    /// Folder of this run
    #[arg(long, value_name = "NAME", default_value = "group", alias = "log_group", alias = "log-group")]
    pub(crate) group: String,

    /// Keep each category's model as models/NAME.patchcore
    #[arg(long, alias = "save_patchcore_model", alias = "save-patchcore-model")]
    pub(crate) save_models: bool,

    /// Keep a picture of every test picture
    #[arg(long, alias = "save_segmentation_images", alias = "save-segmentation-images")]
    pub(crate) save_pictures: bool,

    #[command(flatten)]
    pub(crate) options: EvaluateOptions,

    #[command(flatten)]
    pub(crate) pictures: PictureOptions,

    #[command(flatten)]
    pub(crate) model: ModelOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rule {
    /// At the original picture's size; every non-zero mask pixel is a defect (any)
    Original,
    /// At the network's input size; as in the published code (one)
    Reference,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MaskRuleName {
    /// All but zero; masks of classes or of 0 and 1 need it
    Any,
    /// Above one half of white
    Half,
    /// White alone: not the soft edge that resizing makes
    One,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(crate) enum FusionName {
    #[default]
    /// On the scale of good pictures, as in every prediction; a single member's scores stay raw
    Calibrated,
    /// The original: on the scale of this test set, for single members too
    Reference,
}

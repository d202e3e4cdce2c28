//! The words of the command line, as typed; `config.rs` turns them into what may run.

mod bench;
mod dataset;
mod evaluate;
mod fit;
mod model;
mod numbers;
mod pictures;
mod weights;

pub(crate) use bench::{Bench, BenchCalibration, BenchCoreset, BenchPart, BenchSearch};
pub(crate) use dataset::{DatasetPart, DatasetWords, Inspect as DatasetInspect, Manifest};
pub(crate) use evaluate::{Compare, Evaluate, EvaluateOptions, FusionName, MaskRuleName, Rule, Run};
pub(crate) use fit::{Calibrate, Fit, HeldOutOptions};
pub(crate) use model::{FeaturePrecisionName, ModelOptions, PrecisionName, SamplerName, ScoringName};
pub(crate) use pictures::PictureOptions;
pub(crate) use weights::{Weights, WeightsFetch, WeightsImport, WeightsPart};

use clap::{Args as Group, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use fit::RateOptions;
use numbers::{finite, side, sides, whole};
use std::ffi::OsString;
use std::path::PathBuf;

/// Finds defects in pictures of a product after looking at good ones (PatchCore, Roth et al. 2022).
#[derive(Parser)]
#[command(name = "patchcore", version, after_help = EXIT_CODES, max_term_width = 110)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Print JSON instead of text, on standard output; errors too, on standard error
    #[arg(long, global = true, display_order = LAST)]
    pub(crate) json: bool,

    /// Threads to use [default: one per core]; the results are the same for any number
    #[arg(long, global = true, value_name = "N", value_parser = whole(1usize..=1024), display_order = LAST)]
    pub(crate) threads: Option<usize>,

    /// Show no progress bars (they appear on a terminal only)
    #[arg(long, global = true, display_order = LAST)]
    pub(crate) quiet: bool,
}

/// Options of all commands stand after a command's own.
const LAST: usize = 900;

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 a picture is not ok (only with --exit-code); 2 usage; 3 picture or data set; 4 weights or model;
5 input/output; 6 limit; 7 done, but some pictures could not be judged; 70 a bug of ours.";

/// What the commands need to know about how to talk.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) json: bool,
    pub(crate) bars: bool,
    /// Notes about the work.
    pub(crate) notes: bool,
}

impl Args {
    /// All words that there are.
    fn words() -> clap::Command {
        numbers::with_signs(Self::command())
    }

    /// Reads a command line, the program's name first.
    pub(crate) fn read(
        line: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let mut words = Self::words();
        let matches = words.try_get_matches_from_mut(line)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut words))
    }

    pub(crate) fn shown(&self) -> Shown {
        let notes = !self.json && !self.quiet;
        let bars = notes && std::io::IsTerminal::is_terminal(&std::io::stderr());
        Shown { json: self.json, bars, notes }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Learn from good pictures and write a model file
    Fit(Box<Fit>),
    /// Take a model's thresholds anew, from good pictures that it was not fitted on
    Calibrate(Calibrate),
    /// Judge pictures with a model
    Predict(Predict),
    /// Measure models on labelled test pictures
    Evaluate(Evaluate),
    /// Say whether one model is better than another on the same labelled test pictures
    Compare(Compare),
    /// Fit and measure every category of a data set, as the original's training script does
    Run(Box<Run>),
    /// Show what a model file holds
    Inspect(Inspect),
    /// Look at a data set, or write down what its files are
    Dataset(DatasetWords),
    /// Make a model of one that the original or anomalib saved
    Import(Import),
    /// Write a model as another program saves it
    Export(Export),
    /// Measure time on this machine, or what a cheaper precision changes; needs no labels
    Bench(Bench),
    /// Make a small inspection data set, fit, evaluate, and show the results
    Demo(Demo),
    /// Fetch, import and check the weights of networks that are not built in
    Weights(Weights),
}

#[derive(Group)]
pub(crate) struct Predict {
    /// Model file
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,

    /// Pictures, folders or patterns such as 'line3/*.png'; - reads a list from standard input
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// Weights of the model's network, if it is not the built-in one; repeated for an ensemble
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Vec<PathBuf>,

    /// Folder for three files per picture: overlay PNG, heat map PNG, raw map as 32-bit float TIFF
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Write into a folder that is not empty
    #[arg(long)]
    pub(crate) force: bool,

    /// Form of the results on standard output [default: text, or jsonl with --json]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,

    /// Say where each picture is defective: regions with box, area, peak, outline, and the nearest normal patch (in JSON)
    #[arg(long)]
    pub(crate) regions: bool,

    /// File for the regions of all pictures as COCO annotations
    #[arg(long, value_name = "FILE")]
    pub(crate) coco: Option<PathBuf>,

    /// Map values at or above this belong to a region, instead of the model's pixel threshold
    #[arg(long, value_name = "SCORE", value_parser = finite)]
    pub(crate) pixel_threshold: Option<f32>,

    /// Pass over regions of fewer pixels
    #[arg(long, value_name = "PIXELS", value_parser = whole(0usize..=u32::MAX as usize), default_value_t = 1)]
    pub(crate) min_area: usize,

    /// Image scores at or above this are a defect, instead of the model's threshold
    #[arg(long, value_name = "SCORE", value_parser = finite)]
    pub(crate) threshold: Option<f32>,

    /// Image scores at or above this, and below the threshold, are for review, instead of the model's review threshold
    #[arg(long, value_name = "SCORE", value_parser = finite)]
    pub(crate) review_threshold: Option<f32>,

    /// Exit with 1 unless every picture is ok
    #[arg(long)]
    pub(crate) exit_code: bool,

    #[command(flatten)]
    pub(crate) pictures: PictureOptions,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line for people
    Text,
    /// A JSON object per line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
}

#[derive(Group)]
pub(crate) struct Inspect {
    /// Model file
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
}

#[derive(Group)]
pub(crate) struct Import {
    /// The original's folder of a category (.faiss and .pkl), or anomalib's .ckpt or .pt
    #[arg(value_name = "SAVED")]
    pub(crate) saved: PathBuf,

    /// Model file to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Replace the model file if it exists
    #[arg(long)]
    pub(crate) force: bool,

    /// Weights of the network; repeated for an ensemble. anomalib's file has its own
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Vec<PathBuf>,

    /// Shorter side before the crop, which the original does not save: 256 and 366 for its sizes 224 and 320
    #[arg(long, value_name = "PIXELS", value_parser = side)]
    pub(crate) resize: Option<usize>,

    /// Side of the crop, or height and width as in 192x256, where an anomalib file does not say it
    #[arg(long, value_name = "PIXELS", value_parser = sides, requires = "resize")]
    pub(crate) imagesize: Option<[usize; 2]>,

    /// Neighbours that a patch score averages over, instead of the file's number; the original's released program always
    /// takes 1
    #[arg(long, value_name = "K", value_parser = whole(1usize..=1024), visible_alias = "anomaly-scorer-num-nn")]
    pub(crate) anomaly_score_num_nn: Option<usize>,

    /// Folder with pictures of good parts that were not trained on, for thresholds; an ensemble judges single pictures only
    /// with them
    #[arg(long, value_name = "DIR")]
    pub(crate) good: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) rates: RateOptions,

    /// Write the weights in an anomalib file to a .safetensors file, for predict --weights
    #[arg(long, value_name = "FILE")]
    pub(crate) save_weights: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) pictures: PictureOptions,
}

#[derive(Group)]
pub(crate) struct Export {
    /// Model file
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,

    /// As which program saves it
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,

    /// Folder to write into
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,

    /// Replace the files if they exist
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The original: a .faiss and a .pkl file for each member
    Reference,
}

#[derive(Group)]
pub(crate) struct Demo {
    /// Folder to make
    #[arg(value_name = "DIR", default_value = "patchcore-demo")]
    pub(crate) folder: PathBuf,

    /// Another seed draws other pictures
    #[arg(long, value_name = "N", value_parser = whole(0u64..=u64::MAX), default_value_t = 0)]
    pub(crate) seed: u64,

    /// Good pictures of each product to learn from
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = whole(2u32..=10_000))]
    pub(crate) train: u32,
}

//! The words of the command line, as typed; `config.rs` turns them into what may run.

mod bench;
mod dataset;
mod model;

pub(crate) use bench::{Bench, BenchCalibration, BenchCoreset, BenchPart, BenchSearch};
pub(crate) use dataset::{DatasetPart, DatasetWords, Inspect as DatasetInspect, Manifest};
pub(crate) use model::{FeaturePrecisionName, ModelOptions, PrecisionName, SamplerName, ScoringName};

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use dataset::layouts;
use model::{bytes, finite, metric_size, outliers, pro_limit, sides};
use patchcore::{PatchCore, Rates};
use patchcore_backbone::FeatureExtractor;
use patchcore_image::Layout;
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
    #[arg(long, global = true, value_name = "N", display_order = LAST)]
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
    pub(crate) fn shown(&self) -> Shown {
        let notes = !self.json && !self.quiet;
        let bars = notes && std::io::IsTerminal::is_terminal(&std::io::stderr());
        Shown { json: self.json, bars, notes }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Learn from good pictures and write a model file
    Fit(Fit),
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
    pub(crate) model: ModelOptions,
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

/// What the thresholds of a fit promise, and from which scores they come.
#[derive(Group, Clone, Copy)]
pub(crate) struct HeldOutOptions {
    #[command(flatten)]
    rates: RateOptions,

    /// Take the thresholds from this many folds of the pictures, each judged by a memory bank of the others' patches:
    /// nearer to the rates asked for, at the price of as many coresets [default: each picture is judged by the bank
    /// without its own rows, which leaves holes and makes thresholds higher than need be]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..))]
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
    #[arg(long, value_name = "SHARE", default_value_t = patchcore::FALSE_ALARM_RATE, allow_negative_numbers = true)]
    false_alarm_rate: f64,

    /// Share of good pictures that may not be called ok: for review, or defective; as large as the false-alarm rate for no
    /// review [default: twice the false-alarm rate]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
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
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub(crate) pixel_threshold: Option<f32>,

    /// Pass over regions of fewer pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 1)]
    pub(crate) min_area: usize,

    /// Image scores at or above this are a defect, instead of the model's threshold
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub(crate) threshold: Option<f32>,

    /// Image scores at or above this, and below the threshold, are for review, instead of the model's review threshold
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub(crate) review_threshold: Option<f32>,

    /// Exit with 1 unless every picture is ok
    #[arg(long)]
    pub(crate) exit_code: bool,
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
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = finite)]
    pub(crate) threshold: Option<f32>,

    /// Map values at or above this are a defect, instead of the model's pixel threshold
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = finite)]
    pub(crate) pixel_threshold: Option<f32>,

    /// Folder for report.html, report.json, results.csv, scores.csv and an overlay of every test picture
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Write into a folder that is not empty
    #[arg(long)]
    pub(crate) force: bool,
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
    #[arg(long, value_name = "PIXELS", value_parser = metric_size)]
    pub(crate) metric_size: Option<[usize; 2]>,

    /// Largest false positive rate of one more AUPRO, beside 0.3 and 0.05; may be repeated
    #[arg(long, value_name = "RATE", value_parser = pro_limit, allow_negative_numbers = true)]
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
    #[arg(long, value_name = "PIXELS")]
    pub(crate) resize: Option<usize>,

    /// Side of the crop, or height and width as in 192x256, where an anomalib file does not say it
    #[arg(long, value_name = "PIXELS", value_parser = sides, requires = "resize")]
    pub(crate) imagesize: Option<[usize; 2]>,

    /// Neighbours that a patch score averages over, instead of the file's number; the original's released program always
    /// takes 1
    #[arg(long, value_name = "K", visible_alias = "anomaly-scorer-num-nn")]
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
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Good pictures of each product to learn from
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) train: u32,
}

#[derive(Group)]
#[command(disable_help_subcommand = true, after_help = WEIGHTS_NOTES)]
pub(crate) struct Weights {
    #[command(subcommand)]
    pub(crate) part: WeightsPart,

    #[arg(long, global = true, value_name = "DIR", help = CACHE)]
    pub(crate) cache: Option<PathBuf>,
}

const CACHE: &str =
    "Folder for weights [default: $PATCHCORE_WEIGHTS, else patchcore/weights in your folder for caches]";

const WEIGHTS_NOTES: &str = "\
Where no --weights is given, fit, predict, evaluate and bench take them from the folder that PATCHCORE_WEIGHTS names, or
the default one. Only fetch uses a network: HTTPS, through the proxy of the environment if it names one; SSL_CERT_FILE
names certificates to trust.";

#[derive(Subcommand)]
pub(crate) enum WeightsPart {
    /// Show which weights are known, under which licence, and which are there
    List,
    /// Bring weights into the folder, from their publisher or a mirror; what broke off is gone on with
    Fetch(WeightsFetch),
    /// Take a file that you downloaded into the folder, if it is the right one
    Import(WeightsImport),
    /// Read what is in the folder and compare it with its hashes
    Verify(WeightsName),
    /// Print the folder, or where the weights of a network are
    Path(WeightsName),
}

#[derive(Group)]
pub(crate) struct WeightsFetch {
    /// Networks, as `list` names them
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,

    /// Address below which the files lie under their names (http:// only if it says so), or a folder with them
    #[arg(long, value_name = "URL|DIR")]
    pub(crate) mirror: Option<PathBuf>,
}

#[derive(Group)]
pub(crate) struct WeightsImport {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Its network [default: that whose file name or hash it has]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Group)]
pub(crate) struct WeightsName {
    /// Only this network's
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

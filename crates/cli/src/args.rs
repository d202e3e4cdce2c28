//! The words of the command line, as typed; `config.rs` turns them into what may run.

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
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
Exit codes: 0 done; 1 a defect was found (only with --exit-code); 2 usage; 3 picture or data set; 4 weights or model;
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
    /// Judge pictures with a model
    Predict(Predict),
    /// Measure a model on labelled test pictures
    Evaluate(Evaluate),
    /// Show what a model file holds
    Inspect(Inspect),
    /// Measure time on this machine, or what a cheaper precision changes; needs no labels
    Bench(Bench),
    /// Make a small inspection data set, fit, evaluate, and show the results
    Demo(Demo),
}

#[derive(Group)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["good", "dataset"]))]
pub(crate) struct Fit {
    /// Folder with pictures of good parts
    #[arg(long, value_name = "DIR")]
    pub(crate) good: Option<PathBuf>,

    /// Data set in MVTec AD layout
    #[arg(long, value_name = "ROOT", requires = "category")]
    pub(crate) dataset: Option<PathBuf>,

    /// Category of the data set
    #[arg(long, value_name = "NAME", requires = "dataset")]
    pub(crate) category: Option<String>,

    /// Model file to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Replace the model file if it exists
    #[arg(long)]
    pub(crate) force: bool,

    /// Fit on the readable pictures if some are not; exit code 7, the others are named in the model
    #[arg(long)]
    pub(crate) skip_bad: bool,

    /// Refuse, before the long part begins, if the program is expected to hold more memory than this, such as 2GiB
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(crate) max_memory: Option<u64>,

    /// Share of good pictures that may be called defective
    #[arg(long, value_name = "SHARE", default_value_t = patchcore::FALSE_ALARM_RATE, allow_negative_numbers = true)]
    pub(crate) false_alarm_rate: f64,

    #[command(flatten)]
    pub(crate) model: ModelOptions,
}

/// The parameters of the original under their own names, and ours.
#[derive(Group, Clone, Default, PartialEq)]
pub(crate) struct ModelOptions {
    /// Configuration to start from; the options below change it
    #[arg(long, value_enum, default_value_t = Preset::Default, help_heading = "Model")]
    pub(crate) preset: Preset,

    /// Network [default: the built-in efficientnet_lite0; for reference presets wide_resnet50_2]
    #[arg(short, long, value_name = "NAME", alias = "backbone-names", help_heading = "Model")]
    pub(crate) backbone: Option<String>,

    /// Weights of the network: .safetensors, or .pth as torchvision has them
    #[arg(long, value_name = "FILE", help_heading = "Model")]
    pub(crate) weights: Option<PathBuf>,

    /// In which numbers the backbone computes; judging follows the model
    #[arg(long, value_enum, default_value_t = PrecisionName::F32, help_heading = "Model")]
    pub(crate) precision: PrecisionName,

    /// In which numbers fit keeps the embeddings of all training patches
    #[arg(long, value_enum, default_value_t = FeaturePrecisionName::F32, help_heading = "Model")]
    pub(crate) feature_precision: FeaturePrecisionName,

    /// Layers to tap, the one with the finest grid first [default: the two at strides 8 and 16]
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        visible_alias = "layers-to-extract-from",
        help_heading = "Model"
    )]
    pub(crate) layers: Vec<String>,

    /// Values per layer and patch; with either dimension, layers are pooled as in the original [reference: 1024]
    #[arg(long, value_name = "D", help_heading = "Model")]
    pub(crate) pretrain_embed_dimension: Option<usize>,

    /// Values per embedding [reference: 1024]
    #[arg(long, value_name = "T", help_heading = "Model")]
    pub(crate) target_embed_dimension: Option<usize>,

    /// Side of a patch, in positions of the feature map [default: 3]
    #[arg(long, value_name = "P", help_heading = "Model")]
    pub(crate) patchsize: Option<usize>,

    /// Neighbours that a patch score averages over [default: 1]
    #[arg(long, value_name = "K", visible_alias = "anomaly-scorer-num-nn", help_heading = "Model")]
    pub(crate) anomaly_score_num_nn: Option<usize>,

    /// How distances become scores [default: blurred; for reference presets: reference]
    #[arg(long, value_enum, help_heading = "Model")]
    pub(crate) scoring: Option<ScoringName>,

    /// Bank rows around the match that weigh the image score, the match included [default: 9]
    #[arg(
        long,
        value_name = "B",
        visible_alias = "num-neighbors",
        requires = "scoring",
        help_heading = "Model"
    )]
    pub(crate) support: Option<usize>,

    /// How the memory bank is chosen [default: greedy; for reference presets: reference]
    #[arg(long, value_enum, help_heading = "Model")]
    pub(crate) sampler: Option<SamplerName>,

    /// Share of the patches that the bank keeps [default: 0.01, at least 2000 rows; reference-224: 0.1]
    #[arg(
        short,
        long,
        value_name = "SHARE",
        conflicts_with_all = ["bank_rows", "bank_size"],
        allow_negative_numbers = true,
        help_heading = "Model"
    )]
    pub(crate) percentage: Option<f64>,

    /// Rows that the bank keeps, instead of a share
    #[arg(long, value_name = "N", help_heading = "Model")]
    pub(crate) bank_rows: Option<usize>,

    /// Bytes that the bank may take in the model file, such as 500kB, 2MiB; instead of a share
    #[arg(long, value_name = "BYTES", value_parser = bytes, conflicts_with = "bank_rows", help_heading = "Model")]
    pub(crate) bank_size: Option<u64>,

    /// Shorter side before a centre crop; without it, and without a reference preset, the whole picture is used
    #[arg(long, value_name = "PIXELS", help_heading = "Model")]
    pub(crate) resize: Option<usize>,

    /// Side of the crop; for whole pictures, side of the square of equal area [default: 224]
    #[arg(long, value_name = "PIXELS", help_heading = "Model")]
    pub(crate) imagesize: Option<usize>,

    /// Seed of the samplers that draw numbers
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Model")]
    pub(crate) seed: u32,
}

/// A number of bytes with or without a unit: powers of 1000, or of 1024 with an `i`.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let unit = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        unit => return Err(format!("unknown unit {unit}; known: B, kB, KiB, MB, MiB, GB, GiB")),
    };
    let number: f64 = digits.parse().map_err(|_| "must be a number of bytes, such as 2MiB".to_string())?;
    let bytes = number * f64::from(unit);
    // Below it, whole numbers are exact.
    let sound = bytes >= 1.0 && bytes < (1u64 << 53) as f64;
    sound
        .then_some(bytes as u64)
        .ok_or_else(|| "must be at least one byte, and no astronomical number".to_string())
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(crate) enum Preset {
    /// Whole picture, layers concatenated, exact greedy, score from the blurred patch map
    #[default]
    Default,
    /// The original: resize 256, crop 224, 1024 values, ratio 0.1, approximate greedy
    #[value(name = "reference-224")]
    Reference224,
    /// The original: resize 366, crop 320, 1024 values, ratio 0.01, approximate greedy
    #[value(name = "reference-320")]
    Reference320,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(crate) enum PrecisionName {
    /// As exact as other engines
    #[default]
    F32,
    /// Fewer multiplications, about three times the rounding error
    Fast,
    /// Half the memory and 8 bits of precision, only on processors that multiply bf16
    Bf16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(crate) enum FeaturePrecisionName {
    /// As they were computed
    #[default]
    F32,
    /// Half the memory and 11 bits of precision
    F16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScoringName {
    /// Image score from the blurred patch scores, distances as they are
    Blurred,
    /// The original: squared distances, the image score is the largest
    Reference,
    /// Equation 7 of the paper: the largest distance, weighed by how lonely its match is
    Paper,
    /// anomalib: as paper, and the largest distance as it is with --support 1
    Anomalib,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SamplerName {
    /// Exact greedy k-center at full width
    Greedy,
    /// The original's approximate greedy
    #[value(alias = "approx_greedy_coreset")]
    Reference,
    /// The original's exact greedy on the projection
    #[value(alias = "greedy_coreset")]
    ReferenceGreedy,
    /// anomalib's greedy: sparse random projection, random first patch
    Anomalib,
    /// A random subset
    Random,
    /// Every patch
    Identity,
}

#[derive(Group)]
pub(crate) struct Predict {
    /// Model file
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,

    /// Pictures, folders or patterns such as 'line3/*.png'; - reads a list from standard input
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// Weights of the model's network, if it is not the built-in one
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,

    /// Folder for three files per picture: overlay PNG, heat map PNG, raw map as 32-bit float TIFF
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Write into a folder that is not empty
    #[arg(long)]
    pub(crate) force: bool,

    /// Form of the results on standard output [default: text, or jsonl with --json]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,

    /// Image scores at or above this are a defect, instead of the model's threshold
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    pub(crate) threshold: Option<f32>,

    /// Exit with 1 if a defect was found
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
    /// Model file, or a folder with one NAME.patchcore per category
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,

    /// Data set in MVTec AD layout
    #[arg(long, value_name = "ROOT")]
    pub(crate) dataset: PathBuf,

    /// Category of the data set; may be repeated [default for a folder of models: each model's]
    #[arg(long, value_name = "NAME")]
    pub(crate) category: Vec<String>,

    /// Weights of the models' network, if it is not the built-in one
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,

    /// How maps meet masks [default: reference for models that crop, else original]
    #[arg(long, value_enum)]
    pub(crate) pixel_rule: Option<Rule>,

    /// Folder for results.csv, scores.csv and an overlay of every test picture
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Write into a folder that is not empty
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rule {
    /// At the original picture's size; every non-zero mask pixel is a defect
    Original,
    /// At the network's input size; as in the published code
    Reference,
}

#[derive(Group)]
pub(crate) struct Inspect {
    /// Model file
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
}

#[derive(Group)]
#[command(override_usage = BENCH_USAGE, after_help = BENCH_NOTES)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true
)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(crate) part: Option<BenchPart>,

    /// Model file, then pictures, folders or patterns; with --compare pictures only
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// Rounds over all pictures, after one to warm up that does not count
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(1..=1000),
        conflicts_with = "compare"
    )]
    pub(crate) rounds: u32,

    /// Fit twice on the good pictures, as the options below say and in this precision, and show what it changes
    #[arg(long, value_enum, value_name = "PRECISION", requires = "good")]
    pub(crate) compare: Option<PrecisionName>,

    /// Folder with pictures of good parts to fit on
    #[arg(long, value_name = "DIR", requires = "compare")]
    pub(crate) good: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) model: ModelOptions,
}

const BENCH_USAGE: &str = "patchcore bench [--rounds <N>] [--weights <FILE>] <MODEL> <PATH>...
       patchcore bench --compare <PRECISION> --good <DIR> [MODEL OPTIONS] <PATH>...
       patchcore bench coreset [OPTIONS] --good <DIR> [MODEL OPTIONS]";

const BENCH_NOTES: &str = "\
The first form judges the pictures one at a time and shows where the time goes. Its model says how it was fitted, so of
the model options only --weights may stand there. `predict` reads pictures while it judges others and takes less time.";

#[derive(Subcommand)]
pub(crate) enum BenchPart {
    /// Time and memory of choosing the memory bank alone, and a proof that it is the right one
    Coreset(Box<BenchCoreset>),
    /// Time of finding nearest rows in a model's memory bank, and a proof that they are the nearest
    Search(Box<BenchSearch>),
}

#[derive(Group)]
pub(crate) struct BenchSearch {
    /// Model file
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,

    /// Pictures whose patches are looked up: files, folders or patterns
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// Weights of the model's network, if it is not the built-in one
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,

    /// Neighbours of each patch [default: the model's]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) neighbours: Option<u32>,

    /// Look all patches up N times and tell the median time of a picture
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,

    /// Prove that rows and distances are those of comparing with every row
    #[arg(long)]
    pub(crate) verify: bool,

    /// Write bank, queries, rows found and squared distances to a safetensors file, for other programs
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
}

#[derive(Group)]
pub(crate) struct BenchCoreset {
    /// Folder with pictures of good parts
    #[arg(long, value_name = "DIR")]
    pub(crate) good: PathBuf,

    /// Choose from the first N patches only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) patches: Option<u64>,

    /// Choose N times and tell the median time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rounds: u32,

    /// Prove that the picks of the greedy sampler are those of the plain loop: every patch meets every pick
    #[arg(long)]
    pub(crate) verify: bool,

    /// Write patches and picks to a safetensors file, for other programs to choose from the same
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) model: ModelOptions,
}

#[derive(Group)]
pub(crate) struct Demo {
    /// Folder to make
    #[arg(value_name = "DIR", default_value = "patchcore-demo")]
    pub(crate) folder: PathBuf,

    /// Another seed draws other pictures
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn units_of_bytes() {
        let read = |text| bytes(text).ok();
        assert_eq!(read("2MiB"), Some(2 << 20));
        assert_eq!([read("500kB"), read("500 KB"), read("500k")], [Some(500_000); 3]);
        assert_eq!([read("1.5GiB"), read("7"), read("3g")], [Some(3 << 29), Some(7), Some(3_000_000_000)]);
        for bad in ["", "MiB", "2 miles", "-3MB", "0", "0.2", "nan", "inf", "1e300", "1e17"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}

//! The words of `patchcore bench`.

use super::HeldOutOptions;
use super::model::{ModelOptions, PrecisionName};
use super::numbers::whole;
use clap::{Args as Group, Subcommand};
use std::path::PathBuf;

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
        value_parser = whole(1u32..=1000),
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
       patchcore bench coreset [OPTIONS] --good <DIR> [MODEL OPTIONS]
       patchcore bench calibration [OPTIONS] --good <DIR> [MODEL OPTIONS]
       patchcore bench search [OPTIONS] <MODEL> <PATH>...";

const BENCH_NOTES: &str = "\
The first form judges the pictures one at a time and shows where the time goes. Its model says how it was fitted, so of
the model options only --weights may stand there. `predict` reads pictures while it judges others and takes less time.";

#[derive(Subcommand)]
pub(crate) enum BenchPart {
    /// Time and memory of choosing the memory bank alone, and a proof that it is the right one
    Coreset(Box<BenchCoreset>),
    /// Whether the rates that the thresholds promise hold on good pictures that a model has not seen, over repeated draws
    Calibration(Box<BenchCalibration>),
    /// Time of finding nearest rows in a model's memory bank, and a proof that they are the nearest
    Search(Box<BenchSearch>),
}

#[derive(Group)]
pub(crate) struct BenchCalibration {
    /// Folder with pictures of good parts
    #[arg(long, value_name = "DIR")]
    pub(crate) good: PathBuf,

    /// Draws, each with a model of its own
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole(2u32..=10_000))]
    pub(crate) rounds: u32,

    /// Pictures of each draw to fit on; the others are counted on [default: half of them]
    #[arg(long, value_name = "N", value_parser = whole(1u32..=u32::MAX))]
    pub(crate) fit_on: Option<u32>,

    #[command(flatten)]
    pub(crate) held_out: HeldOutOptions,

    #[command(flatten)]
    pub(crate) model: ModelOptions,
}

#[derive(Group)]
pub(crate) struct BenchSearch {
    /// Model file
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,

    /// Pictures whose patches are looked up: files, folders or patterns
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// Weights of the model's network, if it is not the built-in one; repeated for an ensemble
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Vec<PathBuf>,

    /// Which memory bank of an ensemble, counted from 1
    #[arg(long, value_name = "I", default_value_t = 1, value_parser = whole(1u32..=u32::MAX))]
    pub(crate) member: u32,

    /// Neighbours of each patch [default: the model's]
    #[arg(long, value_name = "K", value_parser = whole(1u32..=1024))]
    pub(crate) neighbours: Option<u32>,

    /// Look all patches up N times and tell the median time of a picture
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = whole(1u32..=1000))]
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
    #[arg(long, value_name = "N", value_parser = whole(1u64..=u64::MAX))]
    pub(crate) patches: Option<u64>,

    /// Choose N times and tell the median time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole(1u32..=1000))]
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

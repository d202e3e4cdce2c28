//! The words of `weights`.

use clap::{Args as Group, Subcommand};
use std::path::PathBuf;

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

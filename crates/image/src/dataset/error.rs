//! What can be wrong with a data set.

use super::EXTENSIONS;
use crate::error::{ErrorKind, io_kind};
use patchcore_files::shown;
use std::path::PathBuf;

/// How many of many names a message lists.
const LISTED: usize = 5;

/// Why a data set cannot be read; prints as `PATH: reason`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The folder is not there.
    #[error("{}: no such folder", shown(path))]
    NoFolder {
        /// Where it should be.
        path: PathBuf,
    },
    /// The root has no category of that name.
    #[error("{}: no category {name:?}; there are {}", shown(root), few(found.iter().map(|n| format!("{n:?}"))))]
    NoCategory {
        /// The data set's root.
        root: PathBuf,
        /// The name asked for.
        name: String,
        /// The categories that exist, sorted.
        found: Vec<String>,
    },
    /// A category without the folder of normal training pictures.
    #[error("{}: no folder train/good in it", shown(category))]
    NoTrainGood {
        /// The category's folder.
        category: PathBuf,
    },
    /// A folder without pictures.
    #[error("{}: no pictures; looked for {}{}", shown(path), looked_for(), left_out(*skipped))]
    NoPictures {
        /// The folder.
        path: PathBuf,
        /// Entries left out: links that lead elsewhere, pipes, devices.
        skipped: usize,
    },
    /// A link that a data set must not contain.
    #[error(
        "{}: a link that is broken, leads out of the data set or to a folder; such links are not followed",
        shown(path)
    )]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Pictures and masks do not belong together one to one.
    #[error("{}: {} cannot be paired: {}", shown(category), files(faults.len()), few(faults))]
    Unpaired {
        /// The category's folder.
        category: PathBuf,
        /// Every file in question.
        faults: Vec<PairFault>,
    },
    /// The operating system refused.
    #[error("{}: {fault}", shown(path))]
    Io {
        /// The folder.
        path: PathBuf,
        /// The refusal.
        fault: std::io::Error,
    },
}

/// A picture or mask that has no partner, or too many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairFault {
    /// A picture of a defect whose type has masks, but none for it.
    #[error("picture {} has no mask", shown(_0))]
    PictureWithoutMask(PathBuf),
    /// A mask that no picture has the name for.
    #[error("mask {} has no picture", shown(_0))]
    MaskWithoutPicture(PathBuf),
    /// A second mask for one picture.
    #[error("mask {} is the second for its picture", shown(_0))]
    SecondMask(PathBuf),
    /// A picture whose name differs from another's in the extension only.
    #[error("picture {} shares its name with another", shown(_0))]
    SecondPicture(PathBuf),
}

impl DatasetError {
    /// Whose fault it is: [`ErrorKind::Io`] or [`ErrorKind::Input`].
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { fault, .. } => io_kind(fault),
            _ => ErrorKind::Input,
        }
    }
}

/// The first few, then how many more.
fn few<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    let mut rest = all.into_iter();
    let mut names: Vec<String> = rest.by_ref().take(LISTED).map(|item| item.to_string()).collect();
    match rest.count() {
        0 if names.is_empty() => "none".into(),
        0 => names.join(", "),
        more => {
            names.push(format!("and {more} more"));
            names.join(", ")
        }
    }
}

fn files(count: usize) -> String {
    if count == 1 { "1 file".into() } else { format!("{count} files") }
}

fn looked_for() -> String {
    EXTENSIONS.map(|extension| format!("*.{extension}")).join(", ")
}

fn left_out(skipped: usize) -> String {
    match skipped {
        0 => String::new(),
        n => format!(" (left out {n}: links that lead elsewhere, pipes, devices)"),
    }
}

//! What can be wrong with a data set.

use super::{EXTENSIONS, Problem};
use crate::error::{ErrorKind, file_kind, io_kind};
use patchcore_files::{FileError, shown};
use std::path::{Path, PathBuf};

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
    /// A folder without pictures.
    #[error("{}: no pictures; looked for {}{}", shown(path), looked_for(), left_out(*skipped))]
    NoPictures {
        /// The folder.
        path: PathBuf,
        /// Entries left out: links that lead elsewhere, pipes, devices.
        skipped: usize,
    },
    /// Folders in folders, until the system takes no path of that length.
    #[error("{}: folders nested too deep: the system takes no path of that length", beginning(path))]
    TooDeep {
        /// The first folder that cannot be opened.
        path: PathBuf,
    },
    /// Single files of a category are wrong.
    #[error("{}: {}: {}", shown(category), problems(faults.len()), few(faults))]
    Faulty {
        /// The category's folder, or the list that names its files.
        category: PathBuf,
        /// All of them.
        faults: Vec<Problem>,
    },
    /// The root fits no layout.
    #[error("{}: no known layout of a data set; looked for {}", shown(root), looked_for.join("; "))]
    NoLayout {
        /// The data set's root.
        root: PathBuf,
        /// Each layout with what it must hold.
        looked_for: Vec<String>,
    },
    /// The root fits several layouts.
    #[error("{}: fits the layouts {}; name the one that is meant", shown(root), layouts.join(" and "))]
    Ambiguous {
        /// The data set's root.
        root: PathBuf,
        /// Their names.
        layouts: Vec<&'static str>,
    },
    /// Two folders of which only one can be meant.
    #[error("{} and {}: only one of them may be there", shown(first), shown(second))]
    Several {
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A list of files cannot be used.
    #[error("{}: line {line}: {reason}", shown(path))]
    List {
        /// The list.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that a manifest cannot hold.
    #[error("{name}: cannot stand in a manifest: {reason}")]
    Unwritable {
        /// The name, printable.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A list of files cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system refused.
    #[error("{}: {fault}", shown(path))]
    Io {
        /// The folder.
        path: PathBuf,
        /// The refusal.
        fault: std::io::Error,
    },
}

impl DatasetError {
    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { fault, .. } => io_kind(fault),
            Self::File(error) => file_kind(error),
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

/// The first characters of a path that fills a screen.
fn beginning(path: &Path) -> String {
    const SHOWN: usize = 120;
    let text = shown(path);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn problems(count: usize) -> String {
    if count == 1 { "1 problem".into() } else { format!("{count} problems") }
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

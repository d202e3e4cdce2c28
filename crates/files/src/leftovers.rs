//! What processes left behind that were killed.

use crate::storage::{Hold, hold};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How the name begins of every file that is not to stay.
const PREFIX: &str = ".partial-";
/// How the name of a claim ends.
const CLAIM: &str = ".lock";
/// Hexadecimal digits in the name of a temporary file.
const DIGITS: usize = 16;
/// So many characters of a name fit into a longer one, whatever they are.
const MOST_OF_NAME: usize = 50;

/// Folders that were looked through.
static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A name for a temporary file that nobody can foretell.
pub(crate) fn temporary_name() -> String {
    let number = RandomState::new().hash_one(std::process::id());
    format!("{PREFIX}{number:0DIGITS$x}")
}

/// The name of the file that marks the claim to `name`.
pub(crate) fn claim_name(name: &OsStr) -> String {
    let name: String = name.to_string_lossy().chars().take(MOST_OF_NAME).collect();
    format!("{PREFIX}{name}{CLAIM}")
}

/// Whether a file of this name is there for a short time only, while another is written or claimed.
///
/// ```
/// # use patchcore_files::is_temporary;
/// assert!(is_temporary(".partial-00c0ffee00c0ffee".as_ref()));
/// assert!(is_temporary(".partial-part.patchcore.lock".as_ref()));
/// assert!(!is_temporary(".partial-notes.txt".as_ref()));
/// ```
pub fn is_temporary(name: &OsStr) -> bool {
    let Some(rest) = name.as_encoded_bytes().strip_prefix(PREFIX.as_bytes()) else { return false };
    rest.ends_with(CLAIM.as_bytes()) || rest.len() == DIGITS && rest.iter().all(u8::is_ascii_hexdigit)
}

/// Removes the temporary files of dead processes from `folder`, the first time that this process asks. What cannot be
/// looked at, or not be removed, stays: it takes up room and does no harm.
pub(crate) fn sweep(folder: &Path) {
    let mut swept = SWEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if swept.contains(folder) {
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    swept.insert(folder.to_path_buf());
    for entry in entries.flatten().filter(|entry| is_temporary(&entry.file_name())) {
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            remove_if_dead(&entry.path());
        }
    }
}

/// A living process holds the lock of its file. Only whoever holds the lock takes a file away, so that two that come at
/// once do not take each other's.
fn remove_if_dead(path: &Path) {
    // Some file systems lock only what is open for writing.
    let Ok(file) = File::options().write(true).open(path) else { return };
    if matches!(hold(&file, path), Hold::Ours) {
        let _ = fs::remove_file(path);
    }
}

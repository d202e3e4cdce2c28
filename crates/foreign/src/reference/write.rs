//! Writes a saved model, so that the original loads it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use patchcore_files::{FileError, write_atomic};

use super::folder::{self, Pair};
use super::{Protocol, SavedMember, index, pickler};
use crate::ForeignError;

/// How a saved model is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Writing {
    /// The pickle protocol of the parameters.
    pub protocol: Protocol,
    /// Whether files of the same names are replaced.
    pub force: bool,
}

/// Writes the pair of files of every member into the folder `dir`, which must exist: byte for byte what the original writes
/// for these values.
///
/// Everything is checked before the first file is written, and each file is written whole or not at all. The indexes come
/// last, because they decide what the folder holds: a new folder whose writing broke off is refused by
/// [`read_reference`](super::read_reference) and by the original. If a file cannot be written, those that did not exist
/// before are taken away again; what was replaced by force stays replaced.
///
/// # Errors
///
/// [`ForeignError::Members`] if there is no member, if members contradict each other, or if the folder holds files of
/// another model, which are never removed; [`FileError::Exists`] for files of the same names, unless forced; else what is
/// wrong with a value, or with the disk.
pub fn write_reference(dir: &Path, members: &[SavedMember], writing: Writing) -> Result<(), ForeignError> {
    let Some(first) = members.first() else {
        return Err(ForeignError::members(dir, "a model without members is not written"));
    };
    let pairs = folder::pairs(dir, members.len());
    let existing = existing(dir, &pairs, writing.force)?;
    let mut params = Vec::new();
    for (pair, member) in pairs.iter().zip(members) {
        super::check(pair, member, Some(first))?;
        index::check(&pair.index, &member.vectors)?;
        params.push(pickler::bytes(&pair.params, &member.params, writing.protocol)?);
    }
    let mut written = Vec::new();
    let mut write = |path: &Path, bytes: &[u8]| {
        // Also where only its folder could not be flushed is the file there.
        written.push(path.to_path_buf());
        let done = write_atomic(path, bytes, writing.force);
        if done.is_err() {
            take_back(&written, &existing);
        }
        done
    };
    for (pair, bytes) in pairs.iter().zip(&params) {
        write(&pair.params, bytes)?;
    }
    for (pair, member) in pairs.iter().zip(members) {
        write(&pair.index, &index::bytes(&member.vectors))?;
    }
    Ok(())
}

/// The model files that `dir` holds: none without `force`, only those of the same names with it.
fn existing(dir: &Path, pairs: &[Pair], force: bool) -> Result<BTreeSet<PathBuf>, ForeignError> {
    let found = folder::model_files(dir)?;
    let own: BTreeSet<&PathBuf> = pairs.iter().flat_map(|pair| [&pair.index, &pair.params]).collect();
    if let Some(other) = found.iter().find(|path| !own.contains(path)) {
        let problem =
            "belongs to another saved model: a folder holds one, remove it or choose another folder";
        return Err(ForeignError::members(other, problem));
    }
    match found.first() {
        Some(path) if !force => Err(FileError::Exists { path: path.clone() }.into()),
        _ => Ok(found),
    }
}

fn take_back(written: &[PathBuf], existing: &BTreeSet<PathBuf>) {
    for path in written.iter().filter(|path| !existing.contains(*path)) {
        // The error that led here says more than one about this would.
        let _ = std::fs::remove_file(path);
    }
}

//! Files and folders that are to be written, looked at before hours of work: can they be, and may they be.

use crate::exit::{Code, Failure};
use patchcore_files::{Claim, check_folder as try_folder, is_temporary, shown};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// Claims an output file: its folder is there and takes files, and no other process is about to write it.
pub(crate) fn claim_file(path: &Path) -> Result<Claim, Failure> {
    let refuse = |why: &str| Failure::new(Code::Io, format!("{}: {why}", shown(path)));
    if path.is_dir() {
        return Err(refuse("is a folder"));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(refuse(&format!("there is no folder {}", shown(folder))));
    }
    Ok(Claim::of(path)?)
}

/// Refuses a claimed file that is one of the inputs, whatever `force` says, and one that exists, unless `force`.
pub(crate) fn may_write(claim: &Claim, force: bool, sources: &Sources) -> Result<(), Failure> {
    sources.spare(claim.path())?;
    Ok(claim.check_new(force)?)
}

/// The files and folders that a command reads: no output may take the place of one.
#[derive(Default)]
pub(crate) struct Sources {
    paths: BTreeSet<PathBuf>,
}

impl Sources {
    pub(crate) fn of(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Self::default().and(paths)
    }

    pub(crate) fn and(mut self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        self.paths.extend(paths.into_iter().filter_map(|path| path.as_ref().canonicalize().ok()));
        self
    }

    /// Refuses an output that is one of them.
    pub(crate) fn spare(&self, output: &Path) -> Result<(), Failure> {
        match output.canonicalize() {
            Ok(output_path) if self.paths.contains(&output_path) => {
                Err(Failure::usage(format!("{}: is one of the inputs", shown(output))))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses an output folder that cannot be made or takes no files, or that holds something, unless `force`. Makes nothing.
pub(crate) fn check_folder(path: &Path, force: bool) -> Result<(), Failure> {
    // An empty path is the folder where the program runs.
    let existing = path.ancestors().find(|p| p.exists()).unwrap_or(Path::new("."));
    if !existing.is_dir() {
        return Err(Failure::new(Code::Io, format!("{}: is no folder", shown(existing))));
    }
    try_folder(existing)?;
    if existing == path && !force && !is_empty(path)? {
        return Err(
            Failure::new(Code::Io, format!("{}: is not empty", shown(path))).hint("--force writes into it")
        );
    }
    Ok(())
}

/// Whether a folder holds nothing that is to stay.
fn is_empty(folder: &Path) -> Result<bool, Failure> {
    let mut entries = std::fs::read_dir(folder).map_err(|e| io_failure(folder, &e))?;
    Ok(entries.all(|entry| entry.is_ok_and(|entry| is_temporary(&entry.file_name()))))
}

/// Makes the folder; one that takes no files is refused, and one that holds something, unless `force`.
pub(crate) fn claim_folder(path: &Path, force: bool) -> Result<(), Failure> {
    check_folder(path, force)?;
    make_folder(path)
}

/// Makes a new folder of this name in `parent`: where it exists already, the first of `NAME_0`, `NAME_1`, ... that does not.
pub(crate) fn new_folder(parent: &Path, name: &str) -> Result<PathBuf, Failure> {
    make_folder(parent)?;
    let numbered = (0..).map(|i| format!("{name}_{i}"));
    for name in std::iter::once(name.to_string()).chain(numbered) {
        let path = parent.join(name);
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(io_failure(&path, &e)),
        }
    }
    Err(Failure::new(Code::Io, format!("{}: no name is left", shown(parent))))
}

/// Makes a folder and those above it, where they are missing.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|e| io_failure(path, &e))
}

fn io_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::Io, format!("{}: {error}", shown(path)))
}

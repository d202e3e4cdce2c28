//! Which pictures the paths of a command line mean.

use crate::exit::{Code, Failure};
use patchcore_files::shown;
use patchcore_image::list_pictures;
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// The pictures, in the order of the command line, and what was left out on the way.
pub(crate) struct Inputs {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) warnings: Vec<String>,
}

/// Expands files, folders, patterns, and `-` for a list on standard input. What a folder holds below `results` is left
/// out: those are pictures that we made.
pub(crate) fn expand(paths: &[PathBuf], results: Option<&Path>) -> Result<Inputs, Failure> {
    let mut inputs = Inputs { files: Vec::new(), warnings: Vec::new() };
    let results = results.and_then(|folder| folder.canonicalize().ok());
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.list(std::io::stdin().lock())?;
        } else if path.is_dir() {
            inputs.folder(path, results.as_deref())?;
        } else if path.exists() || !is_pattern(path) {
            inputs.files.push(path.clone());
        } else {
            inputs.pattern(path, results.as_deref())?;
        }
    }
    if inputs.files.is_empty() {
        return Err(Failure::new(Code::Input, "no pictures to judge"));
    }
    Ok(inputs)
}

impl Inputs {
    /// One path per line; empty lines do not count.
    fn list(&mut self, lines: impl BufRead) -> Result<(), Failure> {
        for line in lines.split(b'\n') {
            let mut line = line.map_err(|e| Failure::new(Code::Io, format!("standard input: {e}")))?;
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if !line.is_empty() {
                self.files.push(path_of(line)?);
            }
        }
        Ok(())
    }

    /// Adds the pictures below a folder.
    fn folder(&mut self, path: &Path, results: Option<&Path>) -> Result<(), Failure> {
        let listing = list_pictures(path)?;
        let ours = |file: &Path| {
            results.is_some_and(|folder| file.canonicalize().is_ok_and(|file| file.starts_with(folder)))
        };
        self.files.extend(listing.pictures.into_iter().filter(|file| !ours(file)));
        self.warnings.extend(listing.skipped.iter().map(ToString::to_string));
        Ok(())
    }

    fn pattern(&mut self, path: &Path, results: Option<&Path>) -> Result<(), Failure> {
        let text = path.to_string_lossy();
        let matches = glob::glob(&text)
            .map_err(|e| Failure::usage(format!("{}: not a usable pattern: {e}", shown(path))))?;
        let before = self.files.len();
        for found in matches {
            let found = found.map_err(|e| Failure::new(Code::Io, e.to_string()))?;
            if found.is_dir() {
                self.folder(&found, results)?;
            } else {
                self.files.push(found);
            }
        }
        if self.files.len() == before {
            return Err(Failure::new(Code::Input, format!("{}: nothing matches", shown(path))));
        }
        Ok(())
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere not every line is a path")]
fn path_of(line: Vec<u8>) -> Result<PathBuf, Failure> {
    use std::os::unix::ffi::OsStringExt;
    Ok(std::ffi::OsString::from_vec(line).into())
}

#[cfg(not(unix))]
fn path_of(line: Vec<u8>) -> Result<PathBuf, Failure> {
    let text = String::from_utf8(line);
    text.map(PathBuf::from).map_err(|e| Failure::new(Code::Input, format!("standard input: {e}")))
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

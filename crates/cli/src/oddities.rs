//! What is odd about pictures that can be read: told beside each of them, and once on standard error.

use crate::output;
use patchcore::{Extent, Files, Pictures};
use patchcore_files::shown;
use patchcore_image::{ImageError, Intensity, Misnamed, Picture};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Counts what is odd, and remembers the first picture of each kind.
#[derive(Default)]
pub(crate) struct Oddities {
    kinds: BTreeMap<&'static str, Kind>,
    all: Vec<(String, String)>,
}

struct Kind {
    first: String,
    count: usize,
}

impl Oddities {
    /// What is odd about a picture, if something is: its name, and what sets it apart from the training pictures.
    pub(crate) fn see(&mut self, path: &Path, picture: &Picture, trained: Option<&Extent>) -> Option<String> {
        let name = picture.misnamed().map(|misnamed| misnamed.to_string());
        let unlike = trained.and_then(|trained| trained.difference(picture));
        let found = [("name", name), ("unlike", unlike)];
        let found: Vec<_> = found.into_iter().filter_map(|(kind, text)| Some((kind, text?))).collect();
        self.add(path, &found)
    }

    fn add(&mut self, path: &Path, found: &[(&'static str, String)]) -> Option<String> {
        for (kind, text) in found {
            let first = || Kind { first: format!("{}: {text}", shown(path)), count: 0 };
            self.kinds.entry(kind).or_insert_with(first).count += 1;
        }
        let texts: Vec<&str> = found.iter().map(|(_, text)| &**text).collect();
        let warning = (!texts.is_empty()).then(|| texts.join("; "))?;
        self.all.push((path.to_string_lossy().into_owned(), warning.clone()));
        Some(warning)
    }

    /// A warning for each kind.
    pub(crate) fn tell(&self) {
        for Kind { first, count } in self.kinds.values() {
            let more = match count - 1 {
                0 => String::new(),
                1 => " (and another picture)".into(),
                more => format!(" (and {more} other pictures)"),
            };
            output::warn(&format!("{first}{more}"));
        }
    }

    /// Every odd picture with what is odd about it.
    pub(crate) fn json(&self) -> Value {
        self.all.iter().map(|(picture, warning)| json!({ "picture": picture, "warning": warning })).collect()
    }
}

/// Picture files that are watched while they are read.
pub(crate) struct Watched<'a> {
    files: &'a Files,
    misnamed: Mutex<BTreeMap<usize, Misnamed>>,
}

impl<'a> Watched<'a> {
    pub(crate) fn new(files: &'a Files) -> Self {
        Self { files, misnamed: Mutex::default() }
    }

    /// What was odd about those that were read.
    pub(crate) fn oddities(self) -> Oddities {
        let mut oddities = Oddities::default();
        let misnamed = self.misnamed.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (i, misnamed) in misnamed {
            oddities.add(&self.files.paths[i], &[("name", misnamed.to_string())]);
        }
        oddities
    }
}

impl Pictures for Watched<'_> {
    fn count(&self) -> usize {
        self.files.count()
    }

    fn name(&self, i: usize) -> String {
        self.files.name(i)
    }

    fn load(&self, i: usize) -> Result<Picture, ImageError> {
        let picture = self.files.load(i)?;
        if let Some(misnamed) = picture.misnamed() {
            self.misnamed.lock().unwrap_or_else(PoisonError::into_inner).insert(i, misnamed);
        }
        Ok(picture)
    }

    fn intensity(&self) -> Intensity {
        self.files.intensity()
    }
}

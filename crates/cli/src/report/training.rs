//! Where the pictures lie that a model was fitted on, as far as they are at hand.

use patchcore::{Files, Fitted};
use patchcore_image::{Category, Intensity, Limits, Picture, decode_as};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Files that may be a model's training pictures, found by the names that the model remembers.
pub(crate) struct TrainingFiles {
    by_file_name: BTreeMap<OsString, Vec<PathBuf>>,
    intensity: Intensity,
    limits: Limits,
}

impl TrainingFiles {
    /// The pictures that a model is fitted on.
    pub(crate) fn of_files(files: &Files) -> Self {
        Self::of(files.paths.iter().cloned(), files.intensity, files.limits)
    }

    /// The training pictures of a data set, which may be those of the model.
    pub(crate) fn of_category(category: &Category, fitted: &Fitted, limits: Limits) -> Self {
        let paths = category.train.iter().map(|sample| sample.path.clone());
        Self::of(paths, fitted.training.intensity, limits)
    }

    fn of(paths: impl Iterator<Item = PathBuf>, intensity: Intensity, limits: Limits) -> Self {
        let mut by_file_name: BTreeMap<OsString, Vec<PathBuf>> = BTreeMap::new();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_os_string();
            by_file_name.entry(name).or_default().push(path);
        }
        Self { by_file_name, intensity, limits }
    }

    /// What is refused of them, and of the pictures that they stand beside.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// The file that a model remembers under this name, if exactly one fits.
    pub(crate) fn find(&self, name: &str) -> Option<&Path> {
        let file_name = Path::new(name).file_name()?;
        let mut fitting = self.by_file_name.get(file_name)?.iter().filter(|path| path.ends_with(name));
        let found = fitting.next()?;
        fitting.next().is_none().then_some(found)
    }

    /// The same, decoded; a picture that is gone is merely not shown.
    pub(crate) fn picture(&self, name: &str) -> Option<Picture> {
        decode_as(self.find(name)?, &self.limits, self.intensity).ok()
    }
}

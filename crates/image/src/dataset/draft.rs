//! A category while it is read: samples so far, and everything found wrong on the way.

use super::listing::{Entry, Kind, canonical, entries, is_picture};
use super::sample::GOOD;
use super::{Category, DatasetError, Label, Problem, Sample, Split};
use std::path::{Path, PathBuf};

/// What a reader fills.
pub(super) struct Draft {
    pub(super) category: Category,
    pub(super) problems: Vec<Problem>,
    /// The folder that no link may leave, without links.
    canonical: PathBuf,
}

impl Draft {
    /// An empty category; no link may leave `folder`.
    pub(super) fn new(name: &str, folder: &Path) -> Result<Self, DatasetError> {
        let category = Category { name: name.to_string(), ..Category::default() };
        Ok(Self { category, problems: Vec::new(), canonical: canonical(folder)? })
    }

    /// Adds one picture.
    pub(super) fn add(&mut self, split: Split, sample: Sample) {
        if sample.is_anomalous() && matches!(split, Split::Train | Split::Validation) {
            self.problems.push(Problem::DefectAmongGood(sample.path.clone()));
        }
        self.category.split_mut(split).push(sample);
    }

    /// Adds all pictures of a folder of good ones.
    pub(super) fn add_good(&mut self, split: Split, folder: &Path) -> Result<(), DatasetError> {
        for path in self.pictures(folder)? {
            self.add(split, good(path));
        }
        Ok(())
    }

    /// The pictures of one folder, sorted; none if it does not exist.
    pub(super) fn pictures(&mut self, folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
        let all = self.entries(folder)?.into_iter();
        Ok(all.filter(|e| e.kind == Kind::File && is_picture(&e.path)).map(|e| e.path).collect())
    }

    /// The folders in one folder, sorted; none if it does not exist.
    pub(super) fn folders(&mut self, folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
        let all = self.entries(folder)?.into_iter();
        Ok(all.filter(|e| e.kind == Kind::Folder).map(|e| e.path).collect())
    }

    /// Leaving out what a link leads to would change results in silence: such a link is a problem.
    fn entries(&mut self, folder: &Path) -> Result<Vec<Entry>, DatasetError> {
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let all = entries(folder, &self.canonical)?;
        for link in all.iter().filter(|entry| entry.kind == Kind::Link) {
            let problem = Problem::Link(link.path.clone());
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        Ok(all)
    }

    /// Whether a file that a list names is a regular one within the data set.
    pub(super) fn holds(&self, path: &Path) -> bool {
        std::fs::canonicalize(path).is_ok_and(|path| path.starts_with(&self.canonical) && path.is_file())
    }

    /// The category in its order, with all problems.
    pub(super) fn finish(mut self) -> (Category, Vec<Problem>) {
        self.category.sort();
        (self.category, self.problems)
    }
}

/// A normal picture.
pub(super) fn good(path: PathBuf) -> Sample {
    Sample { path, defect: GOOD.to_string(), label: Label::Normal, masks: Vec::new() }
}

/// The last part of a path, as text.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

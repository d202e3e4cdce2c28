//! A category while it is read: samples so far, and everything found wrong on the way.

use super::listed::Named;
use super::listing::{Entry, Kind, canonical, entries, is_picture};
use super::sample::GOOD;
use super::{Category, DatasetError, Label, Problem, Sample, Split};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a reader fills.
pub(super) struct Draft {
    pub(super) category: Category,
    pub(super) problems: Vec<Problem>,
    /// The folder that no link may leave, without links.
    canonical: PathBuf,
    /// Links and pipes that are among the problems: a folder may be read twice.
    told: BTreeSet<PathBuf>,
}

impl Draft {
    /// An empty category; no link may leave `folder`.
    pub(super) fn new(name: &str, folder: &Path) -> Result<Self, DatasetError> {
        let category = Category { name: name.to_string(), ..Category::default() };
        Ok(Self { category, problems: Vec::new(), canonical: canonical(folder)?, told: BTreeSet::new() })
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

    /// Leaving out what a link leads to would change results in silence: such a link is a problem. So is a pipe, which is
    /// never opened.
    fn entries(&mut self, folder: &Path) -> Result<Vec<Entry>, DatasetError> {
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let all = entries(folder, &self.canonical)?;
        for entry in &all {
            let problem = match entry.kind {
                Kind::Link => Problem::Link,
                Kind::Other if is_picture(&entry.path) => Problem::NotAFile,
                _ => continue,
            };
            if self.told.insert(entry.path.clone()) {
                self.problems.push(problem(entry.path.clone()));
            }
        }
        Ok(all)
    }

    /// The path without links of a file that a list names, if it is a regular one where it may be.
    pub(super) fn file(&self, named: &Named) -> Option<PathBuf> {
        let path = std::fs::canonicalize(&named.path).ok()?;
        let allowed = named.anywhere || path.starts_with(&self.canonical);
        (allowed && path.is_file()).then_some(path)
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

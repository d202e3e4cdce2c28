//! Data sets of which a list tells what each file is.

use super::draft::Draft;
use super::{DatasetError, Label, Problem, Sample, Split};
use patchcore_files::read_regular;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// No list of a known data set has a tenth of this.
const MAX_LIST: u64 = 256 << 20;

/// One picture of a list.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Its line, or the number of its entry, from 1.
    pub(super) line: u64,
    pub(super) split: Split,
    pub(super) label: Label,
    pub(super) defect: String,
    pub(super) picture: Named,
    pub(super) masks: Vec<Named>,
}

/// A file that a list names.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    /// Whether it may lie outside the data set, since the list gives its whole path.
    pub(super) anywhere: bool,
}

/// Adds the rows; files that are not there or named twice become problems, and pictures without mask where others of
/// their kind have one.
pub(super) fn read(rows: &[Row], draft: &mut Draft) {
    let mut seen = BTreeSet::new();
    for row in rows {
        for named in std::iter::once(&row.picture).chain(&row.masks) {
            let there = if named.anywhere { named.path.is_file() } else { draft.holds(&named.path) };
            if !there {
                draft.problems.push(Problem::Missing { path: named.path.clone(), line: row.line });
            }
        }
        let path = row.picture.path.clone();
        if !seen.insert(&row.picture.path) {
            draft.problems.push(Problem::Twice { path: path.clone(), line: row.line });
        }
        let masks = row.masks.iter().map(|mask| mask.path.clone()).collect();
        draft.add(row.split, Sample { path, defect: row.defect.clone(), label: row.label, masks });
    }
    let anomalous = || rows.iter().filter(|row| row.label == Label::Anomaly);
    let masked: BTreeSet<&str> =
        anomalous().filter(|row| !row.masks.is_empty()).map(|row| row.defect.as_str()).collect();
    let bare = anomalous().filter(|row| row.masks.is_empty() && masked.contains(row.defect.as_str()));
    draft.problems.extend(bare.map(|row| Problem::PictureWithoutMask(row.picture.path.clone())));
}

/// The text of a list.
pub(super) fn text(path: &Path) -> Result<String, DatasetError> {
    let bytes = read_regular(path, MAX_LIST)?;
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = before.split(|&b| b == b'\n').count() as u64;
        bad_line(path, line, "not UTF-8")
    })
}

pub(super) fn bad_line(path: &Path, line: u64, reason: impl Into<String>) -> DatasetError {
    DatasetError::List { path: path.to_path_buf(), line, reason: reason.into() }
}

/// `path` of a list below `folder`, in plain parts: a list does not lead out of its folder by `..`. `None` if it tries to.
pub(super) fn below(folder: &Path, path: &str) -> Option<Named> {
    let mut whole = folder.to_path_buf();
    let before = whole.components().count();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => whole.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (whole.components().count() > before).then_some(Named { path: whole, anywhere: false })
}

//! Data sets of which a list tells what each file is.

use super::draft::Draft;
use super::{DatasetError, Label, Problem, Sample, Split};
use patchcore_files::read_regular;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// No list of a known data set has a tenth of this.
const MAX_LIST: u64 = 256 << 20;
/// A line of a manifest: a picture and its masks.
const MAX_LINE: usize = 1 << 20;

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
        let path = row.picture.path.clone();
        let file = draft.file(&row.picture);
        let no_picture = file.is_none().then_some(&row.picture);
        let no_masks = row.masks.iter().filter(|mask| draft.file(mask).is_none());
        let missing: Vec<&Named> = no_picture.into_iter().chain(no_masks).collect();
        let missing = missing.into_iter().map(|named| named.path.clone());
        draft.problems.extend(missing.map(|path| Problem::Missing { path, line: row.line }));
        // Two names of one file, such as `a.png` and `A.png` where case does not count, are one picture.
        if !seen.insert(file.unwrap_or_else(|| path.clone())) {
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

/// The text of a list with a picture in every line, none of them longer than any such line is.
pub(super) fn lines(path: &Path) -> Result<String, DatasetError> {
    let text = text(path)?;
    match (1..).zip(text.split('\n')).find(|(_, line)| line.len() > MAX_LINE) {
        Some((number, line)) => {
            let reason = format!("{} bytes long, over the limit of {MAX_LINE} bytes", line.len());
            Err(bad_line(path, number, reason))
        }
        None => Ok(text),
    }
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

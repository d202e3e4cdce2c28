//! The layout of Real-IAD: `ROOT/realiad_jsons/realiad_jsons/CATEGORY.json` lists the pictures in `ROOT/realiad_SIZE/CATEGORY`.
//!
//! Of several sizes the largest that is there is read. The list of all views with clean training pictures is taken; for
//! another (`_sv`, `_fuiad_0.1`) its files may stand alone in `realiad_jsons`.

use super::listed::{Row, bad_line, below, text};
use super::sample::GOOD;
use super::{DatasetError, Label, Split};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The folder of lists.
pub(super) const LISTS: &str = "realiad_jsons";
const PICTURES: [&str; 4] = ["realiad_raw", "realiad_1024", "realiad_512", "realiad_256"];

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    train: Vec<Entry>,
    #[serde(default)]
    test: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    image_path: String,
    mask_path: Option<String>,
    anomaly_class: String,
}

/// The folder that holds the lists themselves.
fn lists(root: &Path) -> PathBuf {
    let outer = root.join(LISTS);
    let inner = outer.join(LISTS);
    if inner.is_dir() { inner } else { outer }
}

/// The lists of all categories, sorted.
pub(super) fn categories(root: &Path) -> Result<Vec<(String, PathBuf)>, DatasetError> {
    let folder = lists(root);
    let io = |fault| DatasetError::Io { path: folder.clone(), fault };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_string();
        if path.extension().is_some_and(|e| e == "json") && !stem.starts_with('.') {
            found.push((stem, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The folder of one category's pictures.
pub(super) fn pictures(root: &Path, category: &str) -> Result<PathBuf, DatasetError> {
    let all = PICTURES.iter().map(|size| root.join(size).join(category));
    all.into_iter()
        .find(|folder| folder.is_dir())
        .ok_or_else(|| DatasetError::NoFolder { path: root.join("realiad_*").join(category) })
}

/// The rows of one list; an entry's number stands for its line.
pub(super) fn rows(list: &Path, pictures: &Path) -> Result<Vec<Row>, DatasetError> {
    let read: List =
        serde_json::from_str(&text(list)?).map_err(|e| bad_line(list, e.line() as u64, e.to_string()))?;
    let all = read.train.iter().map(|e| (Split::Train, e)).chain(read.test.iter().map(|e| (Split::Test, e)));
    let mut rows = Vec::new();
    for (line, (split, entry)) in (1..).zip(all) {
        let place = |path: &str| {
            below(pictures, path)
                .ok_or_else(|| bad_line(list, line, format!("{path:?} is no path within the category")))
        };
        let normal = entry.anomaly_class == "OK";
        let mask = entry.mask_path.as_deref().filter(|path| !path.is_empty());
        rows.push(Row {
            line,
            split,
            label: if normal { Label::Normal } else { Label::Anomaly },
            defect: if normal { GOOD.to_string() } else { entry.anomaly_class.clone() },
            picture: place(&entry.image_path)?,
            masks: mask.map(place).transpose()?.into_iter().collect(),
        });
    }
    Ok(rows)
}

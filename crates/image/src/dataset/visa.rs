//! The layout of `VisA` as it is published: `ROOT/split_csv/1cls.csv` tells split, label and mask of every picture in
//! `ROOT/CATEGORY/Data`, which is read where it lies.

use super::listed::{Row, bad_line, below, lines};
use super::sample::GOOD;
use super::{DatasetError, Label, Split};
use std::collections::BTreeMap;
use std::path::Path;

/// Where the list lies below the root.
pub(super) const LIST: &str = "split_csv/1cls.csv";

#[derive(serde::Deserialize)]
struct Line {
    object: String,
    split: String,
    label: String,
    image: String,
    #[serde(default)]
    mask: String,
}

/// The rows of each category.
pub(super) fn rows(root: &Path) -> Result<BTreeMap<String, Vec<Row>>, DatasetError> {
    let list = root.join(LIST);
    let text = lines(&list)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|e| bad_line(&list, 1, e.to_string()))?.clone();
    let mut all: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        let bad = |reason: String| bad_line(&list, line, reason);
        if !reader.read_record(&mut record).map_err(|e| bad(e.to_string()))? {
            return Ok(all);
        }
        let found: Line = record.deserialize(Some(&headers)).map_err(|e| bad(e.to_string()))?;
        let split = match found.split.as_str() {
            "train" => Split::Train,
            "test" => Split::Test,
            other => return Err(bad(format!("split {other:?} is neither train nor test"))),
        };
        let (label, defect) = match found.label.as_str() {
            "normal" => (Label::Normal, GOOD),
            "anomaly" => (Label::Anomaly, "anomaly"),
            other => return Err(bad(format!("label {other:?} is neither normal nor anomaly"))),
        };
        let place = |path: &str| {
            below(root, path).ok_or_else(|| bad(format!("{path:?} is no path within the data set")))
        };
        let masks = if found.mask.is_empty() { Vec::new() } else { vec![place(&found.mask)?] };
        let picture = place(&found.image)?;
        let row = Row { line, split, label, defect: defect.to_string(), picture, masks };
        all.entry(found.object).or_default().push(row);
    }
}

//! The one form that every layout can be written as: a table with a row for each picture.
//!
//! As CSV with a header, or as JSON Lines:
//!
//! | column | holds |
//! |---|---|
//! | `image_path` | a path, relative to the manifest's folder and below it, or absolute |
//! | `split` | `train`, `validation` (or `val`), `test`, `unlabelled` |
//! | `label` | `normal` or `anomaly` (also 0 or 1); may be empty but for `test`. Or a column `label_index` of 0 and 1 |
//! | `defect` | kind of defect; left out: `good`, `anomaly`, `unlabelled` |
//! | `mask_path` | masks as paths like the first; several are joined by `;` in CSV and are a list in JSON |
//! | `category` | left out: the manifest's own name |

use super::listed::{Named, Row, bad_line, below, lines};
use super::sample::GOOD;
use super::{Category, DatasetError, Label, Sample, Split};
use patchcore_files::shown;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// As what a manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestForm {
    /// Comma-separated values with a header.
    Csv,
    /// A JSON object per line.
    Jsonl,
}

const COLUMNS: [&str; 6] = ["image_path", "split", "label", "defect", "mask_path", "category"];
const LABEL_INDEX: &str = "label_index";
/// What separates masks in CSV.
const JOIN: char = ';';

impl ManifestForm {
    /// The form that a file name's ending stands for.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// The rows of each category, and what was not understood.
pub(super) struct Read {
    pub(super) categories: BTreeMap<String, Vec<Row>>,
    pub(super) warnings: Vec<String>,
}

/// One row as it is written.
#[derive(Default)]
struct Written {
    image_path: Option<String>,
    split: Option<String>,
    label: Option<String>,
    defect: Option<String>,
    masks: Vec<String>,
    category: Option<String>,
}

pub(super) fn read(path: &Path, form: ManifestForm) -> Result<Read, DatasetError> {
    let text = lines(path)?;
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = Reader { path, all: BTreeMap::new() };
    let unknown = match form {
        ManifestForm::Csv => reader.csv(text)?,
        ManifestForm::Jsonl => reader.jsonl(text)?,
    };
    let warning = |name: &String| format!("{}: unknown column {name:?}, left out", shown(path));
    Ok(Read { warnings: unknown.iter().map(warning).collect(), categories: reader.all })
}

struct Reader<'a> {
    path: &'a Path,
    all: BTreeMap<String, Vec<Row>>,
}

impl Reader<'_> {
    /// Gives the names of unknown columns.
    fn csv(&mut self, text: &str) -> Result<BTreeSet<String>, DatasetError> {
        let path = self.path;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|e| bad_line(path, 1, e.to_string()))?.clone();
        let mut place_of = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        for (place, name) in headers.iter().enumerate() {
            if !is_known(name) {
                unknown.insert(name.to_string());
            } else if place_of.insert(name.to_string(), place).is_some() {
                return Err(bad_line(path, 1, format!("the column {name:?} is there twice")));
            }
        }
        check_columns(|name| place_of.contains_key(name)).map_err(|reason| bad_line(path, 1, reason))?;
        let mut record = csv::StringRecord::new();
        loop {
            let line = reader.position().line();
            if !reader.read_record(&mut record).map_err(|e| bad_line(path, line, e.to_string()))? {
                return Ok(unknown);
            }
            let cell = |name: &str| {
                let text = place_of.get(name).and_then(|&place| record.get(place));
                text.filter(|text| !text.is_empty()).map(str::to_string)
            };
            let masks = cell("mask_path").unwrap_or_default();
            let masks = masks.split(JOIN).filter(|path| !path.is_empty()).map(str::to_string).collect();
            let label = cell("label");
            let index = cell(LABEL_INDEX);
            self.add(
                line,
                Written {
                    image_path: cell("image_path"),
                    split: cell("split"),
                    label: one_label(label, index).map_err(|reason| bad_line(path, line, reason))?,
                    defect: cell("defect"),
                    masks,
                    category: cell("category"),
                },
            )?;
        }
    }

    /// Gives the names of unknown keys.
    fn jsonl(&mut self, text: &str) -> Result<BTreeSet<String>, DatasetError> {
        let mut unknown = BTreeSet::new();
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let bad = |reason: String| bad_line(self.path, line, reason);
            let Object(object) = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
            unknown.extend(object.keys().filter(|key| !is_known(key)).cloned());
            check_columns(|name| object.contains_key(name)).map_err(bad)?;
            let written = of_object(&object).map_err(bad)?;
            self.add(line, written)?;
        }
        Ok(unknown)
    }

    fn add(&mut self, line: u64, row: Written) -> Result<(), DatasetError> {
        let bad = |reason: String| bad_line(self.path, line, reason);
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let place = |path: &str| {
            if Path::new(path).is_absolute() {
                return Ok(Named { path: path.into(), anywhere: true });
            }
            below(folder, path).ok_or_else(|| {
                bad(format!(
                    "{path:?} leads out of the manifest's folder; write the whole path from the root"
                ))
            })
        };
        let split = match row.split.as_deref() {
            Some("train") => Split::Train,
            Some("validation" | "val") => Split::Validation,
            Some("test") => Split::Test,
            Some("unlabelled") => Split::Unlabelled,
            other => {
                let given = other.unwrap_or_default();
                return Err(bad(format!("split {given:?} is none of train, validation, test, unlabelled")));
            }
        };
        let label = match (row.label.as_deref(), split) {
            (Some("normal" | "0"), _) | (None, Split::Train | Split::Validation) => Label::Normal,
            (Some("anomaly" | "1"), _) => Label::Anomaly,
            (None, Split::Unlabelled) => Label::Unknown,
            (None, Split::Test) => return Err(bad("a test picture needs a label".into())),
            (Some(other), _) => return Err(bad(format!("label {other:?} is neither normal nor anomaly"))),
        };
        let usual = match label {
            Label::Normal => GOOD,
            Label::Anomaly => "anomaly",
            Label::Unknown => "unlabelled",
        };
        let picture = row.image_path.ok_or_else(|| bad("image_path is empty".into()))?;
        let own_name = || self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let category = row.category.clone().unwrap_or_else(own_name);
        let row = Row {
            line,
            split,
            label,
            defect: row.defect.unwrap_or_else(|| usual.to_string()),
            picture: place(&picture)?,
            masks: row.masks.iter().map(|path| place(path)).collect::<Result<_, _>>()?,
        };
        self.all.entry(category).or_default().push(row);
        Ok(())
    }
}

/// A JSON object in which no key stands twice.
struct Object(Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Object, A::Error> {
        let mut object = Map::new();
        while let Some((key, value)) = entries.next_entry::<String, Value>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} is there twice")));
            }
            object.insert(key, value);
        }
        Ok(Object(object))
    }
}

fn is_known(name: &str) -> bool {
    COLUMNS.contains(&name) || name == LABEL_INDEX
}

fn check_columns(has: impl Fn(&str) -> bool) -> Result<(), String> {
    for name in ["image_path", "split"] {
        if !has(name) {
            return Err(format!("no column {name:?}"));
        }
    }
    if has("label") || has(LABEL_INDEX) {
        Ok(())
    } else {
        Err("no column \"label\" or \"label_index\"".into())
    }
}

/// The label of the two columns that may hold it.
fn one_label(label: Option<String>, index: Option<String>) -> Result<Option<String>, String> {
    let number = |text: &str| match text {
        "normal" => "0".to_string(),
        "anomaly" => "1".to_string(),
        other => other.to_string(),
    };
    match (label, index) {
        (Some(label), Some(index)) if number(&label) != index => {
            Err(format!("label {label:?} and label_index {index:?} contradict each other"))
        }
        (None, index) => Ok(index),
        (label, _) => Ok(label),
    }
}

fn of_object(object: &Map<String, Value>) -> Result<Written, String> {
    let text = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(format!("{name} is {other}, not a text")),
    };
    let masks = match object.get("mask_path") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(path)) => vec![path.clone()],
        Some(Value::Array(all)) => {
            let path = |value: &Value| value.as_str().map(str::to_string);
            all.iter().map(path).collect::<Option<_>>().ok_or("mask_path holds something else than texts")?
        }
        Some(other) => return Err(format!("mask_path is {other}, not a text or a list of texts")),
    };
    Ok(Written {
        image_path: text("image_path")?,
        split: text("split")?,
        label: one_label(text("label")?, text(LABEL_INDEX)?)?,
        defect: text("defect")?,
        masks: masks.into_iter().filter(|path| !path.is_empty()).collect(),
        category: text("category")?,
    })
}

/// The text of a manifest that will lie in `folder`: rows sorted by category, split, defect and path. Paths below the
/// folder are relative, others absolute.
///
/// # Errors
/// [`DatasetError::Unwritable`] for names that are not UTF-8, and in CSV for masks with `;` in their name and for
/// defects and categories that a spreadsheet would run as a formula; JSON Lines holds these.
pub fn manifest_text(
    categories: &[Category],
    folder: &Path,
    form: ManifestForm,
) -> Result<String, DatasetError> {
    let mut sorted: Vec<&Category> = categories.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = match form {
        ManifestForm::Csv => csv_line(&COLUMNS)?,
        ManifestForm::Jsonl => String::new(),
    };
    for category in sorted {
        for (split, sample) in category.samples() {
            text.push_str(&match form {
                ManifestForm::Csv => csv_row(category, split, sample, folder)?,
                ManifestForm::Jsonl => json_row(category, split, sample, folder)?,
            });
        }
    }
    Ok(text)
}

fn csv_row(
    category: &Category,
    split: Split,
    sample: &Sample,
    folder: &Path,
) -> Result<String, DatasetError> {
    let path = |path: &Path| -> Result<String, DatasetError> {
        let text = relative(path, folder)?;
        // A spreadsheet must not take it for a formula.
        Ok(if is_formula(&text) { format!("./{text}") } else { text })
    };
    let masks = sample.masks.iter().map(|mask| path(mask)).collect::<Result<Vec<_>, _>>()?;
    if let Some(name) = masks.iter().find(|name| name.contains(JOIN)) {
        return Err(unwritable(name, "`;` separates masks in CSV; write .jsonl"));
    }
    if let Some(name) = [&sample.defect, &category.name].into_iter().find(|name| is_formula(name)) {
        return Err(unwritable(name, "a spreadsheet would run it as a formula; write .jsonl"));
    }
    let masks = masks.join(&JOIN.to_string());
    let picture = path(&sample.path)?;
    csv_line(&[&picture, split.name(), sample.label.name(), &sample.defect, &masks, &category.name])
}

fn csv_line(fields: &[&str]) -> Result<String, DatasetError> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let written = writer.write_record(fields).ok().and_then(|()| writer.into_inner().ok());
    let text = written.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| unwritable(fields.first().unwrap_or(&""), "no line of CSV"))
}

fn json_row(
    category: &Category,
    split: Split,
    sample: &Sample,
    folder: &Path,
) -> Result<String, DatasetError> {
    let masks = sample.masks.iter().map(|mask| relative(mask, folder)).collect::<Result<Vec<_>, _>>()?;
    let row = json!({
        "image_path": relative(&sample.path, folder)?,
        "split": split.name(),
        "label": sample.label.name(),
        "defect": sample.defect,
        "mask_path": masks,
        "category": category.name,
    });
    Ok(format!("{row}\n"))
}

/// `path` as text for a manifest in `folder`: relative if it lies below it, else absolute.
fn relative(path: &Path, folder: &Path) -> Result<String, DatasetError> {
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    let io = |path: &Path, fault| DatasetError::Io { path: path.to_path_buf(), fault };
    let found = match path.strip_prefix(folder) {
        Ok(rest) if plain(rest) => rest.to_path_buf(),
        _ => {
            let real = |folder: &Path| {
                let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                std::fs::canonicalize(folder).map_err(|fault| io(folder, fault))
            };
            let whole = real(path.parent().unwrap_or(path))?.join(path.file_name().unwrap_or_default());
            whole.strip_prefix(real(folder)?).map(PathBuf::from).unwrap_or(whole)
        }
    };
    found.into_os_string().into_string().map_err(|_| unwritable(&shown(path), "its name is not UTF-8"))
}

fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn unwritable(name: &str, reason: &'static str) -> DatasetError {
    DatasetError::Unwritable { name: shown(Path::new(name)), reason }
}

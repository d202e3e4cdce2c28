//! What an evaluation wrote, read back: pictures, labels, scores and verdicts.

use super::Side;
use crate::commands::evaluate::SCORES;
use crate::exit::{Code, Failure};
use crate::output;
use patchcore::Verdict;
use patchcore_evaluation::Scored;
use patchcore_files::{read_regular, shown};
use serde::Deserialize;
use std::ffi::OsStr;
use std::path::Path;

/// More than any evaluation writes.
const MAX_BYTES: u64 = 1 << 30;

/// What `path` holds, if it is what an evaluation wrote: its folder, its `scores.csv`, or its JSON in a `.json` file.
pub(super) fn read(path: &Path) -> Result<Option<Side>, Failure> {
    let in_folder = path.join(SCORES);
    let file = if in_folder.is_file() { &in_folder } else { path };
    let ending = file.extension().map(OsStr::to_ascii_lowercase);
    let parse: fn(&[u8]) -> Result<Side, String> = match ending.as_ref().and_then(|e| e.to_str()) {
        Some("csv") => from_csv,
        Some("json") => from_json,
        _ => return Ok(None),
    };
    let side = parse(&read_regular(file, MAX_BYTES)?);
    match side {
        Ok(side) if side.is_empty() => Err("there are no scores in it".to_string()),
        side => side,
    }
    .map(Some)
    .map_err(|reason| {
        Failure::new(Code::Input, format!("{}: {reason}", shown(file)))
            .hint("give what `evaluate -o FOLDER` or `evaluate --json` wrote, or a model file")
    })
}

/// A line of `scores.csv`; other columns mean nothing here.
#[derive(Deserialize)]
struct Row {
    category: String,
    picture: String,
    anomalous: u8,
    image_score: f32,
    #[serde(default)]
    verdict: String,
}

fn from_csv(bytes: &[u8]) -> Result<Side, String> {
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        return Err("the last line has no end: the file was cut off".into());
    }
    let mut side = Side::new();
    for row in csv::Reader::from_reader(bytes).into_deserialize::<Row>() {
        let row = row.map_err(|e| e.to_string())?;
        let anomalous = match row.anomalous {
            0 => false,
            1 => true,
            other => return Err(format!("{}: anomalous is {other}, expected 0 or 1", named(&row.picture))),
        };
        let verdict = Some(row.verdict).filter(|word| !word.is_empty());
        let picture = output::without_guard(&row.picture).to_string();
        let scored = scored(picture, anomalous, row.image_score, verdict)?;
        add(&mut side, output::without_guard(&row.category), scored);
    }
    Ok(side)
}

/// The JSON of an evaluation; what else it holds means nothing here.
#[derive(Deserialize)]
struct Written {
    categories: Vec<WrittenCategory>,
}

#[derive(Deserialize)]
struct WrittenCategory {
    category: String,
    scores: Vec<WrittenScore>,
}

#[derive(Deserialize)]
struct WrittenScore {
    picture: String,
    anomalous: bool,
    image_score: f32,
    #[serde(default)]
    verdict: Option<String>,
}

fn from_json(bytes: &[u8]) -> Result<Side, String> {
    let written: Written = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let mut side = Side::new();
    for WrittenCategory { category, scores } in written.categories {
        for own in scores {
            let scored = scored(own.picture, own.anomalous, own.image_score, own.verdict)?;
            add(&mut side, &category, scored);
        }
    }
    Ok(side)
}

fn scored(
    name: String,
    anomalous: bool,
    image_score: f32,
    verdict: Option<String>,
) -> Result<Scored, String> {
    if !image_score.is_finite() {
        return Err(format!("{}: the score is not a finite number", named(&name)));
    }
    let known =
        |word: String| of_word(&word).ok_or_else(|| format!("{}: the verdict is {word:?}", named(&name)));
    let verdict = verdict.map(known).transpose()?;
    Ok(Scored { name, anomalous, image_score, verdict })
}

fn of_word(word: &str) -> Option<Verdict> {
    [Verdict::Ok, Verdict::Review, Verdict::Defect].into_iter().find(|verdict| verdict.name() == word)
}

fn named(picture: &str) -> String {
    shown(Path::new(picture))
}

fn add(side: &mut Side, category: &str, scored: Scored) {
    // Lines of one category mostly follow each other.
    match side.iter_mut().rev().find(|(own, _)| own == category) {
        Some((_, all)) => all.push(scored),
        None => side.push((category.to_string(), vec![scored])),
    }
}

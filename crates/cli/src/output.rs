//! Where results go: lines on standard output, names of files.

use crate::exit::{Code, Failure};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// Prints one line of result; a reader that has gone away ends the program quietly.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout().lock(), "{text}").map_err(|e| Failure::stdout(&e))
}

/// Prints one line to standard error; that nobody reads it there changes nothing.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints a warning.
pub(crate) fn warn(text: &str) {
    complain(&format!("warning: {text}"));
}

/// One line of CSV, without its end. A text that a spreadsheet would run as a formula gets an apostrophe in front.
pub(crate) fn csv_row<const N: usize>(fields: [&str; N]) -> Result<String, Failure> {
    let internal = |e: String| Failure::new(Code::Internal, e);
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(fields.map(no_formula)).map_err(|e| internal(e.to_string()))?;
    let bytes = writer.into_inner().map_err(|e| internal(e.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_string())
}

/// How a text begins that a spreadsheet would run.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

fn no_formula(text: &str) -> String {
    let is_formula = text.starts_with(FORMULA) && text.parse::<f64>().is_err();
    if is_formula { format!("'{text}") } else { text.to_string() }
}

/// A text of a [`csv_row`] as it was before.
pub(crate) fn without_guard(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA)).unwrap_or(text)
}

/// A score in JSON with the digits that it has elsewhere, not with those of its widening to 64 bits.
pub(crate) fn score_json(score: f32) -> serde_json::Value {
    serde_json::from_str(&score.to_string()).unwrap_or_default()
}

/// For every picture the path, below the output folder and without ending, that its files get: the picture's path
/// relative to the folder that all pictures share. Pictures that differ only in their ending keep it.
pub(crate) fn stems(files: &[PathBuf]) -> Vec<PathBuf> {
    let shared = shared_folder(files);
    let relative = |file: &PathBuf| -> PathBuf { file.components().skip(shared).collect() };
    let mut uses: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for file in files {
        *uses.entry(relative(file).with_extension("")).or_default() += 1;
    }
    let mut taken: BTreeMap<PathBuf, usize> = BTreeMap::new();
    files
        .iter()
        .map(|file| {
            let short = relative(file).with_extension("");
            let mut stem = if uses.get(&short) == Some(&1) { short } else { relative(file) };
            // The same picture named twice gets its files twice.
            let count = taken.entry(stem.clone()).or_default();
            *count += 1;
            if *count > 1 {
                let name = stem.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                stem.set_file_name(format!("{name}-{count}"));
            }
            stem.components().filter(|c| matches!(c, std::path::Component::Normal(_))).collect()
        })
        .collect()
}

/// How many leading components the folders of all files have in common.
fn shared_folder(files: &[PathBuf]) -> usize {
    let folders: Vec<Vec<_>> =
        files.iter().map(|f| f.parent().map(|p| p.components().collect()).unwrap_or_default()).collect();
    let Some(first) = folders.first() else { return 0 };
    let same = |i: &usize| folders.iter().all(|f| f.get(*i) == first.get(*i));
    (0..first.len()).take_while(same).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems_of(files: &[&str]) -> Vec<String> {
        let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
        stems(&files).iter().map(|p| p.display().to_string()).collect()
    }

    #[test]
    fn a_guarded_text_comes_back() {
        for text in ["=cmd()", "-x", "'quoted", "a=b", "-1.5", ""] {
            let row = csv_row([text]).unwrap();
            assert_eq!(without_guard(row.trim_matches('"')), text);
        }
        assert_eq!(csv_row(["=cmd()"]).unwrap(), "'=cmd()");
    }

    #[test]
    fn the_shared_folder_falls_away() {
        assert_eq!(stems_of(&["d/a/1.png", "d/b/1.png"]), ["a/1", "b/1"]);
        assert_eq!(stems_of(&["/x/1.png"]), ["1"]);
        assert_eq!(stems_of(&["../1.png", "2.png"]), ["1", "2"]);
    }

    #[test]
    fn no_two_pictures_share_a_name() {
        assert_eq!(stems_of(&["a/1.png", "a/1.jpg", "a/2.png"]), ["1.png", "1.jpg", "2"]);
        assert_eq!(stems_of(&["1.png", "1.png"]), ["1.png", "1.png-2"]);
    }
}

//! Where results go: lines on standard output, names of files.

use crate::exit::{Code, Failure};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};

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
    let own = |file: &PathBuf| -> PathBuf {
        let short = relative(file).with_extension("");
        let mut stem = if uses.get(&short) == Some(&1) { short } else { relative(file) };
        stem.set_file_name(shortened(stem.file_name().unwrap_or_default()));
        stem.components().filter(|c| matches!(c, std::path::Component::Normal(_))).collect()
    };
    apart(files.iter().map(own).collect())
}

/// The stems with numbers behind those that are there already. Stems that differ in case alone are kept apart too: not
/// every disk does so.
fn apart(stems: Vec<PathBuf>) -> Vec<PathBuf> {
    let key = |stem: &Path| stem.to_string_lossy().to_lowercase();
    let reserved: BTreeSet<String> = stems.iter().map(|stem| key(stem)).collect();
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let number = |mut stem: PathBuf| {
        let name = stem.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let count = taken.entry(key(&stem)).or_default();
        *count += 1;
        while *count > 1 {
            stem.set_file_name(format!("{name}-{count}"));
            if !reserved.contains(&key(&stem)) {
                break;
            }
            *count += 1;
        }
        stem
    };
    stems.into_iter().map(number).collect()
}

/// A name to which an ending and a number can be added: systems take 255 bytes. What is cut off a longer one becomes
/// eight digits of its SHA-256.
fn shortened(name: &OsStr) -> OsString {
    const LONGEST: usize = 224;
    if name.len() <= LONGEST {
        return name.to_os_string();
    }
    let hash = Sha256::digest(name.as_encoded_bytes());
    let digits = format!("{:08x}", hash.first_chunk().map_or(0, |&four| u32::from_be_bytes(four)));
    let text = name.to_string_lossy();
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|end| end + 1 + digits.len() <= LONGEST).last().unwrap_or_default();
    format!("{}~{digits}", &text[..end]).into()
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
        assert_eq!(stems_of(&["1.png", "1.png", "1.png-2.png"]), ["1.png", "1.png-3", "1.png-2"]);
    }

    #[test]
    fn case_33_names_that_differ_in_case_are_told_apart_on_every_disk() {
        assert_eq!(stems_of(&["A.png", "a-2.png", "a.png"]), ["A", "a-2", "a-3"]);
        assert_eq!(stems_of(&["x/a.png", "X/a.png"]), ["x/a", "X/a-2"]);
    }

    #[test]
    fn case_32_a_long_name_leaves_room_for_an_ending() {
        let long = ["ä".repeat(125), "ä".repeat(126)].map(|name| format!("{name}.png"));
        let stems = stems_of(&[&long[0], &long[1], "b.png"]);
        assert!(stems.iter().all(|stem| stem.len() <= 224) && stems[0] != stems[1], "{stems:?}");
        assert!(stems[0].starts_with("ää") && stems[2] == "b", "{stems:?}");
    }
}

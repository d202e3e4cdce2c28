//! What fitting noticed about the training pictures, in words and as JSON; which of them are to be left out.

use crate::exit::{Code, Failure};
use crate::output;
use patchcore::{Audit, Duplicate, Suspect};
use patchcore_files::{read_regular, shown};
use patchcore_image::Likeness;
use serde_json::Value;
use std::path::Path;

/// A picture so many deviations above the middle one is named.
const STANDS_OUT: f64 = 3.5;
/// Most pictures, or pairs, that are named; JSON has all.
const NAMED: usize = 5;
/// The longest list of names that is read, in bytes.
const LONGEST_LIST: u64 = 64 << 20;

/// The names in a file, one per line; empty lines do not count.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, Failure> {
    let bytes = read_regular(path, LONGEST_LIST)?;
    let text = String::from_utf8_lossy(&bytes);
    let names: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_string).collect();
    if names.is_empty() {
        return Err(Failure::new(Code::Input, format!("{}: names no picture", shown(path))));
    }
    Ok(names)
}

/// The whole of it.
pub(crate) fn audit_json(audit: &Audit) -> Result<Value, Failure> {
    serde_json::to_value(audit).map_err(|e| Failure::new(Code::Internal, e.to_string()))
}

/// A few lines: who stands out and where, and what was left out.
pub(crate) fn print(audit: &Audit, kept: usize) -> Result<(), Failure> {
    let place = |s: &Suspect| {
        let (name, [x, y]) = (shown(Path::new(&s.picture)), s.at);
        format!(
            "{name} at x {x}, y {y}: score {:.4}, {:.1} deviations above the middle picture",
            s.score, s.deviations
        )
    };
    let suspects: Vec<&Suspect> = audit.ranking.iter().take_while(|s| s.deviations >= STANDS_OUT).collect();
    match (&suspects[..], audit.ranking.first()) {
        ([], Some(first)) => output::line(&format!(
            "audit: no picture stands out; most unlike the others is {}",
            place(first)
        ))?,
        ([], None) => {}
        _ => {
            let count = counted(suspects.len(), "picture looks", "pictures look");
            output::line(&format!("audit: {count} unlike the others; is there a defect?"))?;
            for suspect in suspects.iter().take(NAMED) {
                output::line(&format!("  {}", place(suspect)))?;
            }
            if let Some(more) = suspects.len().checked_sub(NAMED + 1) {
                output::line(&format!("  ... and {} more", more + 1))?;
            }
        }
    }
    if !audit.dropped.is_empty() {
        let count = counted(audit.dropped.len(), "picture", "pictures");
        output::line(&format!("left out, as asked: {count}"))?;
        for name in &audit.dropped {
            output::line(&format!("  {}", shown(Path::new(name))))?;
        }
        output::line(&format!(
            "the rates of false alarms speak of good parts like the {kept} kept; such as were left out may raise more"
        ))?;
    }
    Ok(())
}

/// Warns of pictures that are there twice.
pub(crate) fn warn_of_duplicates(audit: &Audit) {
    let pairs = &audit.duplicates;
    if pairs.is_empty() {
        return;
    }
    let count = counted(pairs.len(), "training picture is", "training pictures are");
    output::warn(&format!(
        "{count} there already: copies vouch for each other, so that thresholds come out too low"
    ));
    for Duplicate { pictures: [first, second], kind } in pairs.iter().take(NAMED) {
        let likeness = match kind {
            Likeness::Exact => "is",
            Likeness::Near => "is nearly",
        };
        let (first, second) = (shown(Path::new(first)), shown(Path::new(second)));
        output::complain(&format!("  {second} {likeness} {first}"));
    }
    if pairs.len() > NAMED {
        output::complain(&format!("  ... and {} more", pairs.len() - NAMED));
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

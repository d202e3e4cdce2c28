//! Which pictures took part, and what they hash to.

use super::training::TrainingFiles;
use crate::exit::Failure;
use patchcore::Fitted;
use patchcore_files::read_regular;
use patchcore_image::{Category, Limits, Split};
use patchcore_report::{DataTable, Fingerprint, SplitRow};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The splits of a data set; the model's training pictures as it remembers them.
pub(super) fn of_category(
    category: &Category,
    fitted: &Fitted,
    training: &TrainingFiles,
) -> Result<DataTable, Failure> {
    let mut counts: BTreeMap<(Split, &str), [usize; 2]> = BTreeMap::new();
    for (split, sample) in category.samples().filter(|(split, _)| *split != Split::Train) {
        let [pictures, masks] = counts.entry((split, &sample.defect)).or_default();
        *pictures += 1;
        *masks += usize::from(!sample.masks.is_empty());
    }
    let mut table = of_training(fitted, training)?;
    table.splits.extend(counts.into_iter().map(|((split, kind), [pictures, masks])| SplitRow {
        split: split.name().into(),
        kind: super::safe(kind),
        pictures,
        masks,
    }));
    let test: Vec<(String, &Path)> = category
        .test
        .iter()
        .map(|sample| {
            (sample.path.file_name().unwrap_or_default().to_string_lossy().into_owned(), &*sample.path)
        })
        .collect();
    table.fingerprints.push(fingerprint("test pictures", &test, training.limits())?);
    Ok(table)
}

/// What the model remembers of its training pictures, and their fingerprint if all are at hand.
pub(super) fn of_training(fitted: &Fitted, training: &TrainingFiles) -> Result<DataTable, Failure> {
    let names = &fitted.training.pictures;
    let files: Option<Vec<(String, &Path)>> =
        names.iter().map(|name| Some((name.clone(), training.find(name)?))).collect();
    let row = SplitRow { split: "train".into(), kind: "good".into(), pictures: names.len(), masks: 0 };
    let fingerprint = match files {
        Some(files) if !files.is_empty() => {
            Some(fingerprint("training pictures", &files, training.limits())?)
        }
        _ => None,
    };
    Ok(DataTable {
        splits: vec![row],
        skipped: safe(&fitted.training.skipped),
        dropped: safe(&fitted.training.dropped),
        fingerprints: fingerprint.into_iter().collect(),
    })
}

fn safe(names: &[String]) -> Vec<String> {
    names.iter().map(|name| super::safe(name)).collect()
}

/// SHA-256 over every picture's name, length and bytes, each name and picture with its own length before it.
fn fingerprint(of: &str, files: &[(String, &Path)], limits: Limits) -> Result<Fingerprint, Failure> {
    let mut hash = Sha256::new();
    for (name, path) in files {
        let bytes = read_regular(path, limits.max_file_bytes)?;
        for part in [name.as_bytes(), &bytes] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let sha256 = hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Ok(Fingerprint { of: of.into(), pictures: files.len(), sha256 })
}

//! The layout of `KolektorSDD`: `ROOT/kosNN/PartM.jpg` with its mask `ROOT/kosNN/PartM_label.bmp` beside it.
//!
//! Folders say nothing of labels: a picture is defective where its mask has a pixel other than zero, so masks are read.
//! Nor do they say what to train on: a fifth of the good pictures is tested with, the same as in anomalib, and so are all
//! defective ones.

use super::draft::{Draft, good, name_of};
use super::shuffle::is_tested;
use super::{DatasetError, Label, Problem, Sample, Split};
use crate::limits::Limits;
use crate::mask::read_mask;
use std::collections::BTreeSet;
use std::path::Path;

const DEFECT: &str = "defect";

/// Whether there is a folder `kosNN` with a mask `*_label.*`.
pub(super) fn fits(root: &Path) -> bool {
    let Ok(folders) = std::fs::read_dir(root) else { return false };
    folders.flatten().any(|entry| is_item(&entry.path()) && has_label(&entry.path()))
}

fn is_item(folder: &Path) -> bool {
    let name = name_of(folder);
    let number = name.strip_prefix("kos").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && folder.is_dir()
}

fn has_label(folder: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(folder) else { return false };
    files.flatten().any(|file| stem(&file.path()).ends_with("_label"))
}

pub(super) fn read(root: &Path, draft: &mut Draft) -> Result<(), DatasetError> {
    let mut good_ones = Vec::new();
    for folder in draft.folders(root)?.into_iter().filter(|folder| is_item(folder)) {
        let (masks, pictures): (Vec<_>, Vec<_>) =
            draft.pictures(&folder)?.into_iter().partition(|path| stem(path).ends_with("_label"));
        let mut free: BTreeSet<_> = masks.iter().collect();
        let mut seen = BTreeSet::new();
        for path in pictures {
            if !seen.insert(stem(&path)) {
                draft.problems.push(Problem::SecondPicture(path));
                continue;
            }
            let wanted = format!("{}_label", stem(&path));
            let mut own = masks.iter().filter(|mask| stem(mask) == wanted);
            let Some(mask) = own.next() else {
                draft.problems.push(Problem::PictureWithoutMask(path));
                continue;
            };
            free.remove(mask);
            for second in own {
                free.remove(second);
                draft.problems.push(Problem::SecondMask(second.clone()));
            }
            match read_mask(mask, &Limits::default()) {
                Err(error) => draft.problems.push(Problem::Unreadable(error.to_string())),
                Ok(read) if read.values().iter().any(|&v| v != 0) => {
                    let (defect, masks) = (DEFECT.to_string(), vec![mask.clone()]);
                    draft.add(Split::Test, Sample { path, defect, label: Label::Anomaly, masks });
                }
                Ok(_) => good_ones.push(Sample { masks: vec![mask.clone()], ..good(path) }),
            }
        }
        draft.problems.extend(free.into_iter().cloned().map(Problem::MaskWithoutPicture));
    }
    for (tested, sample) in is_tested(good_ones.len()).into_iter().zip(good_ones) {
        draft.add(if tested { Split::Test } else { Split::Train }, sample);
    }
    Ok(())
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

//! A plain folder: one folder of good pictures, others of bad ones, perhaps one of masks.
//!
//! ```text
//! ROOT/{good,ok,normal}/*                   good pictures, all of them to fit on
//! ROOT/{good,ok,normal}_test/*              good pictures to test with
//! ROOT/DEFECT/*                             pictures with that kind of defect, to test with
//! ROOT/{masks,mask,ground_truth}/DEFECT/*   masks by the names of the pictures (STEM or STEM_mask)
//! ```

use super::draft::{Draft, name_of};
use super::pairs::Masks;
use super::tree::add_defects;
use super::{DatasetError, Problem, Split};
use std::path::Path;

const GOOD: [&str; 3] = ["good", "ok", "normal"];
const GOOD_TEST: [&str; 3] = ["good_test", "ok_test", "normal_test"];
const MASKS: [&str; 3] = ["masks", "mask", "ground_truth"];

/// Whether the folder has one of good pictures.
pub(super) fn fits(root: &Path) -> bool {
    GOOD.iter().any(|name| root.join(name).is_dir())
}

pub(super) fn looked_for() -> String {
    format!("ROOT/{}", GOOD.join(" or ROOT/"))
}

pub(super) fn read(root: &Path, draft: &mut Draft) -> Result<(), DatasetError> {
    let is = |names: [&str; 3], folder: &Path| names.iter().any(|name| name_of(folder) == *name);
    let (masks, kinds): (Vec<_>, Vec<_>) =
        draft.folders(root)?.into_iter().partition(|folder| is(MASKS, folder));
    if let [first, second, ..] = &masks[..] {
        return Err(DatasetError::Several { first: first.clone(), second: second.clone() });
    }
    for kind in &kinds {
        if is(GOOD, kind) {
            draft.add_good(Split::Train, kind)?;
        } else if is(GOOD_TEST, kind) {
            draft.add_good(Split::Test, kind)?;
        } else {
            let masks = masks.first().zip(kind.file_name()).map(|(masks, name)| masks.join(name));
            add_defects(draft, kind, masks.as_deref())?;
        }
    }
    for root in &masks {
        let loose = draft.pictures(root)?;
        draft.problems.extend(loose.into_iter().map(Problem::MaskWithoutPicture));
        for folder in draft.folders(root)? {
            if !kinds.iter().any(|kind| kind.file_name() == folder.file_name() && !is(GOOD, kind)) {
                let lonely = Masks::of(draft, &folder)?.all().map(Problem::MaskWithoutPicture);
                draft.problems.extend(lonely);
            }
        }
    }
    Ok(())
}

//! Layouts in which folders say everything: MVTec AD and those after its pattern.
//!
//! ```text
//! MVTec AD, MPDD        CATEGORY/train/good/NNN.png
//!                       CATEGORY/test/{good,DEFECT}/NNN.png
//!                       CATEGORY/ground_truth/DEFECT/NNN_mask.png      (or NNN.png, or NNN/000.png ...)
//! MVTec LOCO AD         the same, and CATEGORY/validation/good/NNN.png; masks are CATEGORY/ground_truth/DEFECT/NNN/000.png ...
//! MVTec AD 2            CATEGORY/{train,validation}/good/NNN.png
//!                       CATEGORY/test_public/{good,bad}/NNN.png
//!                       CATEGORY/test_public/ground_truth/bad/NNN_mask.png
//!                       CATEGORY/{test_private,test_private_mixed}/NNN.png
//! BTAD                  CATEGORY/train/ok/NNN.bmp, CATEGORY/test/{ok,ko}/NNN.bmp, CATEGORY/ground_truth/ko/NNN.png
//! ```

use super::draft::{Draft, name_of};
use super::pairs::{Masks, pair};
use super::sample::GOOD;
use super::{DatasetError, Label, Problem, Sample, Split};
use std::path::Path;

/// Which folders of a category hold what.
#[derive(Debug)]
pub(super) struct Tree {
    /// The name of folders of normal pictures.
    good: &'static str,
    /// The folder of good pictures that are not trained on.
    validation: Option<&'static str>,
    /// The folder of labelled test pictures.
    test: &'static str,
    /// The folder of masks.
    truth: &'static [&'static str],
    /// Folders of pictures without labels.
    unlabelled: &'static [&'static str],
    /// Folders that tell the layout from the others.
    required: &'static [&'static str],
    /// Folders that a category of this layout does not have.
    absent: &'static [&'static str],
}

pub(super) const MVTEC: Tree = Tree {
    good: "good",
    validation: None,
    test: "test",
    truth: &["ground_truth"],
    unlabelled: &[],
    required: &["train/good"],
    absent: &["validation", "test_public"],
};

pub(super) const MVTEC_LOCO: Tree = Tree {
    validation: Some("validation"),
    required: &["train/good", "validation/good", "test"],
    absent: &["test_public"],
    ..MVTEC
};

pub(super) const MVTEC_AD2: Tree = Tree {
    validation: Some("validation"),
    test: "test_public",
    truth: &["test_public", "ground_truth"],
    unlabelled: &["test_private", "test_private_mixed"],
    required: &["train/good", "test_public"],
    absent: &["test"],
    ..MVTEC
};

pub(super) const BTAD: Tree = Tree { good: "ok", required: &["train/ok"], absent: &[], ..MVTEC };

impl Tree {
    /// Whether the folder can be a category of this layout.
    pub(super) fn fits(&self, category: &Path) -> bool {
        self.required.iter().all(|folder| category.join(folder).is_dir())
    }

    /// Whether it can be one of no other layout.
    pub(super) fn fits_alone(&self, category: &Path) -> bool {
        self.fits(category) && !self.absent.iter().any(|folder| category.join(folder).exists())
    }

    /// What a category of this layout holds.
    pub(super) fn looked_for(&self) -> String {
        self.required.iter().map(|folder| format!("CATEGORY/{folder}")).collect::<Vec<_>>().join(" and ")
    }

    /// Reads one category.
    ///
    /// Files that are no pictures, hidden entries and other folders of `train` play no part. A kind of defect without a
    /// folder of masks has none.
    pub(super) fn read(&self, folder: &Path, draft: &mut Draft) -> Result<(), DatasetError> {
        draft.add_good(Split::Train, &folder.join("train").join(self.good))?;
        if let Some(validation) = self.validation {
            draft.add_good(Split::Validation, &folder.join(validation).join(self.good))?;
        }
        for name in self.unlabelled {
            for path in draft.pictures(&folder.join(name))? {
                let defect = (*name).to_string();
                draft.add(
                    Split::Unlabelled,
                    Sample { path, defect, label: Label::Unknown, masks: Vec::new() },
                );
            }
        }
        self.read_test(folder, draft)
    }

    fn read_test(&self, folder: &Path, draft: &mut Draft) -> Result<(), DatasetError> {
        let truth = self.truth.iter().fold(folder.to_path_buf(), |path, part| path.join(part));
        let mut kinds = draft.folders(&folder.join(self.test))?;
        kinds.retain(|kind| *kind != truth);
        for kind in &kinds {
            if name_of(kind) == self.good {
                draft.add_good(Split::Test, kind)?;
            } else {
                let masks = kind.file_name().map(|name| truth.join(name));
                add_defects(draft, kind, masks.as_deref())?;
            }
        }
        for masks in draft.folders(&truth)? {
            let has_pictures = kinds.iter().any(|kind| kind.file_name() == masks.file_name());
            if !has_pictures && name_of(&masks) != GOOD && name_of(&masks) != self.good {
                let lonely = Masks::of(draft, &masks)?.all().map(Problem::MaskWithoutPicture);
                draft.problems.extend(lonely);
            }
        }
        Ok(())
    }
}

/// Adds the pictures of one kind of defect, with their masks if there is a folder of these.
pub(super) fn add_defects(
    draft: &mut Draft,
    kind: &Path,
    mask_folder: Option<&Path>,
) -> Result<(), DatasetError> {
    let pictures = draft.pictures(kind)?;
    let masks = match mask_folder.filter(|folder| folder.is_dir()) {
        Some(folder) => {
            let masks = Masks::of(draft, folder)?;
            pair(&pictures, &masks, &mut draft.problems)
        }
        None => vec![Vec::new(); pictures.len()],
    };
    let defect = name_of(kind);
    for (path, masks) in pictures.into_iter().zip(masks) {
        draft.add(Split::Test, Sample { path, defect: defect.clone(), label: Label::Anomaly, masks });
    }
    Ok(())
}

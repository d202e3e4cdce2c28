//! Which masks belong to which picture: by name, never by order.

use super::DatasetError;
use super::Problem;
use super::draft::Draft;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The masks that one folder holds for pictures of one kind.
#[derive(Debug, Default)]
pub(super) struct Masks {
    /// One file for a picture.
    pub(super) files: Vec<PathBuf>,
    /// A folder of the picture's name with one file or several.
    pub(super) folders: Vec<(PathBuf, Vec<PathBuf>)>,
}

impl Masks {
    /// What lies in `folder`.
    pub(super) fn of(draft: &mut Draft, folder: &Path) -> Result<Self, DatasetError> {
        let mut masks = Self { files: draft.pictures(folder)?, folders: Vec::new() };
        for folder in draft.folders(folder)? {
            let files = draft.pictures(&folder)?;
            masks.folders.push((folder, files));
        }
        Ok(masks)
    }

    /// All files.
    pub(super) fn all(self) -> impl Iterator<Item = PathBuf> {
        self.files.into_iter().chain(self.folders.into_iter().flat_map(|(_, files)| files))
    }
}

/// The masks of each picture, in the order of the pictures. `problems` receives every file that does not fit.
///
/// A picture `NNN.*` goes with the mask `NNN_mask.*` or `NNN.*`, or with all masks in the folder `NNN`.
pub(super) fn pair(pictures: &[PathBuf], masks: &Masks, problems: &mut Vec<Problem>) -> Vec<Vec<PathBuf>> {
    let mut number_of = BTreeMap::new();
    for (i, picture) in pictures.iter().enumerate() {
        if number_of.insert(stem(picture), i).is_some() {
            problems.push(Problem::SecondPicture(picture.clone()));
        }
    }
    let mut masks_of: Vec<Vec<PathBuf>> = vec![Vec::new(); pictures.len()];
    for mask in &masks.files {
        let name = stem(mask);
        let without_suffix = name.strip_suffix(b"_mask").unwrap_or(name);
        match number_of.get(name).or_else(|| number_of.get(without_suffix)) {
            None => problems.push(Problem::MaskWithoutPicture(mask.clone())),
            Some(&i) if !masks_of[i].is_empty() => problems.push(Problem::SecondMask(mask.clone())),
            Some(&i) => masks_of[i].push(mask.clone()),
        }
    }
    for (folder, files) in &masks.folders {
        match number_of.get(folder.file_name().unwrap_or_default().as_encoded_bytes()) {
            None => problems.extend(files.iter().cloned().map(Problem::MaskWithoutPicture)),
            Some(&i) if !masks_of[i].is_empty() => {
                problems.extend(files.iter().cloned().map(Problem::SecondMask));
            }
            Some(&i) => masks_of[i].clone_from(files),
        }
    }
    for (picture, masks) in pictures.iter().zip(&masks_of) {
        if masks.is_empty() {
            problems.push(Problem::PictureWithoutMask(picture.clone()));
        }
    }
    masks_of
}

fn stem(path: &Path) -> &[u8] {
    path.file_stem().unwrap_or_default().as_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    fn files(names: &[&str]) -> Masks {
        Masks { files: paths(names), folders: Vec::new() }
    }

    #[test]
    fn names_decide() {
        let mut problems = Vec::new();
        let masks = pair(
            &paths(&["1.png", "10.png", "2.jpg"]),
            &files(&["10_mask.png", "1_mask.png", "2.bmp"]),
            &mut problems,
        );
        assert_eq!(masks.concat(), paths(&["1_mask.png", "10_mask.png", "2.bmp"]));
        assert_eq!(problems, []);
    }

    #[test]
    fn a_folder_may_hold_several_masks_of_one_picture() {
        let mut problems = Vec::new();
        let folder = |name: &str, files: &[&str]| (PathBuf::from(name), paths(files));
        let masks = Masks {
            files: Vec::new(),
            folders: vec![folder("t/1", &["t/1/0.png", "t/1/1.png"]), folder("t/3", &["t/3/0.png"])],
        };
        let found = pair(&paths(&["1.png", "2.png"]), &masks, &mut problems);
        assert_eq!(found, [paths(&["t/1/0.png", "t/1/1.png"]), vec![]]);
        assert_eq!(
            problems,
            [Problem::MaskWithoutPicture("t/3/0.png".into()), Problem::PictureWithoutMask("2.png".into())]
        );
    }

    #[test]
    fn case_28_every_misfit_is_told() {
        let mut problems = Vec::new();
        pair(
            &paths(&["0.png", "1.bmp", "1.png", "2.png"]),
            &files(&["0.png", "0_mask.png", "1_mask.png", "7_mask.png"]),
            &mut problems,
        );
        assert_eq!(
            problems,
            [
                Problem::SecondPicture("1.png".into()),
                Problem::SecondMask("0_mask.png".into()),
                Problem::MaskWithoutPicture("7_mask.png".into()),
                Problem::PictureWithoutMask("1.bmp".into()),
                Problem::PictureWithoutMask("2.png".into()),
            ]
        );
    }
}

//! Which mask belongs to which picture: by name, never by order.

use super::PairFault;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The mask of each picture, in the order of the pictures. `faults` receives every file that does not fit.
///
/// A picture `NNN.*` goes with the mask `NNN_mask.*` or `NNN.*`.
pub(super) fn pair(
    pictures: &[PathBuf],
    masks: &[PathBuf],
    faults: &mut Vec<PairFault>,
) -> Vec<Option<PathBuf>> {
    let mut number_of = BTreeMap::new();
    for (i, picture) in pictures.iter().enumerate() {
        if number_of.insert(stem(picture), i).is_some() {
            faults.push(PairFault::SecondPicture(picture.clone()));
        }
    }
    let mut mask_of: Vec<Option<PathBuf>> = vec![None; pictures.len()];
    for mask in masks {
        let name = stem(mask);
        let without_suffix = name.strip_suffix(b"_mask").unwrap_or(name);
        match number_of.get(name).or_else(|| number_of.get(without_suffix)) {
            None => faults.push(PairFault::MaskWithoutPicture(mask.clone())),
            Some(&i) if mask_of[i].is_some() => faults.push(PairFault::SecondMask(mask.clone())),
            Some(&i) => mask_of[i] = Some(mask.clone()),
        }
    }
    for (picture, mask) in pictures.iter().zip(&mask_of) {
        if mask.is_none() {
            faults.push(PairFault::PictureWithoutMask(picture.clone()));
        }
    }
    mask_of
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

    #[test]
    fn names_decide() {
        let mut faults = Vec::new();
        let masks = pair(
            &paths(&["1.png", "10.png", "2.jpg"]),
            &paths(&["10_mask.png", "1_mask.png", "2.bmp"]),
            &mut faults,
        );
        let found: Vec<_> = masks.into_iter().flatten().collect();
        assert_eq!(found, paths(&["1_mask.png", "10_mask.png", "2.bmp"]));
        assert_eq!(faults, []);
    }

    #[test]
    fn every_misfit_is_told() {
        let mut faults = Vec::new();
        pair(
            &paths(&["0.png", "1.bmp", "1.png", "2.png"]),
            &paths(&["0.png", "0_mask.png", "1_mask.png", "7_mask.png"]),
            &mut faults,
        );
        assert_eq!(
            faults,
            [
                PairFault::SecondPicture("1.png".into()),
                PairFault::SecondMask("0_mask.png".into()),
                PairFault::MaskWithoutPicture("7_mask.png".into()),
                PairFault::PictureWithoutMask("1.bmp".into()),
                PairFault::PictureWithoutMask("2.png".into()),
            ]
        );
    }
}

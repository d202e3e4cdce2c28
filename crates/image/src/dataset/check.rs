//! Everything that can be told about a category without a model: what each file is for, and what is wrong.

use super::listing::{Kind, canonical, entries, is_picture};
use super::{Category, Dataset, DatasetError, Problem, Sample, Split};
use crate::decode::read_header;
use crate::limits::Limits;
use crate::mask::{Mask, read_mask};
use patchcore_files::read_regular;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a file of a data set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A picture of a split.
    Picture(Split),
    /// The mask of a picture.
    Mask,
    /// It says something about other files.
    List,
    /// Nothing.
    None,
}

/// What was found in a category.
#[derive(Debug)]
pub struct Examined {
    /// The category, as far as it can be read.
    pub category: Category,
    /// Every file, sorted by path.
    pub files: Vec<(PathBuf, Role)>,
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

impl Dataset {
    /// Looks at all files of a category: of pictures the headers are read, masks are read whole, and files of the same
    /// length are compared by their SHA-256.
    ///
    /// # Errors
    /// [`DatasetError`] if there is no such category, or its folders or lists cannot be read. What is wrong with single
    /// files is no error here.
    pub fn examine(&self, name: &str, limits: &Limits) -> Result<Examined, DatasetError> {
        let (category, mut problems) = self.draft(name)?;
        let missing: BTreeSet<PathBuf> = problems
            .iter()
            .filter_map(|p| if let Problem::Missing { path, .. } = p { Some(path.clone()) } else { None })
            .collect();
        let mut roles: BTreeMap<PathBuf, Role> = BTreeMap::new();
        for (split, sample) in category.samples() {
            roles.insert(sample.path.clone(), Role::Picture(split));
            roles.extend(sample.masks.iter().map(|mask| (mask.clone(), Role::Mask)));
            if !missing.contains(&sample.path) {
                check_sample(sample, &missing, limits, &mut problems);
            }
        }
        if let Some(folder) = self.folder(name)? {
            self.add_others(folder, &mut roles, &mut problems)?;
        }
        find_copies(&category, &missing, limits, &mut problems);
        Ok(Examined { category, files: roles.into_iter().collect(), problems })
    }

    /// Adds the files below `folder` that have no role yet.
    fn add_others(
        &self,
        folder: &Path,
        roles: &mut BTreeMap<PathBuf, Role>,
        problems: &mut Vec<Problem>,
    ) -> Result<(), DatasetError> {
        let root = canonical(folder)?;
        let told: BTreeSet<String> = problems.iter().map(ToString::to_string).collect();
        let explained: BTreeSet<PathBuf> = problems.iter().filter_map(explained).cloned().collect();
        let mut waiting = vec![folder.to_path_buf()];
        let mut new = Vec::new();
        while let Some(folder) = waiting.pop() {
            for entry in entries(&folder, &root)? {
                match entry.kind {
                    Kind::Folder => waiting.push(entry.path),
                    Kind::Link => new.push(Problem::Link(entry.path)),
                    Kind::File | Kind::Other if roles.contains_key(&entry.path) => {}
                    Kind::File | Kind::Other => {
                        let role = if self.is_list(&entry.path) { Role::List } else { Role::None };
                        let in_vain = is_picture(&entry.path) && !explained.contains(&entry.path);
                        if role == Role::None && in_vain {
                            new.push(Problem::NoRole(entry.path.clone()));
                        }
                        roles.insert(entry.path, role);
                    }
                }
            }
        }
        new.retain(|problem| !told.contains(&problem.to_string()));
        problems.extend(new);
        Ok(())
    }
}

/// The file that plays no part because of this problem.
fn explained(problem: &Problem) -> Option<&PathBuf> {
    match problem {
        Problem::MaskWithoutPicture(own)
        | Problem::SecondMask(own)
        | Problem::SecondPicture(own)
        | Problem::PictureWithoutMask(own)
        | Problem::NotAFile(own) => Some(own),
        _ => None,
    }
}

/// Masks hold one value, or one for each kind of defect.
const MOST_VALUES: usize = 16;

/// How many values other than zero a mask holds.
fn marking_values(mask: &Mask) -> usize {
    let mut seen = [false; 256];
    mask.values().iter().for_each(|&value| seen[usize::from(value)] = true);
    seen.iter().skip(1).filter(|seen| **seen).count()
}

/// Whether picture and masks can be read, belong together, and say something.
fn check_sample(sample: &Sample, missing: &BTreeSet<PathBuf>, limits: &Limits, problems: &mut Vec<Problem>) {
    let header = read_header(&sample.path, limits);
    match &header {
        Err(error) => problems.push(Problem::Unreadable(error.to_string())),
        Ok(header) => {
            let path = sample.path.clone();
            problems.extend(header.misnamed.map(|misnamed| Problem::Misnamed { path, misnamed }));
        }
    }
    let size = header.map(|header| header.size).ok();
    let mut marks = sample.masks.is_empty();
    for path in sample.masks.iter().filter(|path| !missing.contains(*path)) {
        match read_mask(path, limits) {
            Err(error) => {
                problems.push(Problem::Unreadable(error.to_string()));
                marks = true;
            }
            Ok(mask) => {
                let values = marking_values(&mask);
                marks |= values > 0;
                if values > MOST_VALUES {
                    problems.push(Problem::ManyValues { mask: path.clone(), values });
                }
                let mask_size = [mask.width() as u32, mask.height() as u32];
                if let Some(picture_size) = size.filter(|&size| size != mask_size) {
                    let (mask, picture) = (path.clone(), sample.path.clone());
                    problems.push(Problem::MaskSize { mask, mask_size, picture, picture_size });
                }
            }
        }
    }
    if sample.is_anomalous() && !marks {
        problems.push(Problem::EmptyMask(sample.path.clone()));
    }
}

/// Pictures that are the same file: tested with and not, or trained on twice.
fn find_copies(
    category: &Category,
    missing: &BTreeSet<PathBuf>,
    limits: &Limits,
    problems: &mut Vec<Problem>,
) {
    let mut of_length: BTreeMap<u64, Vec<(Split, &Path)>> = BTreeMap::new();
    for (split, sample) in category.samples().filter(|(_, sample)| !missing.contains(&sample.path)) {
        let Ok(about) = std::fs::metadata(&sample.path) else { continue };
        of_length.entry(about.len()).or_default().push((split, &sample.path));
    }
    for (_, files) in of_length.into_iter().filter(|(length, files)| *length > 0 && files.len() > 1) {
        let mut first_of: BTreeMap<[u8; 32], (Split, &Path)> = BTreeMap::new();
        for (split, path) in files {
            // What cannot be read has been told.
            let Ok(bytes) = read_regular(path, limits.max_file_bytes) else { continue };
            let first = *first_of.entry(Sha256::digest(&bytes).into()).or_insert((split, path));
            let (first, path_of_first) = (first.0, first.1.to_path_buf());
            if path_of_first == path {
                continue;
            }
            match (first, split) {
                (Split::Train | Split::Validation, Split::Test) => {
                    problems.push(Problem::Leak { train: path_of_first, test: path.to_path_buf() });
                }
                (Split::Train, Split::Train) => {
                    problems.push(Problem::Copy { first: path_of_first, second: path.to_path_buf() });
                }
                _ => {}
            }
        }
    }
}

//! The layout of MVTec AD.
//!
//! ```text
//! ROOT/CATEGORY/train/good/NNN.png
//! ROOT/CATEGORY/test/good/NNN.png
//! ROOT/CATEGORY/test/DEFECT/NNN.png
//! ROOT/CATEGORY/ground_truth/DEFECT/NNN_mask.png      (or NNN.png)
//! ```
//!
//! Source: Bergmann et al., CVPR 2019, <https://www.mvtec.com/company/research/datasets/mvtec-ad>.

use super::listing::{Kind, canonical, entries, is_picture};
use super::pairs::pair;
use super::{DatasetError, PairFault};
use std::path::{Component, Path, PathBuf};

/// Name of the folders of normal pictures.
const GOOD: &str = "good";

/// One picture of a data set, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The picture's file.
    pub path: PathBuf,
    /// Name of its folder: the kind of defect, `good` for normal.
    pub defect: String,
    /// Whether it shows a defect.
    pub anomalous: bool,
    /// Its ground-truth mask; `None` for normal pictures and for kinds of defect without masks.
    pub mask: Option<PathBuf>,
}

/// One category (product) of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its folder's name.
    pub name: String,
    /// Normal pictures to fit on, sorted by path.
    pub train: Vec<Sample>,
    /// Pictures to evaluate on, sorted by kind, then path; empty if there is no folder `test`.
    pub test: Vec<Sample>,
}

/// Reads where the pictures and masks of one category lie.
///
/// Files that are no pictures and hidden entries are ignored, so are folders of `train` other than `good`. A kind of
/// defect without a folder in `ground_truth` has no masks. Masks and pictures are paired by name.
///
/// # Errors
///
/// [`DatasetError`] if a folder is missing or empty, if a link leads out of the category, and with the list of all
/// pictures and masks that cannot be paired.
pub fn mvtec_category(root: &Path, name: &str) -> Result<Category, DatasetError> {
    let folder = category_folder(root, name)?;
    let canonical = canonical(&folder)?;
    let good = folder.join("train").join(GOOD);
    if !good.is_dir() {
        return Err(DatasetError::NoTrainGood { category: folder });
    }
    let train = files(&good, &canonical)?;
    if train.is_empty() {
        return Err(DatasetError::NoPictures { path: good, skipped: 0 });
    }
    Ok(Category {
        name: name.to_string(),
        train: train.into_iter().map(normal).collect(),
        test: test_samples(&folder, &canonical)?,
    })
}

/// The categories of a data set: folders that hold `train/good`, sorted. May be empty.
///
/// # Errors
/// [`DatasetError`] if the root is missing or cannot be read.
pub fn mvtec_categories(root: &Path) -> Result<Vec<String>, DatasetError> {
    canonical(root)?;
    let io = |fault| DatasetError::Io { path: root.to_path_buf(), fault };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root).map_err(io)? {
        let entry = entry.map_err(io)?;
        let is_category = entry.path().join("train").join(GOOD).is_dir();
        names.extend(
            entry.file_name().into_string().ok().filter(|name| is_category && !name.starts_with('.')),
        );
    }
    names.sort();
    Ok(names)
}

/// The folder of a category that exists. A name is one folder name, so that none leads out of the root.
fn category_folder(root: &Path, name: &str) -> Result<PathBuf, DatasetError> {
    let found = mvtec_categories(root)?;
    let folder = root.join(name);
    let mut parts = Path::new(name).components();
    let is_one_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    if is_one_name && folder.is_dir() {
        return Ok(folder);
    }
    Err(DatasetError::NoCategory { root: root.to_path_buf(), name: name.to_string(), found })
}

fn test_samples(category: &Path, canonical: &Path) -> Result<Vec<Sample>, DatasetError> {
    let truth = category.join("ground_truth");
    let mut faults = Vec::new();
    let mut samples = Vec::new();
    let kinds = folders(&category.join("test"), canonical)?;
    for kind in &kinds {
        let pictures = files(kind, canonical)?;
        let defect = folder_name(kind);
        if defect == GOOD {
            samples.extend(pictures.into_iter().map(normal));
            continue;
        }
        let mask_folder = kind.file_name().map(|name| truth.join(name)).filter(|folder| folder.is_dir());
        let masks = match mask_folder {
            Some(folder) => pair(&pictures, &files(&folder, canonical)?, &mut faults),
            None => vec![None; pictures.len()],
        };
        let sample = |(path, mask)| Sample { path, defect: defect.clone(), anomalous: true, mask };
        samples.extend(pictures.into_iter().zip(masks).map(sample));
    }
    for folder in folders(&truth, canonical)? {
        let has_pictures = kinds.iter().any(|kind| kind.file_name() == folder.file_name());
        if !has_pictures && folder_name(&folder) != GOOD {
            faults.extend(files(&folder, canonical)?.into_iter().map(PairFault::MaskWithoutPicture));
        }
    }
    if faults.is_empty() {
        Ok(samples)
    } else {
        Err(DatasetError::Unpaired { category: category.to_path_buf(), faults })
    }
}

fn normal(path: PathBuf) -> Sample {
    Sample { path, defect: GOOD.to_string(), anomalous: false, mask: None }
}

/// The pictures of one folder, sorted.
fn files(folder: &Path, canonical: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    Ok(of_kind(folder, canonical, Kind::File)?.into_iter().filter(|path| is_picture(path)).collect())
}

/// The folders in one folder, sorted; none if it does not exist.
fn folders(folder: &Path, canonical: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    if folder.is_dir() { of_kind(folder, canonical, Kind::Folder) } else { Ok(Vec::new()) }
}

/// Leaving out what a link leads to would change results in silence: such a link is an error.
fn of_kind(folder: &Path, canonical: &Path, wanted: Kind) -> Result<Vec<PathBuf>, DatasetError> {
    let all = entries(folder, canonical)?;
    if let Some(link) = all.iter().find(|entry| entry.kind == Kind::Link) {
        return Err(DatasetError::Link { path: link.path.clone() });
    }
    Ok(all.into_iter().filter(|entry| entry.kind == wanted).map(|entry| entry.path).collect())
}

fn folder_name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;

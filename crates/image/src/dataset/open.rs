//! A data set on disk, in any layout: its categories by name.

use super::draft::{Draft, name_of};
use super::layout::is_hidden;
use super::listed::Row;
use super::listing::canonical;
use super::loco::{CONFIG, Saturation, saturations};
use super::{
    Category, DatasetError, Layout, ManifestForm, Problem, kolektor, listed, manifest, plain, real_iad, visa,
};
use patchcore_files::shown;
use std::path::{Path, PathBuf};

/// A data set that lies on disk in one of the [`Layout`]s. Nothing but lists has been read yet.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let root = folder.path();
/// for name in ["bolt/train/good/0.png", "bolt/test/dent/1.png", "bolt/ground_truth/dent/1_mask.png"] {
///     let path = root.join(name);
///     std::fs::create_dir_all(path.parent().unwrap())?;
///     std::fs::write(path, "")?;
/// }
/// let dataset = patchcore_image::Dataset::open(root, None)?;
/// assert_eq!(dataset.layout().name(), "mvtec");
/// assert_eq!(dataset.names(), ["bolt"]);
///
/// let bolt = dataset.category("bolt")?;
/// assert_eq!((bolt.train.len(), bolt.test.len()), (1, 1));
/// assert_eq!(bolt.test[0].masks, [root.join("bolt/ground_truth/dent/1_mask.png")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Dataset {
    root: PathBuf,
    layout: Layout,
    /// Sorted by name.
    categories: Vec<(String, Source)>,
    warnings: Vec<String>,
}

/// Where the files of a category are told.
#[derive(Debug)]
enum Source {
    /// By where they lie in this folder.
    Folder(PathBuf),
    /// By rows of a list of all categories, and the folder in which they lie, if it is one.
    Rows(Vec<Row>, Option<PathBuf>),
    /// By a list of its own, of files in a folder.
    List(PathBuf, PathBuf),
}

impl Dataset {
    /// Opens the data set at `root`, a folder or a manifest; without `layout` it is recognised by what is there.
    ///
    /// # Errors
    /// [`DatasetError`] if nothing is there, if no layout fits or several do, and for lists that cannot be used.
    pub fn open(root: &Path, layout: Option<Layout>) -> Result<Self, DatasetError> {
        let layout = layout.map_or_else(|| Layout::recognise(root), Ok)?;
        if layout != Layout::Manifest {
            canonical(root)?;
        }
        let mut warnings = Vec::new();
        let whole = || vec![(own_name(root), Source::Folder(root.to_path_buf()))];
        let mut categories: Vec<(String, Source)> = match layout {
            Layout::Folder | Layout::KolektorSdd => whole(),
            Layout::Visa => {
                let of_rows = |(name, rows)| {
                    let folder = root.join(&name);
                    (name, Source::Rows(rows, Some(folder)))
                };
                visa::rows(root)?.into_iter().map(of_rows).collect()
            }
            Layout::RealIad => {
                let mut found = Vec::new();
                for (name, list) in real_iad::categories(root)? {
                    let pictures = real_iad::pictures(root, &name)?;
                    found.push((name, Source::List(list, pictures)));
                }
                found
            }
            Layout::Manifest => {
                let form = ManifestForm::of(root).unwrap_or(ManifestForm::Csv);
                let read = manifest::read(root, form)?;
                warnings = read.warnings;
                read.categories.into_iter().map(|(name, rows)| (name, Source::Rows(rows, None))).collect()
            }
            Layout::Mvtec | Layout::MvtecAd2 | Layout::MvtecLoco | Layout::Btad => {
                if layout.tree().is_some_and(|tree| tree.fits(root)) {
                    whole()
                } else {
                    folders(root, layout, &mut warnings)?
                }
            }
        };
        categories.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self { root: root.to_path_buf(), layout, categories, warnings })
    }

    /// Where it lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How its files lie.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The categories, sorted; may be empty.
    pub fn names(&self) -> Vec<&str> {
        self.categories.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// What was not understood and is left out: unknown columns of a manifest, categories whose name is no text.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// One category, if nothing is wrong with where its files are.
    ///
    /// # Errors
    /// [`DatasetError`] if there is no such category, if it has no pictures, and with the list of all files that are
    /// wrong.
    pub fn category(&self, name: &str) -> Result<Category, DatasetError> {
        let (category, mut faults) = self.draft(name)?;
        faults.retain(|problem| !problem.is_warning());
        let place = self.folder(name)?.unwrap_or(&self.root).to_path_buf();
        if !faults.is_empty() {
            return Err(DatasetError::Faulty { category: place, faults });
        }
        if category.samples().next().is_none() {
            return Err(DatasetError::NoPictures { path: place, skipped: 0 });
        }
        Ok(category)
    }

    /// When a defect counts as found whole; none but in MVTec LOCO AD.
    ///
    /// # Errors
    /// [`DatasetError`] if there is no such category, and if its `defects_config.json` is missing or cannot be used.
    pub fn saturations(&self, name: &str) -> Result<Vec<Saturation>, DatasetError> {
        match self.folder(name)? {
            Some(folder) if self.layout == Layout::MvtecLoco => saturations(folder),
            _ => Ok(Vec::new()),
        }
    }

    /// A category as far as it can be read, with everything that is wrong with where its files are.
    pub(super) fn draft(&self, name: &str) -> Result<(Category, Vec<Problem>), DatasetError> {
        let source = self.source(name)?;
        let links_stay_in = match source {
            Source::Folder(folder) | Source::List(_, folder) | Source::Rows(_, Some(folder)) => {
                folder.clone()
            }
            Source::Rows(_, None) => match self.root.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
                _ => PathBuf::from("."),
            },
        };
        let mut draft = Draft::new(name, &links_stay_in)?;
        match (source, self.layout.tree()) {
            (Source::Folder(folder), Some(tree)) => tree.read(folder, &mut draft)?,
            (Source::Folder(folder), None) if self.layout == Layout::KolektorSdd => {
                kolektor::read(folder, &mut draft)?;
            }
            (Source::Folder(folder), None) => plain::read(folder, &mut draft)?,
            (Source::Rows(rows, _), _) => listed::read(rows, &mut draft),
            (Source::List(list, folder), _) => listed::read(&real_iad::rows(list, folder)?, &mut draft),
        }
        Ok(draft.finish())
    }

    /// The folder in which all files of a category lie, if it is one.
    pub(super) fn folder(&self, name: &str) -> Result<Option<&Path>, DatasetError> {
        Ok(match self.source(name)? {
            Source::Folder(folder) | Source::List(_, folder) => Some(folder),
            Source::Rows(_, folder) => folder.as_deref(),
        })
    }

    /// A file that tells of a category without being a picture or a mask.
    pub(super) fn is_list(&self, file: &Path) -> bool {
        match self.layout {
            Layout::MvtecLoco => name_of(file) == CONFIG,
            Layout::Visa => name_of(file) == "image_anno.csv",
            _ => false,
        }
    }

    fn source(&self, name: &str) -> Result<&Source, DatasetError> {
        let found = self.categories.iter().find(|(own, _)| own == name);
        found.map(|(_, source)| source).ok_or_else(|| DatasetError::NoCategory {
            root: self.root.clone(),
            name: name.to_string(),
            found: self.names().into_iter().map(str::to_string).collect(),
        })
    }
}

/// Reads one category of a data set in the layout of MVTec AD.
///
/// # Errors
/// As [`Dataset::open`] and [`Dataset::category`].
pub fn mvtec_category(root: &Path, name: &str) -> Result<Category, DatasetError> {
    Dataset::open(root, Some(Layout::Mvtec))?.category(name)
}

/// The folders of the root that can be categories. One whose name is no text cannot be asked for: that is a warning.
fn folders(
    root: &Path,
    layout: Layout,
    warnings: &mut Vec<String>,
) -> Result<Vec<(String, Source)>, DatasetError> {
    let io = |fault| DatasetError::Io { path: root.to_path_buf(), fault };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).map_err(io)? {
        let entry = entry.map_err(io)?;
        let fits = !is_hidden(&entry) && layout.tree().is_some_and(|tree| tree.fits(&entry.path()));
        match entry.file_name().into_string() {
            Ok(name) if fits => found.push((name, Source::Folder(entry.path()))),
            Err(_) if fits => {
                warnings.push(format!("{}: its name is not UTF-8, left out", shown(&entry.path())));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// What a data set of one category is called: as its folder.
fn own_name(root: &Path) -> String {
    let whole = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
    name_of(&whole)
}

//! Which files of a folder are pictures.

use super::DatasetError;
use patchcore_files::shown;
use std::fmt;
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};

/// The extensions, in lower case, by which pictures are found. Case does not matter.
pub const EXTENSIONS: [&str; 11] =
    ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "pbm", "pgm", "ppm", "pnm"];

/// The pictures below a folder, and what was left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Pictures, sorted by path.
    pub pictures: Vec<PathBuf>,
    /// Links that lead out of the folder, to folders or nowhere, and picture names on pipes or devices; sorted by path.
    pub skipped: Vec<Skipped>,
}

/// What a [`Listing`] leaves out; prints as `PATH: reason`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Where it stands.
    pub path: PathBuf,
    /// Whether it is a link; else it is a pipe, socket or device.
    pub is_link: bool,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_link { "a link" } else { "a pipe, socket or device" };
        write!(f, "{}: {what}, left out", shown(&self.path))
    }
}

/// All pictures below `dir`, sorted by path.
///
/// Pictures are known by their extension (see [`EXTENSIONS`]). Hidden files and folders are ignored. A link counts if
/// it leads to a file within `dir`; links to folders are never followed, so there are no loops.
///
/// # Errors
///
/// [`DatasetError`] if the folder is missing or cannot be read, holds no pictures, or holds folders nested so deep that the
/// system takes no path of that length.
///
/// # Examples
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # std::fs::create_dir(dir.path().join("b"))?;
/// for name in ["b/2.PNG", "a.jpg", "notes.txt", ".hidden.png"] {
///     std::fs::write(dir.path().join(name), "")?;
/// }
/// let pictures = patchcore_image::list_pictures(dir.path())?.pictures;
/// assert_eq!(pictures, [dir.path().join("a.jpg"), dir.path().join("b/2.PNG")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn list_pictures(dir: &Path) -> Result<Listing, DatasetError> {
    let root = canonical(dir)?;
    let mut listing = Listing::default();
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in entries(&folder, &root)? {
            match entry.kind {
                Kind::Folder => waiting.push(entry.path),
                Kind::File if is_picture(&entry.path) => listing.pictures.push(entry.path),
                Kind::Link => listing.skipped.push(Skipped { path: entry.path, is_link: true }),
                Kind::Other if is_picture(&entry.path) => {
                    listing.skipped.push(Skipped { path: entry.path, is_link: false });
                }
                Kind::File | Kind::Other => {}
            }
        }
    }
    listing.pictures.sort();
    listing.skipped.sort();
    if listing.pictures.is_empty() {
        return Err(DatasetError::NoPictures { path: dir.to_path_buf(), skipped: listing.skipped.len() });
    }
    Ok(listing)
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    /// A regular file, or a link to one within the root.
    File,
    /// A link to anything else.
    Link,
    /// A pipe, socket or device.
    Other,
}

/// One entry of a folder.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
}

/// What `folder` holds, sorted by path, hidden entries left out. `root` is canonical; links must stay within it.
pub(super) fn entries(folder: &Path, root: &Path) -> Result<Vec<Entry>, DatasetError> {
    let io = |fault: io::Error| match fault.kind() {
        io::ErrorKind::InvalidFilename => DatasetError::TooDeep { path: folder.to_path_buf() },
        _ => DatasetError::Io { path: folder.to_path_buf(), fault },
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            entries.push(Entry { path: entry.path(), kind: kind(&entry, root).map_err(io)? });
        }
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

fn kind(entry: &DirEntry, root: &Path) -> io::Result<Kind> {
    let file_type = entry.file_type()?;
    Ok(if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_file() {
        Kind::File
    } else if file_type.is_symlink() {
        let target = std::fs::canonicalize(entry.path()).ok();
        if target.is_some_and(|t| t.starts_with(root) && t.is_file()) { Kind::File } else { Kind::Link }
    } else {
        Kind::Other
    })
}

/// Whether the extension is one of a picture.
pub(super) fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// The folder's path without links.
pub(super) fn canonical(dir: &Path) -> Result<PathBuf, DatasetError> {
    if !dir.is_dir() {
        return Err(DatasetError::NoFolder { path: dir.to_path_buf() });
    }
    std::fs::canonicalize(dir).map_err(|fault| DatasetError::Io { path: dir.to_path_buf(), fault })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }

    #[test]
    fn case_25_an_empty_folder_says_what_was_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".DS_Store", "Thumbs.db", ".hidden.png", ".git/a.png", "readme.md"] {
            touch(&dir.path().join(name));
        }
        let error = list_pictures(dir.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(error.to_string().contains("no pictures; looked for *.png, *.jpg"), "{error}");
    }

    #[test]
    fn a_missing_folder_is_input_and_a_file_is_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        touch(&dir.path().join("a.png"));
        for path in [dir.path().join("none"), dir.path().join("a.png")] {
            let error = list_pictures(&path).unwrap_err();
            assert!(matches!(error, DatasetError::NoFolder { .. }), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn case_30_links_stay_within_the_folder() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        touch(&elsewhere.path().join("out.png"));
        let at = |name: &str| dir.path().join(name);
        touch(&at("sub/real.png"));
        symlink(at("sub/real.png"), at("inside.png")).unwrap();
        symlink(elsewhere.path().join("out.png"), at("out.png")).unwrap();
        symlink(elsewhere.path(), at("out_folder")).unwrap();
        symlink(at("nowhere"), at("broken.png")).unwrap();
        symlink(dir.path(), at("sub/loop")).unwrap();
        let listing = list_pictures(dir.path()).unwrap();
        assert_eq!(listing.pictures, [at("inside.png"), at("sub/real.png")]);
        let skipped = ["broken.png", "out.png", "out_folder", "sub/loop"];
        let skipped = skipped.map(|name| Skipped { path: at(name), is_link: true });
        assert_eq!(listing.skipped, skipped);
    }

    #[test]
    fn case_32_odd_names_are_pictures_too() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["-rf.png", "=cmd().png", "a\nb.png", "x.y.z.TIFF"] {
            touch(&dir.path().join(name));
        }
        assert_eq!(list_pictures(dir.path()).unwrap().pictures.len(), 4);
    }
}

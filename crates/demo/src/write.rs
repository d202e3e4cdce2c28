//! Puts pictures and masks into their folders.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use patchcore_files::{is_temporary, write_atomic};

use crate::camera::{HEIGHT, Picture, WIDTH};
use crate::category::Category;
use crate::error::DemoError;
use crate::plan::Shot;

/// The file by which a folder made here is known.
pub(crate) const MARKER: &str = ".patchcore-demo";

const MARKER_TEXT: &str =
    "Made by the PatchCore demo generator, which may replace the folders weave and widget.\n";

/// Makes `root` ours: it is new, empty, or was ours before and is emptied of the old pictures.
pub(crate) fn claim(root: &Path) -> Result<(), DemoError> {
    fs::create_dir_all(root).map_err(|source| io_error(root, source))?;
    let marker = root.join(MARKER);
    if marker.is_file() {
        return Category::ALL.iter().try_for_each(|category| remove(&root.join(category.name())));
    }
    let mut entries = fs::read_dir(root).map_err(|source| io_error(root, source))?;
    if entries.any(|entry| !entry.is_ok_and(|entry| is_temporary(&entry.file_name()))) {
        return Err(DemoError::Occupied { path: root.to_path_buf(), marker: MARKER });
    }
    write_atomic(&marker, MARKER_TEXT.as_bytes(), false).map_err(DemoError::File)
}

fn remove(folder: &Path) -> Result<(), DemoError> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(io_error(folder, source)),
        _ => Ok(()),
    }
}

/// Makes every folder that the pictures need.
pub(crate) fn make_folders(root: &Path, plan: &[Shot]) -> Result<(), DemoError> {
    let files = plan.iter().flat_map(|shot| {
        let mask = shot.is_defect().then(|| shot.mask_path());
        [Some(shot.picture_path()), mask].into_iter().flatten()
    });
    let folders: BTreeSet<PathBuf> =
        files.filter_map(|file| file.parent().map(|dir| root.join(dir))).collect();
    folders
        .iter()
        .try_for_each(|folder| fs::create_dir_all(folder).map_err(|source| io_error(folder, source)))
}

/// Writes one picture, with its mask if it shows a defect.
pub(crate) fn shot(root: &Path, shot: &Shot, picture: &Picture) -> Result<(), DemoError> {
    png(&root.join(shot.picture_path()), &picture.rgb, ExtendedColorType::Rgb8)?;
    if shot.is_defect() {
        png(&root.join(shot.mask_path()), &picture.mask, ExtendedColorType::L8)?;
    }
    Ok(())
}

fn png(path: &Path, pixels: &[u8], colours: ExtendedColorType) -> Result<(), DemoError> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(pixels, WIDTH as u32, HEIGHT as u32, colours)
        .map_err(|source| DemoError::Encode { path: path.to_path_buf(), source })?;
    write_atomic(path, &bytes, true).map_err(DemoError::File)
}

fn io_error(path: &Path, source: io::Error) -> DemoError {
    DemoError::Io { path: path.to_path_buf(), source }
}

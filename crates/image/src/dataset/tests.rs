//! Small data sets in every layout.

mod examine;
mod layouts;
mod manifest;
mod mvtec;

use super::*;
use image::{GrayImage, Luma};
use std::path::{Path, PathBuf};

/// A data set of empty files.
fn dataset(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in names {
        write(&dir.path().join(name), "");
    }
    dir
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A picture of 4x3 pixels, all of this value but the first, which is `first`.
fn draw(path: &Path, value: u8, first: u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixel = |x, y| Luma([if (x, y) == (0, 0) { first } else { value }]);
    GrayImage::from_fn(4, 3, pixel).save(path).unwrap();
}

fn open(root: &Path) -> Dataset {
    Dataset::open(root, None).unwrap()
}

/// Each picture of a category as `split defect label path: masks`, paths below the root.
fn lines(root: &Path, category: &Category) -> Vec<String> {
    let below = |path: &PathBuf| path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
    let line = |(split, s): (Split, &Sample)| {
        let masks: Vec<String> = s.masks.iter().map(below).collect();
        let words = [split.name(), &s.defect, s.label.name(), &below(&s.path)];
        format!("{}: {}", words.join(" "), masks.join(" ")).trim_end().to_string()
    };
    category.samples().map(line).collect()
}

//! Weights in files beside the ONNX file.

use crate::OnnxError;
use crate::proto::{Elsewhere, Model, Values};
use patchcore_files::{FileError, read_regular};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// The bytes of all files that a model refers to, by their location.
pub(crate) type ExternalData = BTreeMap<String, Vec<u8>>;

/// Reads all files that the model refers to. They must lie in `folder` or below, also when links are followed, and each has
/// one name: a file of many names would be read many times, and one with a name elsewhere may be anybody's.
pub(crate) fn read(model: &Model, folder: &Path) -> Result<ExternalData, OnnxError> {
    let mut data = ExternalData::new();
    let mut files = BTreeSet::new();
    for tensor in model.tensors() {
        let Values::Elsewhere(Elsewhere { location, .. }) = tensor.values else { continue };
        if data.contains_key(location) {
            continue;
        }
        let file = place(location, folder)?;
        if !files.insert(file.clone()) {
            return Err(wrong(location, "another location is the same file"));
        }
        let bytes = read_regular(&file, u64::MAX).map_err(|error| match error {
            FileError::NotRegular { found, .. } => wrong(location, format!("not a regular file but {found}")),
            other => other.into(),
        })?;
        data.insert(location.into(), bytes);
    }
    Ok(data)
}

/// The path without links of a file that a model refers to.
fn place(location: &str, folder: &Path) -> Result<PathBuf, OnnxError> {
    let inside = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || !Path::new(location).components().all(inside) {
        return Err(wrong(location, "only files in the model's folder or below are read"));
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let canonical = |path: &Path| {
        path.canonicalize().map_err(|source| match source.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => {
                FileError::Read { path: path.to_path_buf(), source }.into()
            }
            _ => wrong(location, source.to_string()),
        })
    };
    let file = canonical(&folder.join(location))?;
    if !file.starts_with(canonical(folder)?) {
        return Err(wrong(location, "a link leads out of the model's folder"));
    }
    if names(&file) > 1 {
        return Err(wrong(
            location,
            "the file has another name elsewhere (a hard link): put a copy in its place",
        ));
    }
    Ok(file)
}

/// How many names a file has, where the system tells.
fn names(file: &Path) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().map_or(1, |about| if about.is_file() { about.nlink() } else { 1 })
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        1
    }
}

fn wrong(location: &str, problem: impl Into<String>) -> OnnxError {
    OnnxError::ExternalData { location: location.into(), problem: problem.into() }
}

/// Brings the values of all tensors into the model.
pub(crate) fn resolve<'a>(mut model: Model<'a>, data: &'a ExternalData) -> Result<Model<'a>, OnnxError> {
    for tensor in model.tensors_mut() {
        let Values::Elsewhere(Elsewhere { location, offset, len }) = tensor.values else { continue };
        let bytes = data.get(location).map(Vec::as_slice).unwrap_or_default();
        let end = offset.checked_add(len);
        let range = end.and_then(|end| bytes.get(offset..end)).ok_or_else(|| {
            let (name, has) = (tensor.name, bytes.len());
            wrong(location, format!("tensor {name:?} needs {len} bytes from {offset} on, the file has {has}"))
        })?;
        tensor.values = Values::Here(range.into());
    }
    Ok(model)
}

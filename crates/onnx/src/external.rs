//! Weights in files beside the ONNX file.

use crate::OnnxError;
use crate::proto::{Elsewhere, Model, Values};
use patchcore_files::{FileError, read_regular};
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// The bytes of all files that a model refers to, by their location.
pub(crate) type ExternalData = BTreeMap<String, Vec<u8>>;

/// Reads all files that the model refers to. They must lie in `folder` or below, also when links are followed.
pub(crate) fn read(model: &Model, folder: &Path) -> Result<ExternalData, OnnxError> {
    let mut data = ExternalData::new();
    for tensor in model.tensors() {
        if let Values::Elsewhere(Elsewhere { location, .. }) = tensor.values
            && !data.contains_key(location)
        {
            data.insert(location.into(), read_one(location, folder)?);
        }
    }
    Ok(data)
}

fn read_one(location: &str, folder: &Path) -> Result<Vec<u8>, OnnxError> {
    let wrong =
        |problem: &str| OnnxError::ExternalData { location: location.into(), problem: problem.into() };
    let inside = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || !Path::new(location).components().all(inside) {
        return Err(wrong("only files in the model's folder or below are read"));
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let path = folder.join(location);
    let canonical = |path: &Path| {
        path.canonicalize().map_err(|source| FileError::Read { path: path.to_path_buf(), source })
    };
    if !canonical(&path)?.starts_with(canonical(folder)?) {
        return Err(wrong("a link leads out of the model's folder"));
    }
    Ok(read_regular(&path, u64::MAX)?)
}

/// Brings the values of all tensors into the model.
pub(crate) fn resolve<'a>(mut model: Model<'a>, data: &'a ExternalData) -> Result<Model<'a>, OnnxError> {
    for tensor in model.tensors_mut() {
        let Values::Elsewhere(Elsewhere { location, offset, len }) = tensor.values else { continue };
        let bytes = data.get(location).map(Vec::as_slice).unwrap_or_default();
        let end = offset.checked_add(len);
        let range = end.and_then(|end| bytes.get(offset..end)).ok_or_else(|| OnnxError::ExternalData {
            location: location.into(),
            problem: format!(
                "tensor {:?} needs {len} bytes from {offset} on, the file has {}",
                tensor.name,
                bytes.len()
            ),
        })?;
        tensor.values = Values::Here(range.into());
    }
    Ok(model)
}

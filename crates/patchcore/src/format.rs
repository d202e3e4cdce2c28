//! The model file: one safetensors file, readable from Python, with a checksum over every byte.
//!
//! | part | holds |
//! |---|---|
//! | `__metadata__` | `format` = `patchcore`, `format_version`, `model` = parameters, provenance, thresholds as JSON |
//! | tensor `bank` | `f32 [rows, d]`, in the order of selection |
//! | tensor `bank_origin` | `u32 [rows, 3]`: picture number, row and column of the patch grid |
//! | tensor `checksum` | `u8 [32]`, the last bytes of the file: SHA-256 of all bytes before |
//!
//! A checksum finds accidents, not forgery. The version is this format's own: files of every released version stay
//! readable.

use crate::bank::{MemoryBank, Origin};
use crate::calibration::Calibration;
use crate::predict::{Fitted, Training};
use crate::{Error, Params};
use patchcore_tensor::Embeddings;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;

/// The version that is written, and the newest that is read.
pub const FORMAT_VERSION: u32 = 1;

const CHECKSUM: usize = 32;
const FORMAT: &str = "patchcore";

/// The JSON part of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    params: Params,
    fingerprint: String,
    training: Training,
    calibration: Option<Calibration>,
}

impl Fitted {
    /// The bytes of a model file; equal models give equal bytes.
    ///
    /// # Errors
    /// The reason as text, if a value cannot be written (a number that is not finite).
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let header = Header {
            params: self.params.clone(),
            fingerprint: self.fingerprint.clone(),
            training: self.training.clone(),
            calibration: self.calibration.clone(),
        };
        let json = serde_json::to_string(&header).map_err(|e| e.to_string())?;
        let bank: Vec<u8> = self.bank.rows.data().iter().flat_map(|v| v.to_le_bytes()).collect();
        let origins: Vec<u8> =
            self.bank.origins.iter().flat_map(|o| [o.picture, o.y, o.x]).flat_map(u32::to_le_bytes).collect();
        let (rows, d) = (self.bank.len(), self.bank.rows.dim());
        let view =
            |dtype, shape: Vec<usize>, data| TensorView::new(dtype, shape, data).map_err(|e| e.to_string());
        let checksum = [0u8; CHECKSUM];
        // The format sorts wider types first, so the checksum, the only bytes, comes last.
        let tensors = [
            ("bank", view(Dtype::F32, vec![rows, d], &bank)?),
            ("bank_origin", view(Dtype::U32, vec![rows, 3], &origins)?),
            ("checksum", view(Dtype::U8, vec![CHECKSUM], &checksum)?),
        ];
        let metadata =
            [("format", FORMAT.to_string()), ("format_version", FORMAT_VERSION.to_string()), ("model", json)];
        let mut bytes = one_order(tensors, metadata)?;
        let end = bytes.len() - CHECKSUM;
        let sum = Sha256::digest(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum);
        Ok(bytes)
    }

    /// Reads the bytes of a model file.
    ///
    /// # Errors
    /// The reason as text: not a model, altered or truncated, made by a newer version, or inconsistent.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let metadata = metadata(bytes)?;
        let end = bytes.len() - CHECKSUM;
        if Sha256::digest(&bytes[..end])[..] != bytes[end..] {
            return Err("checksum mismatch: the file was altered or cut off".into());
        }
        let get = |name: &str| metadata.get(name).ok_or_else(|| format!("no {name} in the header"));
        let version: u32 =
            get("format_version")?.parse().map_err(|_| "unreadable format version".to_string())?;
        if version == 0 || version > FORMAT_VERSION {
            return Err(format!("format version {version}; this program reads up to {FORMAT_VERSION}"));
        }
        let header: Header = serde_json::from_str(get("model")?).map_err(|e| format!("header: {e}"))?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let fitted = Self {
            bank: read_bank(&file)?,
            params: header.params,
            fingerprint: header.fingerprint,
            training: header.training,
            calibration: header.calibration,
        };
        fitted.check()?;
        Ok(fitted)
    }

    /// Writes the model file whole or not at all; an existing file only with `force`.
    ///
    /// # Errors
    /// [`Error::File`] with the file and the reason.
    pub fn save(&self, path: &Path, force: bool) -> Result<(), Error> {
        let bytes = self.to_bytes().map_err(|reason| Error::BadModel { path: path.into(), reason })?;
        Ok(patchcore_files::write_atomic(path, &bytes, force)?)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read, [`Error::BadModel`] with the reason if it is not an intact model.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bytes = patchcore_files::read_regular(path, u64::MAX)?;
        Self::from_bytes(&bytes).map_err(|reason| Error::BadModel { path: path.into(), reason })
    }

    fn check(&self) -> Result<(), String> {
        self.params.check().map_err(|e| e.to_string())?;
        if self.bank.is_empty() || self.bank.rows.dim() == 0 {
            return Err("the memory bank is empty".into());
        }
        if let Some(i) = self.bank.rows.data().iter().position(|v| !v.is_finite()) {
            return Err(format!("row {} of the memory bank is not finite", i / self.bank.rows.dim()));
        }
        if let Some(i) =
            self.bank.origins.iter().position(|o| o.picture as usize >= self.training.pictures.len())
        {
            return Err(format!("row {i} of the memory bank comes from a picture that is not listed"));
        }
        if let Some(c) = &self.calibration
            && !(c.image_threshold.is_finite()
                && c.pixel_threshold.is_finite()
                && c.pixel_typical.is_finite())
        {
            return Err("a threshold is not finite".into());
        }
        Ok(())
    }
}

/// Serialises with the metadata in one fixed order: the library keeps it in a hash map, whose order changes from run to
/// run.
fn one_order(
    tensors: [(&str, TensorView<'_>); 3],
    metadata: [(&'static str, String); 3],
) -> Result<Vec<u8>, String> {
    let bytes = safetensors::serialize(tensors, None).map_err(|e| e.to_string())?;
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("no header")?;
    let header = rest.get(..u64::from_le_bytes(*length) as usize).ok_or("no header")?;
    let plain = std::str::from_utf8(header).map_err(|e| e.to_string())?.trim_end();
    let inner = plain.strip_prefix('{').ok_or("no header")?;
    let pairs: Vec<String> = metadata
        .iter()
        .map(|(name, value)| serde_json::to_string(value).map(|value| format!("\"{name}\":{value}")))
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    let mut header_new = format!("{{\"__metadata__\":{{{}}},{inner}", pairs.join(","));
    while header_new.len() % 8 != 0 {
        header_new.push(' ');
    }
    let mut out = (header_new.len() as u64).to_le_bytes().to_vec();
    out.extend_from_slice(header_new.as_bytes());
    out.extend_from_slice(&rest[header.len()..]);
    Ok(out)
}

/// The header's strings, if the bytes are a file of this format at all.
fn metadata(bytes: &[u8]) -> Result<HashMap<String, String>, String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Err("this is a Git LFS pointer, not the model: fetch it with git lfs pull".into());
    }
    let no_model = |why: String| format!("not a patchcore model, or cut off ({why})");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| no_model(e.to_string()))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    match metadata.get("format").map(String::as_str) {
        Some(FORMAT) if bytes.len() >= CHECKSUM => Ok(metadata),
        _ => Err(no_model("another safetensors file".into())),
    }
}

fn read_bank(file: &SafeTensors<'_>) -> Result<MemoryBank, String> {
    let tensor = |name: &str, dtype: Dtype| {
        let view = file.tensor(name).map_err(|e| e.to_string())?;
        match (view.shape(), view.dtype()) {
            (&[rows, d], got) if got == dtype => Ok((rows, d, view.data())),
            (shape, got) => Err(format!("{name}: {got:?} {shape:?}, expected {dtype:?} with two axes")),
        }
    };
    let (rows, d, data) = tensor("bank", Dtype::F32)?;
    let values = data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let (origin_rows, three, data) = tensor("bank_origin", Dtype::U32)?;
    if (origin_rows, three) != (rows, 3) {
        return Err(format!("bank_origin: [{origin_rows}, {three}], expected [{rows}, 3]"));
    }
    let words: Vec<u32> = data.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    let origins = words.as_chunks::<3>().0.iter().map(|&[picture, y, x]| Origin { picture, y, x }).collect();
    Ok(MemoryBank { rows: Embeddings::from_vec(rows, d, values).map_err(|e| e.to_string())?, origins })
}

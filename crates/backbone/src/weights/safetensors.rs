//! Reads the table of a `.safetensors` file; the crate of that name checks offsets, overlaps and gaps.

use std::collections::HashMap;

use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype as FileDtype, Metadata, TensorInfo};
use serde::Deserialize;

use super::WeightsError;
use super::dtype::Dtype;
use super::store::{Listing, Source, Span, Stored};

/// Bytes before the header: its length as a little-endian `u64`.
const LENGTH_BYTES: u64 = 8;
/// Longer headers are refused, as the crate does it.
const MAX_HEADER: u64 = 100_000_000;

/// The header as it stands in the file.
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: Option<HashMap<String, String>>,
    #[serde(flatten)]
    tensors: HashMap<String, TensorInfo>,
}

/// Every tensor of the file. Only the header is read.
pub(super) fn list<'a>(source: &Source<'a>) -> Result<Listing<'a>, WeightsError> {
    const WHAT: &str = "the safetensors header";
    let length = source.range(0, LENGTH_BYTES, WHAT)?;
    let length = length.first_chunk().map_or(0, |&b| u64::from_le_bytes(b));
    let data = LENGTH_BYTES.saturating_add(length);
    if length > MAX_HEADER && data <= source.len() {
        return Err(WeightsError::Safetensors(SafeTensorError::HeaderTooLarge));
    }
    let json = source.range(LENGTH_BYTES, length, WHAT)?;
    let tensors = tensors(&json, source.len().saturating_sub(data))?;
    let mut listing = Listing::default();
    for (name, info) in tensors {
        match dtype(info.dtype) {
            Some(Dtype::Integer { name: dtype, .. }) => listing.skipped.push((name, dtype)),
            Some(dtype) => {
                let (start, end) = info.data_offsets;
                let offset = data.saturating_add(start as u64);
                let storage = Span::Range { offset, len: end.saturating_sub(start) as u64 };
                let tensor = Stored { dtype, shape: info.shape, storage, offset: 0, strides: None };
                listing.tensors.push((name, tensor));
            }
            None => {
                let problem = format!("dtype {:?}, expected f16, bf16, f32 or f64", info.dtype);
                return Err(WeightsError::BadTensor { name, problem });
            }
        }
    }
    Ok(listing)
}

/// The tensors that the header describes, in the order of their bytes, if they fill the `n_bytes` behind it without gap
/// or overlap.
fn tensors(json: &[u8], n_bytes: u64) -> Result<Vec<(String, TensorInfo)>, WeightsError> {
    let bad = WeightsError::Safetensors;
    let text = str::from_utf8(json).map_err(|e| bad(SafeTensorError::InvalidHeader(e)))?;
    let header: Header =
        serde_json::from_str(text).map_err(|e| bad(SafeTensorError::InvalidHeaderDeserialization(e)))?;
    let n_names = header.tensors.len().saturating_add(usize::from(header.metadata.is_some()));
    let mut tensors: Vec<(String, TensorInfo)> = header.tensors.into_iter().collect();
    tensors.sort_by(|(name, a), (other, b)| a.data_offsets.cmp(&b.data_offsets).then(name.cmp(other)));
    let metadata = Metadata::new(None, tensors.clone()).map_err(bad)?;
    if metadata.data_len() as u64 != n_bytes {
        return Err(bad(SafeTensorError::MetadataIncompleteBuffer));
    }
    if n_top_level_keys(json) != n_names {
        return Err(WeightsError::Duplicate { name: "safetensors header".to_owned() });
    }
    Ok(tensors)
}

/// Counts the keys of the outermost object of valid JSON, because the parser keeps the last of two equal names.
fn n_top_level_keys(json: &[u8]) -> usize {
    let (mut depth, mut keys) = (0usize, 0usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 1 => keys = keys.saturating_add(1),
            _ => {}
        }
    }
    keys
}

fn dtype(dtype: FileDtype) -> Option<Dtype> {
    let integer = |name, n_bytes| Some(Dtype::Integer { name, n_bytes });
    match dtype {
        FileDtype::F16 => Some(Dtype::F16),
        FileDtype::BF16 => Some(Dtype::Bf16),
        FileDtype::F32 => Some(Dtype::F32),
        FileDtype::F64 => Some(Dtype::F64),
        FileDtype::BOOL => integer("bool", 1),
        FileDtype::U8 => integer("u8", 1),
        FileDtype::I8 => integer("i8", 1),
        FileDtype::U16 => integer("u16", 2),
        FileDtype::I16 => integer("i16", 2),
        FileDtype::U32 => integer("u32", 4),
        FileDtype::I32 => integer("i32", 4),
        FileDtype::U64 => integer("u64", 8),
        FileDtype::I64 => integer("i64", 8),
        _ => None,
    }
}

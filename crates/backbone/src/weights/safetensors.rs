//! Reads `.safetensors`; the crate of that name checks header, offsets, overlaps and gaps.

use safetensors::{Dtype as FileDtype, SafeTensors};

use super::dtype::Dtype;
use super::{WeightTensor, Weights, WeightsError};

/// Bytes before the header: its length as a little-endian `u64`.
const LENGTH_BYTES: usize = 8;

/// Every float tensor of the file.
pub(super) fn read(bytes: &[u8]) -> Result<Weights, WeightsError> {
    let header = header(bytes)?;
    let file = SafeTensors::deserialize(bytes).map_err(WeightsError::Safetensors)?;
    let n_names = file.len().saturating_add(usize::from(has_metadata(bytes)?));
    if n_top_level_keys(header) != n_names {
        return Err(WeightsError::Duplicate { name: "safetensors header".to_owned() });
    }
    let mut weights = Weights::default();
    for (name, view) in file.iter() {
        match dtype(view.dtype()) {
            Some(Dtype::Integer { name: dtype, .. }) => weights.skip(name, dtype),
            Some(dtype) => {
                let values = dtype.widen(view.data());
                weights.insert(name, WeightTensor { shape: view.shape().to_vec(), values });
            }
            None => {
                let problem = format!("dtype {:?}, expected f16, bf16, f32 or f64", view.dtype());
                return Err(WeightsError::BadTensor { name: name.to_owned(), problem });
            }
        }
    }
    Ok(weights)
}

fn header(bytes: &[u8]) -> Result<&[u8], WeightsError> {
    let length = bytes.first_chunk().map_or(0, |&b| u64::from_le_bytes(b));
    let end = length.saturating_add(LENGTH_BYTES as u64);
    usize::try_from(end).ok().and_then(|end| bytes.get(LENGTH_BYTES..end)).ok_or(WeightsError::Truncated {
        what: "the safetensors header",
        expected: end,
        got: bytes.len() as u64,
    })
}

fn has_metadata(bytes: &[u8]) -> Result<bool, WeightsError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(WeightsError::Safetensors)?;
    Ok(metadata.metadata().is_some())
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

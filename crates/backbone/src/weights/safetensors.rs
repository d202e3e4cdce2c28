//! Reads the table of a `.safetensors` file: a JSON header with the place of every tensor in the bytes behind it.

use std::fmt;

use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype as FileDtype, TensorInfo};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::dtype::Dtype;
use super::store::{Listing, Source, Span, Stored};
use super::{WeightsError, shape_product};

/// Bytes before the header: its length as a little-endian `u64`.
const LENGTH_BYTES: u64 = 8;
/// Longer headers are refused, as the crate of that name does it.
const MAX_HEADER: u64 = 100_000_000;
/// More tensors than this are refused; the largest torchvision model has about 1,500.
const MAX_TENSORS: usize = 100_000;
/// What the header says of the file itself.
const METADATA: &str = "__metadata__";

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
    let tensors = tensors(&json)?;
    check_places(&tensors, data, source.len())?;
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

/// The tensors that the header describes, in the order of their bytes.
fn tensors(json: &[u8]) -> Result<Vec<(String, TensorInfo)>, WeightsError> {
    let bad = WeightsError::Safetensors;
    let text = str::from_utf8(json).map_err(|e| bad(SafeTensorError::InvalidHeader(e)))?;
    let header: Header =
        serde_json::from_str(text).map_err(|e| bad(SafeTensorError::InvalidHeaderDeserialization(e)))?;
    if header.count > MAX_TENSORS {
        let (got, limit) = (header.count as u64, MAX_TENSORS as u64);
        return Err(WeightsError::OverLimit { what: "tensors", got, limit });
    }
    let mut tensors = header.tensors;
    tensors.sort_by(|(name, _), (other, _)| name.cmp(other));
    let twice = tensors.windows(2).find_map(|pair| match pair {
        [(name, _), (next, _)] if name == next => Some(name.clone()),
        _ => None,
    });
    if let Some(name) = twice {
        return Err(WeightsError::Duplicate { name });
    }
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    Ok(tensors)
}

/// Checks that the tensors, in the order of their bytes, fill the file from `data` on without gap or overlap, and that each
/// has the bytes that its shape needs.
fn check_places(tensors: &[(String, TensorInfo)], data: u64, file: u64) -> Result<(), WeightsError> {
    let mut at = 0;
    for (name, info) in tensors {
        let (start, end) = info.data_offsets;
        let wrong = |problem| Err(WeightsError::BadTensor { name: name.clone(), problem });
        if start != at {
            let how = if start < at { "overlap with those of" } else { "leave a gap behind" };
            return wrong(format!("its bytes from {start} on {how} the tensor before, which ends at {at}"));
        }
        let bits = shape_product(&info.shape).and_then(|n| n.checked_mul(info.dtype.bitsize()));
        let Some(bits) = bits else { return wrong(format!("shape {:?} overflows", info.shape)) };
        if end.checked_sub(start).and_then(|bytes| bytes.checked_mul(8)) != Some(bits) {
            let (shape, dtype) = (&info.shape, info.dtype);
            return wrong(format!(
                "bytes {start} to {end} are not those of shape {shape:?} and dtype {dtype:?}"
            ));
        }
        at = end;
    }
    let expected = data.saturating_add(at as u64);
    match expected.cmp(&file) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => {
            Err(WeightsError::Truncated { what: "the last tensor", expected, got: file })
        }
        std::cmp::Ordering::Less => Err(WeightsError::NotWeights("bytes follow after the last tensor")),
    }
}

/// The header as it stands in the file.
#[derive(Default)]
struct Header {
    /// At most [`MAX_TENSORS`] of them; a name may stand twice.
    tensors: Vec<(String, TensorInfo)>,
    /// How many there are.
    count: usize,
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

/// Takes one entry of the header after the other, so that a hostile one costs no more than it is allowed to hold.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Header, A::Error> {
        let mut header = Header::default();
        while let Some(name) = entries.next_key::<String>()? {
            if name == METADATA {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            header.count = header.count.saturating_add(1);
            if header.count <= MAX_TENSORS {
                header.tensors.push((name, entries.next_value()?));
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(header)
    }
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

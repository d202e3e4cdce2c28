//! Safetensors: the length of the header, and that of the data behind it; in a model file also the checksum.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Bytes of the number in front of the header.
const LENGTH: usize = 8;
/// Data are cut or filled up to this length at most.
const MOST_DATA: u64 = 1 << 16;
const CHECKSUM: usize = 32;

pub(crate) fn safetensors(bytes: &mut Vec<u8>) {
    let Some(text) = bytes.get(LENGTH..) else { return };
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
    let Some(Ok(header)) = values.next() else { return };
    let mut end = values.byte_offset();
    // Spaces fill the header up.
    end += text[end..].iter().take_while(|&&b| b == b' ').count();
    let data_end =
        header.as_object().into_iter().flatten().filter_map(|(_, tensor)| tensor["data_offsets"][1].as_u64());
    let data_end = data_end.max().unwrap_or(0).min(MOST_DATA) as usize;
    bytes[..LENGTH].copy_from_slice(&(end as u64).to_le_bytes());
    bytes.resize(LENGTH + end + data_end, 0);
}

/// The last bytes of a model file are the SHA-256 of all before.
pub(crate) fn model(bytes: &mut Vec<u8>) {
    safetensors(bytes);
    let Some((before, sum)) = bytes.split_last_chunk_mut::<CHECKSUM>() else { return };
    sum.copy_from_slice(&Sha256::digest(before));
}

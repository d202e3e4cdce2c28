//! The memory bank as a FAISS file: an index that compares with every vector, by L2 distance.
//!
//! | offset | type | holds |
//! |---|---|---|
//! | 0 | 4 bytes | `IxF2` |
//! | 4 | i32 | width of a vector, `d` |
//! | 8 | i64 | number of vectors, `n` |
//! | 16 | 2 x i64 | no meaning, 2^20 each |
//! | 32 | u8 | 1: trained |
//! | 33 | i32 | metric, 1: L2 |
//! | 37 | u64 | number of values, `n * d` |
//! | 45 | f32 | the vectors, row by row |
//!
//! All little-endian.

use std::path::Path;

use patchcore_files::{FileError, RegularFile};
use patchcore_kernels::memory::may_fail;
use patchcore_tensor::Embeddings;

use crate::{ForeignError, lfs};

const HEADER: usize = 45;
const FLAT_L2: &[u8; 4] = b"IxF2";
/// What FAISS writes where nothing is meant.
const PLACEHOLDER: i64 = 1 << 20;
const METRIC_INNER_PRODUCT: i32 = 0;
const METRIC_L2: i32 = 1;
/// Bytes of vectors that are read at a time.
const PIECE: usize = 1 << 18;

/// The vectors of an index file.
pub(super) fn read(path: &Path) -> Result<Embeddings, ForeignError> {
    let file = RegularFile::open(path)?;
    let head = file.read_range(0, file.len().min(HEADER as u64))?;
    lfs::refuse(path, &head)?;
    let [n, d] = shape(path, &head, file.len())?;
    let values = values(path, &file, n.saturating_mul(d))?;
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let row = at.checked_div(d).unwrap_or(0);
        let problem = format!("a value of vector {row} is {}", values.get(at).unwrap_or(&f32::NAN));
        return Err(ForeignError::damaged(path, offset_of(at), problem));
    }
    Embeddings::from_vec(n, d, values)
        .map_err(|error| ForeignError::damaged(path, HEADER as u64, error.to_string()))
}

/// The header's number and width of vectors, found to fill the file exactly.
fn shape(path: &Path, head: &[u8], len: u64) -> Result<[usize; 2], ForeignError> {
    let bad = |offset: u64, problem: String| ForeignError::damaged(path, offset, problem);
    let kind = *head.first_chunk().ok_or_else(|| bad(len, format!("{len} bytes are no FAISS index")))?;
    refuse_other_kinds(path, kind)?;
    let Some(header) = head.first_chunk::<HEADER>() else {
        return Err(bad(len, format!("the file ends within its header of {HEADER} bytes")));
    };
    let d = i32::from_le_bytes(field(header, 4));
    let n = i64::from_le_bytes(field(header, 8));
    let [trained] = field(header, 32);
    let metric = i32::from_le_bytes(field(header, 33));
    let count = u64::from_le_bytes(field(header, 37));
    let width = usize::try_from(d).ok().filter(|&d| d > 0);
    let width = width.ok_or_else(|| bad(4, format!("vectors of {d} values")))?;
    if n == 0 {
        return Err(bad(8, "no vectors: an empty memory bank can score nothing".to_owned()));
    }
    let vectors = usize::try_from(n).ok().filter(|&n| n > 0);
    let vectors = vectors.ok_or_else(|| bad(8, format!("{n} vectors")))?;
    if trained != 1 {
        return Err(bad(32, format!("the index is not trained ({trained}, expected 1)")));
    }
    match metric {
        METRIC_L2 => {}
        METRIC_INNER_PRODUCT => return Err(inner_product(path)),
        other => return Err(bad(33, format!("metric {other}, expected {METRIC_L2} for L2"))),
    }
    let n_values = vectors.checked_mul(width).map(|n| n as u64);
    let n_values = n_values.ok_or_else(|| bad(8, format!("{n} vectors of {d} values overflow")))?;
    if count != n_values {
        return Err(bad(37, format!("{count} values, expected {n} vectors of {d}")));
    }
    let end = n_values.checked_mul(size_of::<f32>() as u64).and_then(|n| n.checked_add(HEADER as u64));
    match end {
        Some(end) if end == len => Ok([vectors, width]),
        Some(end) if end < len => {
            Err(bad(end, format!("{} bytes follow the vectors", len.saturating_sub(end))))
        }
        _ => Err(bad(len, format!("the file ends early: {n} vectors of {d} values do not fit {len} bytes"))),
    }
}

/// The bytes from `at` on; a header is as long as its fields need.
fn field<const N: usize>(header: &[u8; HEADER], at: usize) -> [u8; N] {
    header.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

/// Indexes that FAISS writes under other names.
fn refuse_other_kinds(path: &Path, kind: [u8; 4]) -> Result<(), ForeignError> {
    let what = match &kind {
        FLAT_L2 => return Ok(()),
        b"IxFI" => return Err(inner_product(path)),
        b"IxFl" => "a flat index of another metric",
        b"IwFl" => "an inverted file",
        b"IwPQ" => "an inverted file with product quantisation",
        b"IxPq" => "product quantisation",
        b"IxSQ" => "scalar quantisation",
        b"IHNf" => "an HNSW graph",
        b"IxMp" => "an index with a table of ids",
        b"IxPT" => "an index behind a transform",
        b"IxHe" => "hashed codes",
        [b'I', rest @ ..] if rest.iter().all(u8::is_ascii_alphanumeric) => "of another type",
        _ => {
            let problem = format!("no FAISS index: starts with bytes {kind:02x?}, expected IxF2");
            return Err(ForeignError::damaged(path, 0, problem));
        }
    };
    Err(ForeignError::unsupported(
        path,
        format!(
            "this FAISS index is {what} ({}), only a flat L2 index (IxF2) keeps the vectors that scores are measured to: \
             save the model again with the original's own search",
            kind.escape_ascii()
        ),
    ))
}

fn inner_product(path: &Path) -> ForeignError {
    ForeignError::unsupported(
        path,
        "this FAISS index compares by inner product; scores are L2 distances: copy its vectors into an IndexFlatL2 and \
         write that",
    )
}

/// The values behind the header.
fn values(path: &Path, file: &RegularFile, n_values: usize) -> Result<Vec<f32>, ForeignError> {
    let mut values = Vec::new();
    may_fail(|| values.try_reserve_exact(n_values)).map_err(|error| FileError::Read {
        path: path.into(),
        source: std::io::Error::new(std::io::ErrorKind::OutOfMemory, error),
    })?;
    let mut piece = vec![0; PIECE.min(n_values.saturating_mul(size_of::<f32>()))];
    while values.len() < n_values {
        let left = n_values.saturating_sub(values.len()).saturating_mul(size_of::<f32>());
        let piece = piece.get_mut(..PIECE.min(left)).unwrap_or_default();
        file.read_at(offset_of(values.len()), piece)?;
        values.extend(piece.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
    }
    Ok(values)
}

/// Where a value stands in the file.
fn offset_of(value: usize) -> u64 {
    value.saturating_mul(size_of::<f32>()).saturating_add(HEADER) as u64
}

/// Checks that these vectors can be written, and read again.
pub(super) fn check(path: &Path, vectors: &Embeddings) -> Result<(), ForeignError> {
    let bad = |problem: String| Err(ForeignError::unsupported(path, problem));
    if vectors.is_empty() || vectors.dim() == 0 {
        return bad("an empty memory bank is not written: it can score nothing".to_owned());
    }
    if let Some(value) = vectors.data().iter().find(|value| !value.is_finite()) {
        return bad(format!("a memory bank with the value {value} is not written"));
    }
    if i32::try_from(vectors.dim()).is_err() {
        return bad(format!("vectors of {} values are too wide", vectors.dim()));
    }
    Ok(())
}

/// The file that FAISS would write for vectors that were [checked](check).
pub(super) fn bytes(vectors: &Embeddings) -> Vec<u8> {
    let n_bytes = vectors.data().len().saturating_mul(size_of::<f32>());
    let mut bytes = Vec::with_capacity(n_bytes.saturating_add(HEADER));
    bytes.extend_from_slice(FLAT_L2);
    bytes.extend_from_slice(&(vectors.dim() as u32).to_le_bytes());
    bytes.extend_from_slice(&(vectors.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&PLACEHOLDER.to_le_bytes());
    bytes.extend_from_slice(&PLACEHOLDER.to_le_bytes());
    bytes.push(1);
    bytes.extend_from_slice(&METRIC_L2.to_le_bytes());
    bytes.extend_from_slice(&(vectors.data().len() as u64).to_le_bytes());
    bytes.extend(vectors.data().iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

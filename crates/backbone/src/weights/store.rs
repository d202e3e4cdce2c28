//! Where the bytes of a weight file are, and the tensors in it that nobody has read yet.
//!
//! Bytes in memory are decoded at once. A file stays open: only its table of tensors is read, and the values of a tensor
//! when the network takes it, a small piece at a time, so that no more than one copy of them is ever in memory.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use patchcore_files::{FileError, RegularFile};
use zip::ZipArchive;
use zip::result::ZipError;

use super::dtype::Dtype;
use super::{WeightTensor, WeightsError, shape_product};

/// Bytes that are read and widened at a time: they stay in the processor's cache. A multiple of every number's width.
const PIECE: usize = 128 << 10;

/// The bytes of a whole weight file.
#[derive(Debug, Clone)]
pub(super) enum Source<'a> {
    Memory(&'a [u8]),
    File(Arc<RegularFile>),
}

impl<'a> Source<'a> {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.len(),
        }
    }

    /// `len` bytes from `offset` on; `what` they are, if they are not there.
    pub(super) fn range(
        &self,
        offset: u64,
        len: u64,
        what: &'static str,
    ) -> Result<Cow<'a, [u8]>, WeightsError> {
        let end = offset.saturating_add(len);
        if end > self.len() {
            return Err(WeightsError::Truncated { what, expected: end, got: self.len() });
        }
        match self {
            Self::Memory(bytes) => Ok(Cow::Borrowed(slice(bytes, offset, len).unwrap_or_default())),
            Self::File(file) => Ok(Cow::Owned(file.read_range(offset, len)?)),
        }
    }

    /// The first bytes, at most `len`.
    pub(super) fn head(&self, len: u64) -> Result<Cow<'a, [u8]>, WeightsError> {
        self.range(0, len.min(self.len()), "the file")
    }
}

/// A walk over the bytes of a source.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    source: Source<'a>,
    position: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: Source<'a>, position: u64) -> Self {
        Self { source, position }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.source.len().saturating_sub(self.position)).unwrap_or(usize::MAX);
        let Some(to) = to.get_mut(..left.min(to.len())).filter(|to| !to.is_empty()) else { return Ok(0) };
        match &self.source {
            Source::Memory(bytes) => {
                let from =
                    slice(bytes, self.position, to.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
                to.copy_from_slice(from);
            }
            Source::File(file) => file.read_at(self.position, to).map_err(io::Error::other)?,
        }
        self.position = self.position.saturating_add(to.len() as u64);
        Ok(to.len())
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(step) => self.source.len().checked_add_signed(step),
            SeekFrom::Current(step) => self.position.checked_add_signed(step),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// Where the bytes of one storage lie.
#[derive(Debug, Clone, Copy)]
pub(super) enum Span {
    /// In the file itself.
    Range { offset: u64, len: u64 },
    /// In an entry of the zip archive, whose checksum is looked at when it is read.
    Entry { index: usize, len: u64 },
}

impl Span {
    pub(super) fn len(self) -> u64 {
        match self {
            Self::Range { len, .. } | Self::Entry { len, .. } => len,
        }
    }
}

/// A tensor of the file, found to fit its storage.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) storage: Span,
    /// The first value's place in the storage, in values.
    pub(super) offset: usize,
    /// In values, per axis; none for row-major order.
    pub(super) strides: Option<Vec<usize>>,
}

impl Stored {
    /// Whether the values are those of the storage, all of them in their order: then they can be read by themselves, and
    /// nothing is read twice.
    pub(super) fn is_whole(&self) -> bool {
        let n_bytes = shape_product(&self.shape).and_then(|n| n.checked_mul(self.dtype.n_bytes()));
        self.strides.is_none() && self.offset == 0 && n_bytes.map(|n| n as u64) == Some(self.storage.len())
    }

    /// The tensor, out of the bytes of a file in memory.
    pub(super) fn decode(self, name: &str, bytes: &[u8]) -> Result<WeightTensor, WeightsError> {
        let storage = match self.storage {
            Span::Range { offset, len } => slice(bytes, offset, len),
            Span::Entry { .. } => None,
        };
        let storage = storage.unwrap_or_default();
        let width = self.dtype.n_bytes();
        let n_values = shape_product(&self.shape).unwrap_or(0);
        let mut values = Vec::new();
        if let Some(strides) = &self.strides {
            self.dtype.widen(&self.gather(storage, strides, n_values), &mut values);
        } else {
            let start = self.offset.saturating_mul(width);
            let end = start.saturating_add(n_values.saturating_mul(width));
            self.dtype.widen(storage.get(start..end).unwrap_or_default(), &mut values);
        }
        if values.len() != n_values {
            let problem = format!("{} values, expected {n_values}", values.len());
            return Err(WeightsError::BadTensor { name: name.to_owned(), problem });
        }
        Ok(WeightTensor { shape: self.shape, values })
    }

    /// The bytes of the values in row-major order: walks the axes like an odometer, the last one fastest.
    fn gather(&self, storage: &[u8], strides: &[usize], n_values: usize) -> Vec<u8> {
        let width = self.dtype.n_bytes();
        let mut index = vec![0usize; self.shape.len()];
        let mut at = self.offset;
        let mut bytes = Vec::with_capacity(n_values.saturating_mul(width));
        for _ in 0..n_values {
            let start = at.saturating_mul(width);
            // The extent was checked, so the value is there; a missing one would show in the count.
            bytes.extend_from_slice(storage.get(start..start.saturating_add(width)).unwrap_or_default());
            for ((digit, &length), &stride) in index.iter_mut().zip(&self.shape).zip(strides).rev() {
                *digit = digit.saturating_add(1);
                at = at.saturating_add(stride);
                if *digit < length {
                    break;
                }
                at = at.saturating_sub(stride.saturating_mul(length));
                *digit = 0;
            }
        }
        bytes
    }
}

/// What a weight file holds: its float tensors, and the type of the others.
#[derive(Debug, Default)]
pub(super) struct Listing<'a> {
    pub(super) tensors: Vec<(String, Stored)>,
    pub(super) skipped: Vec<(String, &'static str)>,
    /// The archive that [`Span::Entry`] is about.
    pub(super) zip: Option<ZipArchive<Reader<'a>>>,
}

impl Listing<'_> {
    /// Whether every tensor [is](Stored::is_whole).
    pub(super) fn is_whole(&self) -> bool {
        self.tensors.iter().all(|(_, tensor)| tensor.is_whole())
    }
}

/// A weight file that stays open, so that its tensors can be read one by one.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) file: Arc<RegularFile>,
    pub(super) zip: Option<ZipArchive<Reader<'static>>>,
}

impl OpenFile {
    /// Reads a tensor that [is whole](Stored::is_whole) into `values`, in place of what they were.
    pub(super) fn load(&self, tensor: &Stored, values: &mut Vec<f32>) -> Result<(), WeightsError> {
        values.clear();
        match tensor.storage {
            Span::Range { offset, len } => {
                let reader = Reader::new(Source::File(Arc::clone(&self.file)), offset).take(len);
                widen(reader, len, tensor.dtype, values)
                    .map_err(|error| file_error(error).unwrap_or_else(|source| self.failed(source)))
            }
            Span::Entry { index, len } => {
                let Some(mut archive) = self.zip.clone() else {
                    return Err(self.failed(io::ErrorKind::Unsupported.into()));
                };
                let entry =
                    archive.name_for_index(index).and_then(Result::ok).unwrap_or_default().into_owned();
                let bad = |error: io::Error| WeightsError::ZipEntry { entry, problem: error.to_string() };
                let reader = archive.by_index(index).map_err(zip_error);
                reader
                    .and_then(|reader| {
                        widen(reader, len, tensor.dtype, values)
                            .map_err(|error| file_error(error).unwrap_or_else(bad))
                    })
                    .map_err(|error| error.in_file(self.file.path()))
            }
        }
    }

    fn failed(&self, source: io::Error) -> WeightsError {
        FileError::Read { path: self.file.path().into(), source }.into()
    }
}

/// The error of the file below a reader, if that is what went wrong.
pub(super) fn file_error(error: io::Error) -> Result<WeightsError, io::Error> {
    error.downcast::<FileError>().map(WeightsError::File)
}

/// An error of the zip library; what the file below it had to say comes out as it was.
pub(super) fn zip_error(error: ZipError) -> WeightsError {
    match error {
        ZipError::Io(error) => {
            file_error(error).unwrap_or_else(|error| WeightsError::Zip(ZipError::Io(error)))
        }
        other => WeightsError::Zip(other),
    }
}

/// A part of bytes in memory.
pub(super) fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)
}

/// Widens the `len` bytes that the reader has.
fn widen(mut reader: impl Read, len: u64, dtype: Dtype, values: &mut Vec<f32>) -> io::Result<()> {
    let mut left = usize::try_from(len).unwrap_or(usize::MAX);
    let mut piece = vec![0; left.min(PIECE)];
    values.reserve_exact(left.checked_div(dtype.n_bytes()).unwrap_or(0));
    while left > 0 {
        let piece = piece.get_mut(..left.min(PIECE)).unwrap_or_default();
        reader.read_exact(piece)?;
        dtype.widen(piece, values);
        left = left.saturating_sub(piece.len());
    }
    // The archive's reader looks at the checksum when it is asked for more than there is.
    match reader.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "longer than declared")),
    }
}

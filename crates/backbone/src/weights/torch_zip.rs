//! Opens the zip archive that torch.save writes, and lends out its entries.
//!
//! ```text
//! NAME/data.pkl   the state dict, as a pickle    NAME/byteorder   "little"
//! NAME/data/KEY   the bytes of one storage       NAME/version     not needed
//! ```
//!
//! All entries are stored, not compressed, so each is a part of the file: nothing is unpacked, let alone to disk.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};

use patchcore_pickle::{Pickle, Rules};
use zip::{CompressionMethod, ZipArchive};

use super::store::{Listing, Reader, Source, Span, file_error, slice, zip_error};
use super::torch_tensor::Storages;
use super::{WeightsError, state_dict, torch_names};

/// More entries than this are refused; the largest torchvision model needs about 1,500.
const MAX_ENTRIES: usize = 100_000;

/// Every tensor of the archive. Of a file on disk only what describes the tensors is read.
pub(super) fn list<'a>(source: &Source<'a>) -> Result<Listing<'a>, WeightsError> {
    let Saved { pickle, storages, zip } = open(source, Rules::Names(torch_names::is_allowed))?;
    let listing = state_dict::list(&pickle, &storages, source.len())?;
    Ok(Listing { zip: Some(zip), ..listing })
}

/// What torch.save put into the archive.
pub(super) struct Saved<'a> {
    pub(super) pickle: Pickle,
    pub(super) storages: Storages,
    pub(super) zip: ZipArchive<Reader<'a>>,
}

/// Reads the pickle of the archive, and where its storages lie.
pub(super) fn open<'a>(source: &Source<'a>, rules: Rules) -> Result<Saved<'a>, WeightsError> {
    let mut archive = Archive::open(source)?;
    let (prefix, pickle) = archive.pickle_entry()?;
    archive.refuse_torch_script(&prefix)?;
    archive.check_byte_order(&prefix)?;
    let pickle = patchcore_pickle::run(&archive.bytes(&pickle)?, rules)?;
    Ok(Saved { pickle, storages: archive.storages(&prefix), zip: archive.zip })
}

struct Archive<'a> {
    source: Source<'a>,
    zip: ZipArchive<Reader<'a>>,
    entries: BTreeMap<String, Span>,
}

impl<'a> Archive<'a> {
    fn open(source: &Source<'a>) -> Result<Self, WeightsError> {
        let mut zip = ZipArchive::new(Reader::new(source.clone(), 0)).map_err(|error| {
            let cut_off = "truncated: this zip archive has no end, as after an interrupted download";
            match has_end(source) {
                Ok(true) => zip_error(error),
                Ok(false) => WeightsError::NotWeights(cut_off),
                Err(unreadable) => unreadable,
            }
        })?;
        over("zip entries", zip.len() as u64, MAX_ENTRIES as u64)?;
        if zip.has_duplicate_names() {
            return Err(WeightsError::Duplicate { name: "zip entry".to_owned() });
        }
        if zip.has_overlapping_entries().map_err(zip_error)? {
            return Err(WeightsError::ZipEntry {
                entry: "archive".to_owned(),
                problem: "entries share bytes".to_owned(),
            });
        }
        let entries = (0..zip.len()).map(|index| entry(&mut zip, index, source)).collect::<Result<_, _>>()?;
        Ok(Self { source: source.clone(), zip, entries })
    }

    /// The bytes of a small entry.
    fn bytes(&mut self, name: &str) -> Result<Cow<'a, [u8]>, WeightsError> {
        let bad = |problem: String| WeightsError::ZipEntry { entry: name.to_owned(), problem };
        match (self.entries.get(name), &self.source) {
            (Some(&Span::Entry { index, .. }), _) => {
                let mut bytes = Vec::new();
                let mut file = self.zip.by_index(index).map_err(zip_error)?;
                file.read_to_end(&mut bytes)
                    .map_err(|error| file_error(error).unwrap_or_else(|e| bad(e.to_string())))?;
                Ok(Cow::Owned(bytes))
            }
            (Some(&Span::Range { offset, len }), Source::Memory(bytes)) => {
                Ok(Cow::Borrowed(slice(bytes, offset, len).unwrap_or_default()))
            }
            _ => Err(bad("missing".to_owned())),
        }
    }

    /// The folder that all entries share, with its slash, and the name of the pickle in it.
    fn pickle_entry(&self) -> Result<(String, String), WeightsError> {
        let mut found = self.entries.keys().filter_map(|name| {
            let prefix = name.strip_suffix("data.pkl")?;
            let is_folder = prefix.is_empty() || prefix.strip_suffix('/').is_some_and(|p| !p.contains('/'));
            is_folder.then(|| (prefix.to_owned(), name.clone()))
        });
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(WeightsError::NotWeights(
                "this is a zip archive without data.pkl: torch.save did not make it",
            )),
            (Some(_), Some((_, entry))) => {
                Err(WeightsError::ZipEntry { entry, problem: "a second data.pkl".to_owned() })
            }
        }
    }

    fn refuse_torch_script(&self, prefix: &str) -> Result<(), WeightsError> {
        if self.entries.contains_key(&format!("{prefix}constants.pkl")) {
            return Err(WeightsError::NotWeights(
                "this is a TorchScript program: save the state dict of the model with torch.save instead",
            ));
        }
        Ok(())
    }

    fn check_byte_order(&mut self, prefix: &str) -> Result<(), WeightsError> {
        let entry = format!("{prefix}byteorder");
        if !self.entries.contains_key(&entry) {
            return Ok(());
        }
        let order = self.bytes(&entry)?;
        if *order == *b"little" {
            return Ok(());
        }
        let order = String::from_utf8_lossy(order.get(..16).unwrap_or(&order)).into_owned();
        Err(WeightsError::ZipEntry { entry, problem: format!("{order:?}, expected \"little\"") })
    }

    fn storages(&self, prefix: &str) -> Storages {
        let folder = format!("{prefix}data/");
        let named = |(name, span): (&String, &Span)| Some((name.strip_prefix(&folder)?.to_owned(), *span));
        self.entries.iter().filter_map(named).collect()
    }
}

/// The name and the place of one entry. Of bytes in memory the checksum was found right; that of a file on disk is
/// looked at when the entry is read.
fn entry(
    archive: &mut ZipArchive<Reader<'_>>,
    index: usize,
    source: &Source<'_>,
) -> Result<(String, Span), WeightsError> {
    let name = checked_name(archive, index)?;
    if matches!(source, Source::File(_)) {
        let len = archive.by_index_data(index).map_err(zip_error)?.size();
        return Ok((name, Span::Entry { index, len }));
    }
    let bad = |problem: &str| WeightsError::ZipEntry { entry: name.clone(), problem: problem.to_owned() };
    let mut file = archive.by_index(index).map_err(zip_error)?;
    let len = file.size();
    let n_read = io::copy(&mut file, &mut io::sink()).map_err(|error| bad(&error.to_string()))?;
    let offset = file.data_start().ok_or_else(|| bad("no position"))?;
    if n_read == len && offset.saturating_add(len) <= source.len() {
        return Ok((name, Span::Range { offset, len }));
    }
    Err(bad(&format!("{len} bytes declared, {n_read} found")))
}

/// The name of an entry that is stored, open, a file, and inside of the archive's own folder.
fn checked_name(archive: &ZipArchive<Reader<'_>>, index: usize) -> Result<String, WeightsError> {
    let data = archive.by_index_data(index).map_err(zip_error)?;
    let name = data.name().map_err(zip_error)?.into_owned();
    let leaves_the_folder = name.starts_with('/')
        || name.contains(['\\', '\0'])
        || name.split('/').any(|part| part == ".." || part.is_empty());
    let problem = if data.encrypted() {
        "encrypted"
    } else if data.compression() != CompressionMethod::Stored {
        "compressed, torch.save stores"
    } else if data.size() != data.compressed_size() {
        "two different sizes"
    } else if leaves_the_folder {
        "not a plain name"
    } else {
        return Ok(name);
    };
    Err(WeightsError::ZipEntry { entry: name, problem: problem.to_owned() })
}

/// Whether the record is there with which every zip archive ends; a comment may follow it.
fn has_end(source: &Source<'_>) -> Result<bool, WeightsError> {
    const RECORD: &[u8] = b"PK\x05\x06";
    const LONGEST: u64 = 22 + 65_535;
    let len = source.len().min(LONGEST);
    let tail = source.range(source.len().saturating_sub(len), len, "the end of the archive")?;
    Ok(tail.windows(RECORD.len()).any(|bytes| bytes == RECORD))
}

fn over(what: &'static str, got: u64, limit: u64) -> Result<(), WeightsError> {
    if got > limit { Err(WeightsError::OverLimit { what, got, limit }) } else { Ok(()) }
}

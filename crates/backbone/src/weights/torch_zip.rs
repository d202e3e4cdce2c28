//! Opens the zip archive that torch.save writes, and lends out its entries.
//!
//! ```text
//! NAME/data.pkl   the state dict, as a pickle    NAME/byteorder   "little"
//! NAME/data/KEY   the bytes of one storage       NAME/version     not needed
//! ```
//!
//! All entries are stored, not compressed, so each is a slice of the file: nothing is unpacked, let alone to disk.

use std::collections::BTreeMap;
use std::io::{self, Cursor};

use zip::{CompressionMethod, ZipArchive};

use super::torch_tensor::Storages;
use super::{Weights, WeightsError, pickle, state_dict, torch_names};

/// More entries than this are refused; the largest torchvision model needs about 1,500.
const MAX_ENTRIES: usize = 100_000;

/// Every float tensor of the archive.
pub(super) fn read(bytes: &[u8]) -> Result<Weights, WeightsError> {
    let entries = entries(bytes)?;
    let (prefix, pickle) = pickle_entry(&entries)?;
    refuse_torch_script(&entries, prefix)?;
    check_byte_order(&entries, prefix)?;
    let pickle = pickle::run(pickle, torch_names::is_allowed)?;
    state_dict::read(&pickle, &storages(&entries, prefix), bytes.len())
}

type Entries<'a> = BTreeMap<String, &'a [u8]>;

fn entries(bytes: &[u8]) -> Result<Entries<'_>, WeightsError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(WeightsError::Zip)?;
    over("zip entries", archive.len() as u64, MAX_ENTRIES as u64)?;
    if archive.has_duplicate_names() {
        return Err(WeightsError::Duplicate { name: "zip entry".to_owned() });
    }
    if archive.has_overlapping_entries().map_err(WeightsError::Zip)? {
        return Err(WeightsError::ZipEntry {
            entry: "archive".to_owned(),
            problem: "entries share bytes".to_owned(),
        });
    }
    (0..archive.len()).map(|index| entry(&mut archive, index, bytes)).collect()
}

/// The name and the bytes of one entry, after its checksum was found right.
fn entry<'a>(
    archive: &mut ZipArchive<Cursor<&'a [u8]>>,
    index: usize,
    bytes: &'a [u8],
) -> Result<(String, &'a [u8]), WeightsError> {
    let name = checked_name(archive, index)?;
    let bad = |problem: &str| WeightsError::ZipEntry { entry: name.clone(), problem: problem.to_owned() };
    let mut file = archive.by_index(index).map_err(WeightsError::Zip)?;
    let n_bytes = file.size();
    let n_read = io::copy(&mut file, &mut io::sink()).map_err(|error| bad(&error.to_string()))?;
    let start = file.data_start().ok_or_else(|| bad("no position"))?;
    let slice = usize::try_from(start)
        .ok()
        .zip(usize::try_from(n_bytes).ok())
        .and_then(|(start, n)| bytes.get(start..start.checked_add(n)?));
    match slice {
        Some(slice) if n_read == n_bytes => Ok((name, slice)),
        _ => Err(bad(&format!("{n_bytes} bytes declared, {n_read} found"))),
    }
}

/// The name of an entry that is stored, open, a file, and inside of the archive's own folder.
fn checked_name(archive: &ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<String, WeightsError> {
    let data = archive.by_index_data(index).map_err(WeightsError::Zip)?;
    let name = data.name().map_err(WeightsError::Zip)?.into_owned();
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

/// The folder that all entries share, with its slash, and the pickle in it.
fn pickle_entry<'a, 'e>(entries: &'e Entries<'a>) -> Result<(&'e str, &'a [u8]), WeightsError> {
    let mut found = entries.iter().filter_map(|(name, bytes)| {
        let prefix = name.strip_suffix("data.pkl")?;
        let is_folder = prefix.is_empty() || prefix.strip_suffix('/').is_some_and(|p| !p.contains('/'));
        is_folder.then_some((prefix, *bytes))
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(WeightsError::NotWeights(
            "this is a zip archive without data.pkl: torch.save did not make it",
        )),
        (Some(_), Some((prefix, _))) => Err(WeightsError::ZipEntry {
            entry: format!("{prefix}data.pkl"),
            problem: "a second data.pkl".to_owned(),
        }),
    }
}

fn refuse_torch_script(entries: &Entries<'_>, prefix: &str) -> Result<(), WeightsError> {
    if entries.contains_key(&format!("{prefix}constants.pkl")) {
        return Err(WeightsError::NotWeights(
            "this is a TorchScript program: save the state dict of the model with torch.save instead",
        ));
    }
    Ok(())
}

fn check_byte_order(entries: &Entries<'_>, prefix: &str) -> Result<(), WeightsError> {
    let entry = format!("{prefix}byteorder");
    match entries.get(&entry) {
        None | Some(&b"little") => Ok(()),
        Some(other) => {
            let other = String::from_utf8_lossy(other.get(..16).unwrap_or(other)).into_owned();
            Err(WeightsError::ZipEntry { entry, problem: format!("{other:?}, expected \"little\"") })
        }
    }
}

fn storages<'a>(entries: &Entries<'a>, prefix: &str) -> Storages<'a> {
    let folder = format!("{prefix}data/");
    let named = |(name, bytes): (&String, &&'a [u8])| Some((name.strip_prefix(&folder)?.to_owned(), *bytes));
    entries.iter().filter_map(named).collect()
}

fn over(what: &'static str, got: u64, limit: u64) -> Result<(), WeightsError> {
    if got > limit { Err(WeightsError::OverLimit { what, got, limit }) } else { Ok(()) }
}

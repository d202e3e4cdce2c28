//! Files cut short and files with changed bytes: an error or a valid value, never a panic, a hang, or memory beyond a small
//! multiple of the file.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use allocation_counter::measure;
use patchcore_foreign::{ForeignError, read_anomalib, read_reference};
use patchcore_testkit::craft::crc32;
use patchcore_testkit::{Fixture, testdata};
use tempfile::TempDir;

/// Bytes of memory per byte of the file; a pickle alone needs up to 170, but is a small part of its file.
const PER_BYTE: u64 = 8;
/// For names, paths and tables.
const FIXED: u64 = 1 << 16;

/// A file that is damaged in place, and how it is read.
struct Victim {
    _folder: TempDir,
    path: PathBuf,
    whole: Vec<u8>,
    read: fn(&Path) -> Result<(), ForeignError>,
}

impl Victim {
    /// A single model of the original, of which one file will be damaged.
    fn of_reference(file: &str) -> Self {
        let own = Fixture::open(&testdata("saved_models.safetensors"));
        let folder = tempfile::tempdir().unwrap();
        let names =
            [("nnscorer_search_index.faiss", "index/single"), ("patchcore_params.pkl", "params/single")];
        for (name, tensor) in names {
            fs::write(folder.path().join(name), own.u8(tensor).1).unwrap();
        }
        let path = folder.path().join(file);
        let whole = fs::read(&path).unwrap();
        Self { _folder: folder, path, whole, read: |path| read_reference(path.parent().unwrap()).map(drop) }
    }

    fn of_anomalib(ending: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("patchcore.{ending}"));
        let whole = fs::read(testdata(&format!("anomalib/patchcore.{ending}"))).unwrap();
        fs::write(&path, &whole).unwrap();
        let read = |path: &Path| {
            let model = read_anomalib(path)?;
            for name in model.weights.names() {
                model.weights.tensor(name)?;
            }
            Ok(())
        };
        Self { _folder: folder, path, whole, read }
    }

    fn all() -> [Self; 4] {
        [
            Self::of_reference("nnscorer_search_index.faiss"),
            Self::of_reference("patchcore_params.pkl"),
            Self::of_anomalib("ckpt"),
            Self::of_anomalib("pt"),
        ]
    }

    /// Reads the file as it is now; whether that went well.
    fn is_read(&self, what: &str) -> bool {
        let mut result = Ok(());
        let used = measure(|| result = (self.read)(&self.path)).bytes_max;
        let limit = PER_BYTE * self.whole.len() as u64 + FIXED;
        assert!(used <= limit, "{what}: {used} bytes of memory for {} of the file", self.whole.len());
        if let Err(error) = &result {
            let folder = self.path.parent().unwrap().to_str().unwrap();
            assert!(error.to_string().contains(folder), "{what}: no file is named: {error}");
        }
        result.is_ok()
    }
}

#[test]
fn every_truncation_is_refused() {
    for victim in Victim::all() {
        assert!(victim.is_read("whole"));
        let file = File::options().write(true).open(&victim.path).unwrap();
        for length in (0..victim.whole.len() as u64).rev() {
            file.set_len(length).unwrap();
            assert!(!victim.is_read("cut"), "{length} of {} bytes", victim.whole.len());
        }
    }
}

/// Numbers without a pattern: `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

#[test]
fn no_changed_byte_makes_a_reader_panic() {
    let mut dice = Dice(1);
    for victim in Victim::all() {
        let mut file = File::options().write(true).open(&victim.path).unwrap();
        let mut put = |at: usize, byte: u8| {
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.write_all(&[byte]).unwrap();
        };
        let (mut read, mut refused) = (0, 0);
        for _ in 0..3000 {
            let at = dice.below(victim.whole.len());
            let byte = victim.whole[at] ^ (1 + dice.below(255)) as u8;
            put(at, byte);
            if victim.is_read("changed") {
                read += 1;
            } else {
                refused += 1;
            }
            put(at, victim.whole[at]);
        }
        assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
        assert!(victim.is_read("put back"));
    }
}

/// In the pickles of torch.save files lie the names of classes and all numbers; most bytes of the file are weights.
#[test]
fn no_changed_byte_of_an_object_makes_a_reader_panic() {
    let mut dice = Dice(2);
    for ending in ["ckpt", "pt"] {
        let victim = Victim::of_anomalib(ending);
        // The pickle is the first entry, and its checksum is looked at: so the change is an error of the archive, unless
        // the checksum in the directory is changed with it.
        let archive = Stored::first_of(&victim.whole);
        for _ in 0..3000 {
            let mut bytes = victim.whole.clone();
            let at = archive.data.start + dice.below(archive.data.len());
            bytes[at] ^= (1 + dice.below(255)) as u8;
            let checksum = crc32(&bytes[archive.data.clone()]).to_le_bytes();
            for place in &archive.checksums {
                bytes[*place..*place + 4].copy_from_slice(&checksum);
            }
            fs::write(&victim.path, &bytes).unwrap();
            victim.is_read("changed object");
        }
    }
}

/// Where an archive's first entry lies, and where its checksum is written.
struct Stored {
    data: std::ops::Range<usize>,
    checksums: Vec<usize>,
}

impl Stored {
    fn first_of(zip: &[u8]) -> Self {
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
        let start = 30 + u16_at(26) + u16_at(28);
        let directory = zip.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        let length = u32::from_le_bytes(zip[directory + 24..directory + 28].try_into().unwrap()) as usize;
        let data = start..start + length;
        let checksum = crc32(&zip[data.clone()]).to_le_bytes();
        let checksums: Vec<usize> = (0..zip.len() - 4).filter(|&at| zip[at..at + 4] == checksum).collect();
        assert!(checksums.contains(&(directory + 16)));
        Self { data, checksums }
    }
}

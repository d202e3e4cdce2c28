//! The directories of a TIFF: whether everything that they point at is there, and what the samples of the first page are.
//!
//! A decoder reads what it needs of the first page. Only this walk tells that a later page is cut off, or that the chain
//! of pages never ends.

use super::Format;
use crate::error::DecodeError;
use crate::limits::Limits;
use std::collections::BTreeSet;

/// More are a mistake, or made to burn time.
const MAX_PAGES: usize = 10_000;

/// Tags that are looked at.
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS_PER_SAMPLE: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const SAMPLES_PER_PIXEL: u16 = 277;
const SAMPLE_FORMAT: u16 = 339;
/// Width and height of a tile.
const TILE: [u16; 2] = [322, 323];
/// Where strips and tiles begin, and how many bytes each has.
const PARTS: [[u16; 2]; 2] = [[273, 279], [324, 325]];

/// Fails unless every page's data lie within the file, its tiles within the limits of pictures, and the first page's samples
/// can become light.
pub(super) fn check(bytes: &[u8], limits: &Limits) -> Result<(), DecodeError> {
    let file = File::open(bytes)?;
    let (mut at, mut seen) = (file.first()?, BTreeSet::new());
    // Directories and lists that share no bytes cannot be longer than the file; one value may stand in its entry.
    let mut budget = 2 * bytes.len() as u64;
    while at != 0 {
        if !seen.insert(at) {
            return Err(corrupt(&format!("page {} leads back to an earlier one", seen.len())));
        }
        if seen.len() > MAX_PAGES {
            return Err(corrupt(&format!("has more than {MAX_PAGES} pages")));
        }
        let page = file.page(at, &mut budget)?;
        let stored = file.check_data(&page, &mut budget)?;
        file.check_tiles(&page, limits)?;
        if seen.len() == 1 {
            file.check_samples(&page)?;
            file.check_stored(&page, stored)?;
        }
        at = page.next;
    }
    if seen.is_empty() { Err(corrupt("has no page")) } else { Ok(()) }
}

struct File<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    /// `BigTIFF`: numbers of 64 bits.
    wide: bool,
}

/// An entry of a directory: `count` values of so many bytes each.
#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    size: u64,
    count: u64,
    /// Where the values lie.
    at: u64,
}

struct Page {
    entries: Vec<Entry>,
    next: u64,
}

impl Page {
    fn find(&self, tag: u16) -> Option<Entry> {
        self.entries.iter().find(|entry| entry.tag == tag).copied()
    }
}

impl<'a> File<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (big_endian, wide) = match bytes {
            [b'I', b'I', magic, ..] => (false, *magic == 43),
            [b'M', b'M', 0, magic, ..] => (true, *magic == 43),
            _ => return Err(TRUNCATED),
        };
        Ok(Self { bytes, big_endian, wide })
    }

    /// Where the first directory lies.
    fn first(&self) -> Result<u64, DecodeError> {
        if !self.wide {
            return self.number(4, 4);
        }
        if [self.number(4, 2)?, self.number(6, 2)?] != [8, 0] {
            return Err(corrupt("is a BigTIFF whose offsets have other than 8 bytes"));
        }
        self.number(8, 8)
    }

    fn page(&self, at: u64, budget: &mut u64) -> Result<Page, DecodeError> {
        let (head, entry, word) = if self.wide { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.number(at, head)?;
        let end = count.checked_mul(entry).and_then(|length| length.checked_add(at)?.checked_add(head));
        let end = end.filter(|&end| end <= self.bytes.len() as u64).ok_or(TRUNCATED)?;
        spend(budget, count * entry)?;
        let entries = (0..count).map(|i| self.entry(at + head + i * entry));
        Ok(Page { entries: entries.collect::<Result<_, _>>()?, next: self.number(end, word)? })
    }

    fn entry(&self, at: u64) -> Result<Entry, DecodeError> {
        let (head, word) = if self.wide { (12, 8) } else { (8, 4) };
        let size: u64 = match self.number(at + 2, 2)? {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            // Kinds of values that nobody defined; decoders pass over them.
            _ => 0,
        };
        let count = self.number(at + 4, word)?;
        let inside = size.saturating_mul(count) <= word;
        let at_values = if inside { at + head } else { self.number(at + head, word)? };
        Ok(Entry { tag: self.number(at, 2)? as u16, size, count, at: at_values })
    }

    /// The bytes of all strips and tiles together. Fails unless they and all values lie within the file.
    fn check_data(&self, page: &Page, budget: &mut u64) -> Result<u64, DecodeError> {
        let mut stored: u64 = 0;
        for entry in &page.entries {
            self.check_range(entry.at, entry.size.saturating_mul(entry.count))?;
        }
        for [begins, lengths] in PARTS {
            let (Some(begins), Some(lengths)) = (page.find(begins), page.find(lengths)) else { continue };
            if begins.count != lengths.count {
                let counts = [begins.count, lengths.count];
                return Err(corrupt(&format!(
                    "has {} strips and {} lengths of strips",
                    counts[0], counts[1]
                )));
            }
            spend(budget, begins.count.saturating_mul(begins.size + lengths.size))?;
            for i in 0..begins.count {
                let length = self.value(lengths, i)?;
                self.check_range(self.value(begins, i)?, length)?;
                stored = stored.saturating_add(length);
            }
        }
        Ok(stored)
    }

    /// Fails for tiles wider or higher than a picture may be: the decoder takes memory for their rows.
    fn check_tiles(&self, page: &Page, limits: &Limits) -> Result<(), DecodeError> {
        for entry in page.entries.iter().filter(|entry| TILE.contains(&entry.tag) && entry.count > 0) {
            let side = self.value(*entry, 0)?;
            if side > u64::from(limits.max_side) {
                return Err(corrupt(&format!("has tiles with a side of {side} pixels")));
            }
        }
        Ok(())
    }

    /// Fails if pixels without compression are said to take fewer bytes than they do.
    fn check_stored(&self, page: &Page, stored: u64) -> Result<(), DecodeError> {
        const NONE: u64 = 1;
        const COARSE_CHROMA: u64 = 6;
        let compressed = self.first_of(page, COMPRESSION, NONE)? != NONE;
        if compressed || self.first_of(page, PHOTOMETRIC, 1)? == COARSE_CHROMA {
            return Ok(());
        }
        let [width, height, bits, samples] = [WIDTH, HEIGHT, BITS_PER_SAMPLE, SAMPLES_PER_PIXEL]
            .map(|tag| self.first_of(page, tag, u64::from(tag == SAMPLES_PER_PIXEL)));
        let bits = u128::from(width?) * u128::from(height?) * u128::from(bits?) * u128::from(samples?);
        if u128::from(stored) * 8 < bits {
            return Err(corrupt(&format!("says that its pixels take {stored} bytes, which are too few")));
        }
        Ok(())
    }

    /// The first value of an entry, or what stands for one that is missing.
    fn first_of(&self, page: &Page, tag: u16, missing: u64) -> Result<u64, DecodeError> {
        page.find(tag).filter(|entry| entry.count > 0).map_or(Ok(missing), |entry| self.value(entry, 0))
    }

    fn check_samples(&self, page: &Page) -> Result<(), DecodeError> {
        let bits = self.first_of(page, BITS_PER_SAMPLE, 1)?;
        let what = match (self.first_of(page, SAMPLE_FORMAT, 1)?, self.first_of(page, PHOTOMETRIC, 1)?) {
            (3 | 6, _) => {
                format!("a TIFF of {bits}-bit floating-point samples (which value is white is not defined)")
            }
            (2 | 5, _) => {
                format!("a TIFF of {bits}-bit signed samples (which value is black is not defined)")
            }
            _ if bits > 16 => format!("a TIFF of {bits}-bit samples"),
            (_, 3) => "a TIFF with a palette".into(),
            _ => return Ok(()),
        };
        Err(DecodeError::Unsupported { what })
    }

    /// The `i`-th value of an entry of whole numbers.
    fn value(&self, entry: Entry, i: u64) -> Result<u64, DecodeError> {
        match entry.size {
            1 | 2 | 4 | 8 => self.number(entry.at + i * entry.size, entry.size),
            _ => Err(corrupt("has a number of an unknown kind")),
        }
    }

    fn check_range(&self, at: u64, length: u64) -> Result<(), DecodeError> {
        let end = at.checked_add(length).filter(|&end| end <= self.bytes.len() as u64);
        if length == 0 || end.is_some() { Ok(()) } else { Err(TRUNCATED) }
    }

    /// A number of 2, 4 or 8 bytes.
    fn number(&self, at: u64, size: u64) -> Result<u64, DecodeError> {
        let at = usize::try_from(at).map_err(|_| TRUNCATED)?;
        let bytes = self.bytes.get(at..).and_then(|rest| rest.get(..size as usize)).ok_or(TRUNCATED)?;
        let join = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        Ok(if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) })
    }
}

fn spend(budget: &mut u64, bytes: u64) -> Result<(), DecodeError> {
    *budget = budget.checked_sub(bytes).ok_or_else(|| corrupt("has directories that overlap"))?;
    Ok(())
}

const TRUNCATED: DecodeError = DecodeError::Truncated { format: Format::Tiff };

fn corrupt(reason: &str) -> DecodeError {
    DecodeError::Corrupt { format: Format::Tiff, reason: reason.into() }
}

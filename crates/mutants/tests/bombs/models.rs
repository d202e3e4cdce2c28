//! Model files, with right checksums, that declare more than they hold.

use crate::refused;
use patchcore::Fitted;
use sha2::{Digest, Sha256};

/// A model whose header has `new` in place of `old`, with the right length and checksum.
fn altered(old: &str, new: &str) -> Vec<u8> {
    let target = patchcore_mutants::targets().into_iter().find(|target| target.name == "model").unwrap();
    let bytes = (target.seeds)().remove(0);
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    assert!(header.contains(old), "{old} is not in {header}");
    let header = header.replacen(old, new, 1);
    let mut file =
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &bytes[8 + length..]].concat();
    let end = file.len() - 32;
    let sum = Sha256::digest(&file[..end]);
    file[end..].copy_from_slice(&sum);
    file
}

#[test]
fn bomb_54_rows_are_counted_in_the_file() {
    assert!(Fitted::from_bytes(&altered("\"bank\"", "\"bank\"")).is_ok());
    let rows = "\"shape\":[4,8]";
    for shape in
        ["[1152921504606846976,8]", "[4,1152921504606846976]", "[4294967296,4294967296]", "[0,8]", "[5,8]"]
    {
        let bytes = altered(rows, &format!("\"shape\":{shape}"));
        refused(bytes.len(), 16, || Fitted::from_bytes(&bytes));
    }
    let bytes = altered("\"data_offsets\":[0,", "\"data_offsets\":[18446744073709551615,");
    refused(bytes.len(), 16, || Fitted::from_bytes(&bytes));
}

#[test]
fn bomb_54_a_header_of_any_length_is_read_within_its_file() {
    for length in [u64::MAX, 1 << 60, 100_000_001] {
        let mut bytes = altered("\"bank\"", "\"bank\"");
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        refused(bytes.len(), 16, || Fitted::from_bytes(&bytes));
    }
    let deep = altered("\\\"members\\\":[", &format!("\\\"members\\\":{}", "[".repeat(100_000)));
    refused(deep.len(), 16, || Fitted::from_bytes(&deep));
}

//! Zip: the CRC-32 of every stored entry that the directory lists and that lies in the file.

const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL_HEADER: &[u8] = b"PK\x03\x04";

#[expect(clippy::ptr_arg, reason = "other repairs change the length")]
pub(crate) fn zip(bytes: &mut Vec<u8>) {
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(DIRECTORY_ENTRY) {
            let _ = entry(bytes, at);
        }
    }
}

/// Sets the checksum of the entry whose place in the directory is `at`, there and in front of its data.
fn entry(bytes: &mut [u8], at: usize) -> Option<()> {
    let number =
        |bytes: &[u8], at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    let short =
        |bytes: &[u8], at: usize| Some(usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)));
    let (len, local) = (number(bytes, at + 24)?, number(bytes, at + 42)?);
    if !bytes.get(local..)?.starts_with(LOCAL_HEADER) {
        return None;
    }
    let start = local + 30 + short(bytes, local + 26)? + short(bytes, local + 28)?;
    let sum = crc32fast::hash(bytes.get(start..start.checked_add(len)?)?).to_le_bytes();
    bytes.get_mut(at + 16..at + 20)?.copy_from_slice(&sum);
    // With bit 3 the checksum follows the data instead.
    if short(bytes, local + 6)? & 8 == 0 {
        bytes.get_mut(local + 14..local + 18)?.copy_from_slice(&sum);
    }
    Some(())
}

//! FAISS: the number of values is that of vectors times their width, and the file is as long as that says.

const HEADER: usize = 45;
/// Values are cut or filled up to this number at most.
const MOST: usize = 1 << 14;

pub(crate) fn faiss(bytes: &mut Vec<u8>) {
    let Some(header) = bytes.first_chunk::<HEADER>() else { return };
    let field =
        |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize;
    let values = field(4).wrapping_mul(field(8));
    bytes[37..45].copy_from_slice(&(values as u64).to_le_bytes());
    bytes.resize(HEADER + 4 * values.min(MOST), 0);
}

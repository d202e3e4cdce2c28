//! Pickles of protocol 4 and 5: the length of the frame that spans the rest.

/// `PROTO`, its version, `FRAME`, and the length in eight bytes.
const START: usize = 11;

#[expect(clippy::ptr_arg, reason = "other repairs change the length")]
pub(crate) fn pickle(bytes: &mut Vec<u8>) {
    let len = bytes.len().saturating_sub(START) as u64;
    if let Some(&mut [0x80, 4 | 5, 0x95, ref mut frame @ ..]) = bytes.get_mut(..START) {
        frame.copy_from_slice(&len.to_le_bytes());
    }
}

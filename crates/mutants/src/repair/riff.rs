//! WebP: the size of the RIFF container, and of its first chunk if it reaches beyond the end.

#[expect(clippy::ptr_arg, reason = "other repairs change the length")]
pub(crate) fn riff(bytes: &mut Vec<u8>) {
    let after = bytes.len().saturating_sub(8) as u32;
    if let Some(size) = bytes.get_mut(4..8) {
        size.copy_from_slice(&after.to_le_bytes());
    }
    let behind = after.saturating_sub(12);
    let Some(size) = bytes.get_mut(16..20) else { return };
    if u32::from_le_bytes([size[0], size[1], size[2], size[3]]) > behind {
        size.copy_from_slice(&behind.to_le_bytes());
    }
}

//! PNG: the CRC-32 of every chunk.

const SIGNATURE: usize = 8;

#[expect(clippy::ptr_arg, reason = "other repairs change the length")]
pub(crate) fn png(bytes: &mut Vec<u8>) {
    let mut at = SIGNATURE;
    while let Some(&[a, b, c, d]) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let sum_at = at.saturating_add(8).saturating_add(length);
        let Some(named) = bytes.get(at + 4..sum_at) else { return };
        let sum = crc32fast::hash(named).to_be_bytes();
        let Some(place) = bytes.get_mut(sum_at..sum_at + 4) else { return };
        place.copy_from_slice(&sum);
        at = sum_at + 4;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_changed_chunk_is_whole_again() {
        let good = crate::seeds::png().remove(0);
        let mut bytes = good.clone();
        bytes[19] ^= 3; // in the width
        let changed = bytes.clone();
        super::png(&mut bytes);
        assert_ne!(bytes, changed);
        bytes[19] ^= 3;
        super::png(&mut bytes);
        assert_eq!(bytes, good);
    }
}

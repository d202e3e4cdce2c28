//! Picture files made byte by byte, so that each can be wrong in exactly one place.

/// A PNG of these chunks, with right checksums.
pub fn png(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in chunks {
        bytes.extend((data.len() as u32).to_be_bytes());
        let named = [&name[..], data].concat();
        bytes.extend(&named);
        bytes.extend(crc32(&named).to_be_bytes());
    }
    bytes
}

/// The data of an `IHDR` chunk.
pub fn ihdr(width: u32, height: u32, bit_depth: u8, colour_type: u8) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bit_depth, colour_type, 0, 0, 0]].concat()
}

/// A black grey PNG of 8 bits: whole, right, and about 150 times smaller than its pixels.
pub fn black_png(width: u32, height: u32) -> Vec<u8> {
    let zeros = (u64::from(width) + 1) * u64::from(height);
    png(&[(b"IHDR", &ihdr(width, height, 8, 0)), (b"IDAT", &zlib_of_zeros(zeros)), (b"IEND", &[])])
}

/// A zlib stream of so many zeros: one block of fixed codes, a zero and repetitions of it.
pub fn zlib_of_zeros(count: u64) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b1, 1); // the last block
    bits.push(0b01, 2); // with fixed codes
    let (repeats, rest) = (count.saturating_sub(1) / 258, count.saturating_sub(1) % 258);
    for _ in 0..count.min(1) + rest {
        bits.push_code(0x30, 8); // the literal 0
    }
    for _ in 0..repeats {
        bits.push_code(0b1100_0101, 8); // 258 bytes ...
        bits.push_code(0, 5); // ... from one back
    }
    bits.push_code(0, 7); // the end
    let mut out = vec![0x78, 0x01];
    out.extend(bits.bytes);
    // Adler-32: the first sum stays 1, so the second is the number of bytes.
    out.extend((((count % 65_521) as u32) << 16 | 1).to_be_bytes());
    out
}

/// Bits as deflate packs them: the first one lowest in its byte.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for i in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> i & 1) as u8) << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Codes have their highest bit first.
    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }
}

/// A bitmap with an info header. A negative height means rows from the top; `palette` holds four bytes a colour.
pub fn bmp(size: [i32; 2], bits: u16, compression: u32, palette: &[u8], pixels: &[u8]) -> Vec<u8> {
    let start = 14 + 40 + palette.len() as u32;
    let mut bytes = b"BM".to_vec();
    bytes.extend([start + pixels.len() as u32, 0, start, 40].iter().flat_map(|v| v.to_le_bytes()));
    bytes.extend(size.iter().flat_map(|v| v.to_le_bytes()));
    bytes.extend([1, bits].iter().flat_map(|v| v.to_le_bytes()));
    let colours = palette.len() as u32 / 4;
    let numbers = [compression, pixels.len() as u32, 2835, 2835, colours, 0];
    bytes.extend(numbers.iter().flat_map(|v| v.to_le_bytes()));
    bytes.extend(palette);
    bytes.extend(pixels);
    bytes
}

/// An entry of a TIFF's directory: tag, type (3 is 16 bits, 4 is 32), number of values, and the value or where they lie.
pub type Entry = [u32; 4];

/// A TIFF whose first directory is at 8, each directory directly behind the one before, then `data`. `last` is where the
/// last directory says that the next one is.
pub fn tiff(pages: &[Vec<Entry>], last: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    for (i, page) in pages.iter().enumerate() {
        bytes.extend((page.len() as u16).to_le_bytes());
        for &[tag, kind, count, value] in page {
            bytes.extend([tag as u16, kind as u16].iter().flat_map(|v| v.to_le_bytes()));
            bytes.extend([count, value].iter().flat_map(|v| v.to_le_bytes()));
        }
        let next = if i + 1 == pages.len() { last } else { bytes.len() as u32 + 4 };
        bytes.extend(next.to_le_bytes());
    }
    bytes.extend(data);
    bytes
}

/// The entries of a grey page of 8 bits in one strip that lies at `at`.
pub fn grey_page(width: u32, height: u32, at: u32) -> Vec<Entry> {
    let strip = width.saturating_mul(height);
    vec![
        [256, 4, 1, width],
        [257, 4, 1, height],
        [258, 3, 1, 8],
        [259, 3, 1, 1],
        [262, 3, 1, 1],
        [273, 4, 1, at],
        [277, 3, 1, 1],
        [278, 4, 1, height],
        [279, 4, 1, strip],
    ]
}

/// A JPEG with segments put in behind its first marker.
pub fn with_segments(jpeg: &[u8], segments: &[u8]) -> Vec<u8> {
    let (start, rest) = jpeg.split_at(2);
    [start, segments, rest].concat()
}

/// The place of the first marker of this kind in a JPEG.
///
/// # Panics
/// If there is none.
pub fn jpeg_marker(jpeg: &[u8], marker: u8) -> usize {
    let at = jpeg.windows(2).position(|window| window == [0xFF, marker]);
    at.unwrap_or_else(|| panic!("no marker {marker:#x}"))
}

/// The whole segment of the first marker of this kind in a JPEG.
///
/// # Panics
/// If there is none.
pub fn jpeg_segment(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let at = jpeg_marker(jpeg, marker);
    let length = usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    jpeg[at..at + 2 + length].to_vec()
}

/// An `APP1` segment that says how the camera was held, 1 to 8.
pub fn exif_orientation(orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    [&[0xFF, 0xE1], &(exif.len() as u16 + 2).to_be_bytes()[..], &exif].concat()
}

/// CRC-32 as PNG, ZIP and gzip use it.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_well_known_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_single_zero_is_a_literal_and_the_end() {
        assert_eq!(zlib_of_zeros(1), [0x78, 0x01, 0x63, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01]);
    }
}

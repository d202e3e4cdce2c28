//! PNG: the chunks are checked here, the pixels come from the `image` crate.
//!
//! Only `IHDR`, `PLTE`, `IDAT` and `IEND` reach the decoder. What must be ignored anyway (transparency, gamma,
//! profiles, text, animation frames) cannot then change a pixel, inflate or cost time.

use super::raster::{Raster, Samples};
use super::{Format, Palette, through_image};
use crate::error::DecodeError;
use crate::limits::Limits;
use crc32fast::Hasher;
use std::borrow::Cow;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const GREY: u8 = 0;
const INDEXED: u8 = 3;

pub(super) fn decode(bytes: &[u8], limits: &Limits, palette: Palette) -> Result<Raster, DecodeError> {
    let header = Header::read(bytes)?;
    limits.check_size(header.width, header.height)?;
    let as_indices = header.colour_type == INDEXED && palette == Palette::Indices;
    let essential = essential(bytes, header, as_indices)?;
    let mut raster = through_image::decode(Format::Png, &essential, limits)?;
    if as_indices {
        unscale(&mut raster, header.bit_depth);
    }
    raster.classes = header.colour_type == INDEXED || (header.colour_type == GREY && header.bit_depth == 1);
    Ok(raster)
}

/// What `IHDR` says, as far as it matters here.
#[derive(Clone, Copy)]
struct Header {
    width: u32,
    height: u32,
    bit_depth: u8,
    colour_type: u8,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (first, _) = Chunk::read(&bytes[SIGNATURE.len()..])?;
        let (b"IHDR", &[w0, w1, w2, w3, h0, h1, h2, h3, bit_depth, colour_type, ..]) =
            (&first.name, first.data)
        else {
            return Err(corrupt("does not begin with an IHDR chunk"));
        };
        let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
        Ok(Self { width, height, bit_depth, colour_type })
    }
}

/// The file again with the chunks that make the picture, all of them checked; the file itself if it has no others.
///
/// `as_indices` turns a palette picture into the grey picture of its numbers.
fn essential(bytes: &[u8], header: Header, as_indices: bool) -> Result<Cow<'_, [u8]>, DecodeError> {
    // Only the first chunk that is left out or changed makes a copy necessary.
    let mut kept = Cow::Borrowed(SIGNATURE);
    let mut rest = &bytes[SIGNATURE.len()..];
    loop {
        let (chunk, after) = Chunk::read(rest)?;
        let before = bytes.len() - rest.len();
        let end = bytes.len() - after.len();
        rest = after;
        match &chunk.name {
            b"IHDR" if before > SIGNATURE.len() => return Err(corrupt("has a second IHDR chunk")),
            b"IHDR" if as_indices => {
                let mut grey = chunk.data.to_vec();
                grey[9] = GREY; // Header::read has seen ten bytes
                append(kept.to_mut(), chunk.name, &grey);
            }
            // Some writers suggest a palette for true colour; only a palette picture needs it.
            b"PLTE" if as_indices || header.colour_type != INDEXED => {}
            // The decoder stumbles over half a colour.
            b"PLTE" if chunk.data.is_empty() || !chunk.data.len().is_multiple_of(3) => {
                return Err(corrupt(&format!("has a palette of {} bytes", chunk.data.len())));
            }
            b"IHDR" | b"PLTE" | b"IDAT" | b"IEND" => {
                match &mut kept {
                    Cow::Borrowed(so_far) if so_far.len() == before => *so_far = &bytes[..end],
                    copied => copied.to_mut().extend_from_slice(&bytes[before..end]),
                }
                if chunk.name == *b"IEND" {
                    return Ok(kept);
                }
            }
            name if is_critical(*name) => {
                return Err(corrupt(&format!("unknown critical chunk {}", name.escape_ascii())));
            }
            _ => {}
        }
    }
}

struct Chunk<'a> {
    name: [u8; 4],
    data: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// The first chunk of `bytes` and what follows it. The checksum of a critical chunk is verified.
    fn read(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let truncated = DecodeError::Truncated { format: Format::Png };
        let Some((&[l0, l1, l2, l3, n0, n1, n2, n3], rest)) = bytes.split_first_chunk::<8>() else {
            return Err(truncated);
        };
        let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
        let name = [n0, n1, n2, n3];
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(corrupt(&format!("chunk name {} is not four letters", name.escape_ascii())));
        }
        let Some((data, rest)) = rest.split_at_checked(length) else { return Err(truncated) };
        let Some((sum, rest)) = rest.split_first_chunk::<4>() else { return Err(truncated) };
        if is_critical(name) && checksum(name, data) != u32::from_be_bytes(*sum) {
            return Err(corrupt(&format!("wrong checksum of chunk {}", name.escape_ascii())));
        }
        Ok((Self { name, data }, rest))
    }
}

/// A capital first letter means that no decoder may skip the chunk.
fn is_critical(name: [u8; 4]) -> bool {
    name[0].is_ascii_uppercase()
}

fn append(kept: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    kept.extend_from_slice(&(data.len() as u32).to_be_bytes());
    kept.extend_from_slice(&name);
    kept.extend_from_slice(data);
    kept.extend_from_slice(&checksum(name, data).to_be_bytes());
}

/// CRC-32 over name and data.
fn checksum(name: [u8; 4], data: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&name);
    hasher.update(data);
    hasher.finalize()
}

/// Takes back that grey of few bits is stretched to 0..=255.
fn unscale(raster: &mut Raster, bit_depth: u8) {
    let step = match bit_depth {
        1 => 255,
        2 => 85,
        4 => 17,
        _ => return,
    };
    if let Samples::Grey(values) = &mut raster.samples {
        for value in values {
            *value /= step;
        }
    }
}

fn corrupt(reason: &str) -> DecodeError {
    DecodeError::Corrupt { format: Format::Png, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG of these chunks.
    fn png(chunks: &[([u8; 4], &[u8])]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        for (name, data) in chunks {
            append(&mut bytes, *name, data);
        }
        bytes
    }

    fn header(width: u32, height: u32, bit_depth: u8, colour_type: u8) -> Vec<u8> {
        [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bit_depth, colour_type, 0, 0, 0]].concat()
    }

    /// A zlib stream that stores `raw` (filter bytes included) uncompressed.
    fn stored(raw: &[u8]) -> Vec<u8> {
        let length = raw.len() as u16;
        let (mut a, mut b) = (1u32, 0u32);
        for &byte in raw {
            a = (a + u32::from(byte)) % 65521;
            b = (b + a) % 65521;
        }
        let mut out = vec![0x78, 1, 1];
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(raw);
        out.extend(((b << 16) | a).to_be_bytes());
        out
    }

    /// Four pixels of two bits with the values 3, 0, 1, 2.
    fn four_classes() -> Vec<u8> {
        png(&[
            (*b"IHDR", &header(4, 1, 2, INDEXED)),
            (*b"PLTE", &[10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3]),
            (*b"tRNS", &[0, 128]),
            (*b"IDAT", &stored(&[0, 0b11_00_01_10])),
            (*b"IEND", &[]),
        ])
    }

    #[test]
    fn a_palette_is_colours_or_numbers() {
        let colours = decode(&four_classes(), &Limits::default(), Palette::Colours).unwrap();
        assert_eq!(colours.samples, Samples::Rgb(vec![1, 2, 3, 10, 20, 30, 40, 50, 60, 70, 80, 90]));
        let numbers = decode(&four_classes(), &Limits::default(), Palette::Indices).unwrap();
        assert_eq!(numbers.samples, Samples::Grey(vec![3, 0, 1, 2]));
        assert!(numbers.classes);
    }

    #[test]
    fn a_palette_of_half_a_colour_is_refused() {
        let (ihdr, data) = (header(4, 1, 2, INDEXED), stored(&[0, 0b11_00_01_10]));
        for palette in [&[][..], &[1], &[1, 2, 3, 4]] {
            let bytes = png(&[(*b"IHDR", &ihdr), (*b"PLTE", palette), (*b"IDAT", &data), (*b"IEND", &[])]);
            let error = decode(&bytes, &Limits::default(), Palette::Colours).err().unwrap().to_string();
            assert_eq!(error, format!("corrupt PNG: has a palette of {} bytes", palette.len()));
        }
    }

    #[test]
    fn a_second_header_of_a_mask_is_refused_whatever_its_length() {
        let mut bytes = four_classes();
        bytes.truncate(bytes.len() - 12);
        bytes.extend(&png(&[(*b"IHDR", &[0]), (*b"IEND", &[])])[SIGNATURE.len()..]);
        let error = decode(&bytes, &Limits::default(), Palette::Indices).err().unwrap();
        assert!(error.to_string().contains("second IHDR"), "{error}");
    }

    #[test]
    fn case_09_ancillary_chunks_cannot_harm() {
        // A text bomb, a broken checksum in a text chunk and an animation header: all skipped.
        let mut bytes =
            png(&[(*b"IHDR", &header(1, 1, 8, GREY)), (*b"zTXt", &[b'x'; 3000]), (*b"acTL", &[0; 8])]);
        let at = bytes.len() - 1;
        bytes[at] ^= 1;
        bytes.extend(&png(&[(*b"IDAT", &stored(&[0, 77])), (*b"IEND", &[])])[SIGNATURE.len()..]);
        let raster = decode(&bytes, &Limits::default(), Palette::Colours).unwrap();
        assert_eq!(raster.samples, Samples::Grey(vec![77]));
    }

    #[test]
    fn nothing_is_copied_where_nothing_is_left_out() {
        let chunks = |between: &[([u8; 4], &[u8])]| {
            let (ihdr, idat) = (header(1, 1, 8, GREY), stored(&[0, 77]));
            let (mut all, end) = (vec![(*b"IHDR", &ihdr[..])], (*b"IEND", &[][..]));
            all.extend_from_slice(between);
            all.extend([(*b"IDAT", &idat[..3]), (*b"IDAT", &idat[3..]), end]);
            png(&all)
        };
        let plain = chunks(&[]);
        let behind = [&plain, &b"more"[..]].concat();
        for bytes in [&plain, &behind] {
            let kept = essential(bytes, Header::read(bytes).unwrap(), false).unwrap();
            assert!(matches!(&kept, Cow::Borrowed(kept) if *kept == plain));
        }
        let with_text = chunks(&[(*b"tEXt", b"a"), (*b"pHYs", b"")]);
        let kept = essential(&with_text, Header::read(&with_text).unwrap(), false).unwrap();
        assert_eq!(kept, plain);
    }

    #[test]
    fn case_06_a_wrong_checksum_names_the_chunk() {
        for name in [*b"IHDR", *b"IDAT", *b"IEND"] {
            let mut bytes = four_classes();
            let at = bytes.windows(4).position(|w| *w == name).unwrap();
            let length = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
            bytes[at + 4 + length] ^= 1;
            let error = decode(&bytes, &Limits::default(), Palette::Colours).err().unwrap().to_string();
            assert!(
                error.contains("checksum") && error.contains(std::str::from_utf8(&name).unwrap()),
                "{error}"
            );
        }
    }

    #[test]
    fn odd_containers_are_refused() {
        let refused = |chunks: &[([u8; 4], &[u8])]| {
            decode(&png(chunks), &Limits::default(), Palette::Colours).err().unwrap().to_string()
        };
        let ihdr = header(1, 1, 8, GREY);
        assert!(refused(&[(*b"IDAT", &[]), (*b"IEND", &[])]).contains("IHDR"));
        assert!(refused(&[(*b"IHDR", &ihdr[..5]), (*b"IEND", &[])]).contains("IHDR"));
        assert!(refused(&[(*b"IHDR", &ihdr), (*b"WHAT", &[])]).contains("WHAT"));
        assert!(refused(&[(*b"IHDR", &ihdr), (*b"IHDR", &ihdr), (*b"IEND", &[])]).contains("second IHDR"));
        assert!(refused(&[(*b"IHDR", &ihdr), (*b"I\n\x1bT", &[])]).contains(r"I\n\x1bT"));
        assert!(refused(&[(*b"IHDR", &ihdr), (*b"IEND", &[])]).starts_with("corrupt PNG"));
        assert!(refused(&[(*b"IHDR", &header(0, 1, 8, GREY)), (*b"IEND", &[])]).contains("0x1"));
    }

    #[test]
    fn case_08_a_huge_declaration_is_refused_before_anything_else() {
        for side in [20_000, 0x7FFF_FFFF] {
            let bytes = png(&[(*b"IHDR", &header(side, side, 8, GREY)), (*b"IDAT", &[]), (*b"IEND", &[])]);
            let error = decode(&bytes, &Limits::default(), Palette::Colours).err().unwrap();
            assert!(matches!(error, DecodeError::Limit(_)), "{error}");
        }
    }
}

//! Pictures that declare more than they hold.

use crate::{measured, refused};
use patchcore_image::{DecodeError, Limits, decode_bytes};

/// A PNG of these chunks.
fn png(chunks: &[([u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in chunks {
        let named = [&name[..], data].concat();
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(&named);
        bytes.extend(crc32fast::hash(&named).to_be_bytes());
    }
    bytes
}

fn header(width: u32, height: u32) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat()
}

/// A zlib stream of so many zeros: one block with fixed codes, a zero and then 258 more of it again and again.
fn zeros(count: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false]; // the last block, fixed codes
    let mut code = |value: u32, length: u32| bits.extend((0..length).rev().map(|i| value >> i & 1 == 1));
    let (runs, singles) = ((count - 1) / 258, (count - 1) % 258 + 1);
    (0..singles).for_each(|_| code(0b0011_0000, 8));
    (0..runs).for_each(|_| code(0b1100_0101 << 5, 13)); // length 258, distance 1
    code(0, 7);
    let packed = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |all, &bit| all << 1 | u8::from(bit)));
    let sum = ((count % 65_521) as u32) << 16 | 1;
    [vec![0x78, 0x01], packed.collect(), sum.to_be_bytes().to_vec()].concat()
}

fn black_png(width: u32, height: u32) -> Vec<u8> {
    let data = zeros((width as usize + 1) * height as usize);
    png(&[(*b"IHDR", &header(width, height)), (*b"IDAT", &data), (*b"IEND", &[])])
}

fn error(bytes: &[u8], factor: u64) -> String {
    refused(bytes.len(), factor, || decode_bytes(bytes, &Limits::default()))
}

#[test]
fn bomb_07_a_png_of_20_000_by_20_000_costs_nothing() {
    let small = decode_bytes(&black_png(300, 200), &Limits::default()).unwrap();
    assert!(small.rgb().iter().all(|&v| v == 0), "the bomb would go off");
    let bytes = black_png(20_000, 20_000);
    assert!((300_000..3_000_000).contains(&bytes.len()), "{}", bytes.len());
    let (result, held) = measured(|| decode_bytes(&bytes, &Limits::default()));
    assert!(matches!(result, Err(DecodeError::Limit(_))), "{result:?}");
    assert!(held < 4096, "{held} bytes");
    let narrow = Limits { max_alloc: 1 << 20, ..Limits::default() };
    let (result, held) = measured(|| decode_bytes(&black_png(2000, 2000), &narrow));
    assert!(matches!(result, Err(DecodeError::Limit(_))), "{result:?}");
    assert!(held < 1 << 20, "{held} bytes");
}

#[test]
fn bomb_08_sides_up_to_the_largest_number_are_refused_by_the_header() {
    for [width, height] in [[0, 0], [1, 0], [0x7fff_ffff; 2], [u32::MAX; 2], [16_384, 16_384]] {
        let bytes = png(&[(*b"IHDR", &header(width, height)), (*b"IDAT", &[]), (*b"IEND", &[])]);
        error(&bytes, 1);
    }
}

#[test]
fn bomb_09_ancillary_chunks_are_passed_over() {
    let packed = zeros(16 << 20);
    let text = [b"note\0\0", &packed[..]].concat();
    let (header, data) = (header(3, 2), zeros(8));
    let begin = (*b"IHDR", &header[..]);
    let end = [(*b"IDAT", &data[..]), (*b"IEND", &[][..])];
    for name in [*b"zTXt", *b"iCCP", *b"eXIf", *b"iTXt"] {
        let bytes = png(&[begin, (name, &text), end[0], end[1]]);
        let (result, held) = measured(|| decode_bytes(&bytes, &Limits::default()));
        assert_eq!(result.unwrap().rgb(), [0; 18]);
        assert!(held < 256 << 10, "{}: {held} bytes", name.escape_ascii());
    }
    let mut chunks = vec![begin];
    chunks.extend(vec![(*b"tEXt", &b"a\0b"[..]); 100_000]);
    chunks.extend(end);
    let bytes = png(&chunks);
    let (result, held) = measured(|| decode_bytes(&bytes, &Limits::default()));
    assert_eq!(result.unwrap().rgb(), [0; 18]);
    assert!(held < 256 << 10, "{held} bytes");
}

#[test]
fn bomb_10_a_jpeg_of_ten_thousand_scans_is_not_decoded() {
    let bytes = include_bytes!("../../seeds/halved.jpg");
    let scan = bytes.windows(2).rposition(|marker| marker == [0xff, 0xda]).unwrap();
    let (before, after) = bytes.split_at(scan);
    let (again, end) = after.split_at(after.len() - 2);
    let bomb = [before, &again.repeat(10_000), end].concat();
    assert!(decode_bytes(&[before, &again.repeat(2), end].concat(), &Limits::default()).is_ok());
    let error = error(&bomb, 0);
    assert!(error.contains("scans, more than 100"), "{error}");
    // A progressive picture is held whole as coefficients: three times as much.
    let wide = Limits { max_alloc: 3 * 24 * 17 * 3 - 1, ..Limits::default() };
    assert!(matches!(decode_bytes(bytes, &wide), Err(DecodeError::Limit(_))));
}

#[test]
fn bomb_12_a_tiff_of_any_size_is_refused_by_its_directory() {
    let sound = tiff(&[(256, 4, 1, 4), (257, 4, 1, 2), (273, 4, 1, 8), (279, 4, 1, 8)]);
    assert!(decode_bytes(&sound, &Limits::default()).is_ok());
    let sides: [(u32, u32); 4] = [(0x7fff_ffff, 1), (u32::MAX, u32::MAX), (16_384, 16_384), (0, 2)];
    for (width, height) in sides {
        error(&tiff(&[(256, 4, 1, width), (257, 4, 1, height), (273, 4, 1, 8), (279, 4, 1, 8)]), 64);
    }
}

/// A little-endian TIFF of eight grey bytes at 8, whose directory has these entries besides what every picture has.
fn tiff(entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let mut all = vec![(258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1), (278, 4, 1, 2)];
    all.extend(entries);
    all.sort_unstable();
    let mut bytes = b"II*\0\x10\0\0\0abcdefgh".to_vec();
    bytes.extend((all.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in all {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn bomb_13_a_bmp_of_runs_declares_its_pixels() {
    let header = |width: i32, height: i32| {
        let numbers = [40u32, width as u32, height as u32, 0x0008_0001, 1, 4, 0, 0, 2, 0];
        let info: Vec<u8> = numbers.iter().flat_map(|v| v.to_le_bytes()).collect();
        [b"BM\x42\0\0\0\0\0\0\0\x3e\0\0\0", &info[..], &[0; 8], &[3, 0, 0, 1]].concat()
    };
    for (width, height) in [(20_000, 20_000), (i32::MAX, 1), (1, i32::MAX), (i32::MIN, 1), (16_384, 16_384)] {
        error(&header(width, height), 64);
    }
}

#[test]
fn bomb_14_a_webp_frame_is_compared_with_its_canvas_first() {
    let canvas = [0u8, 0, 0, 0, 8, 0, 0, 5, 0, 0];
    let frame = [0xd0, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f];
    let chunks = [b"WEBPVP8X\x0a\0\0\0", &canvas[..], b"VP8 \x0a\0\0\0", &frame].concat();
    let bytes = [b"RIFF", &(chunks.len() as u32).to_le_bytes()[..], &chunks].concat();
    let wide = Limits { max_pixels: u64::MAX, max_alloc: u64::MAX, ..Limits::default() };
    let error = refused(bytes.len(), 1, || decode_bytes(&bytes, &wide));
    assert!(error.contains("on a canvas of 9x6"), "{error}");
}

#[test]
fn bomb_14_a_pnm_header_is_believed_only_within_the_limits() {
    let long_number = [b"P5 ", "9".repeat(1 << 20).as_bytes(), b" 1 255\n"].concat();
    let long_note = [b"P5 #", "x".repeat(1 << 20).as_bytes(), b"\n 1 1 255\n"].concat();
    for bytes in
        [&b"P5 99999999999 1 255\n"[..], b"P5 4294967295 4294967295 255\n", b"P6 16384 16384 65535\n"]
    {
        error(bytes, 64);
    }
    error(&long_number, 8);
    error(&long_note, 8);
}

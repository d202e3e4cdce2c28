//! Pictures that declare more than they hold.

use crate::{measured, refused};
use patchcore_image::{DecodeError, ErrorKind, Limits, decode, decode_bytes};
use patchcore_testkit::craft::{black_png, grey_page, ihdr, png, tiff, zlib_of_zeros};
use std::time::{Duration, Instant};

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
    // From disk: the bytes of the file, and no more.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.png");
    std::fs::write(&path, &bytes).unwrap();
    let (result, held) = measured(|| decode(&path, &Limits::default()));
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Limit);
    assert!(held < bytes.len() as u64 + 4096, "{held} bytes");
    let narrow = Limits { max_alloc: 1 << 20, ..Limits::default() };
    let (result, held) = measured(|| decode_bytes(&black_png(2000, 2000), &narrow));
    assert!(matches!(result, Err(DecodeError::Limit(_))), "{result:?}");
    assert!(held < 1 << 20, "{held} bytes");
}

#[test]
#[ignore = "measures time"]
fn bomb_07_takes_less_than_ten_milliseconds_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.png");
    std::fs::write(&path, black_png(20_000, 20_000)).unwrap();
    let begun = Instant::now();
    for _ in 0..100 {
        assert!(decode(&path, &Limits::default()).is_err());
    }
    let each = begun.elapsed() / 100;
    println!("refused in {each:?}");
    assert!(each < Duration::from_millis(10), "{each:?}");
}

#[test]
fn bomb_08_sides_up_to_the_largest_number_are_refused_by_the_header() {
    for [width, height] in [[0, 0], [1, 0], [0x7fff_ffff; 2], [u32::MAX; 2], [16_384, 16_384]] {
        let bytes = png(&[(b"IHDR", &ihdr(width, height, 8, 0)), (b"IDAT", &[]), (b"IEND", &[])]);
        error(&bytes, 1);
    }
}

#[test]
fn bomb_09_ancillary_chunks_are_passed_over() {
    let packed = zlib_of_zeros(16 << 20);
    let text = [b"note\0\0", &packed[..]].concat();
    let (header, data) = (ihdr(3, 2, 8, 0), zlib_of_zeros(8));
    let with = |ancillary: &[(&[u8; 4], &[u8])]| {
        let mut chunks: Vec<(&[u8; 4], &[u8])> = vec![(b"IHDR", &header)];
        chunks.extend(ancillary);
        chunks.extend([(b"IDAT", &data[..]), (b"IEND", &[])] as [(&[u8; 4], &[u8]); 2]);
        png(&chunks)
    };
    for name in [b"zTXt", b"iCCP", b"eXIf", b"iTXt"] {
        nothing_is_unpacked(&with(&[(name, &text)]));
    }
    // On the heap: as an array it would not fit a test's stack.
    let many: Vec<(&[u8; 4], &[u8])> = std::iter::repeat_n((b"tEXt", &b"a\0b"[..]), 100_000).collect();
    nothing_is_unpacked(&with(&many));
}

/// Six black pixels are read, and none of the file's bytes twice.
fn nothing_is_unpacked(bytes: &[u8]) {
    let (result, held) = measured(|| decode_bytes(bytes, &Limits::default()));
    assert_eq!(result.unwrap().rgb(), [0; 18]);
    assert!(held < 256 << 10, "{held} bytes of memory");
}

#[test]
fn bomb_10_a_jpeg_of_ten_thousand_scans_is_not_decoded() {
    let bytes = include_bytes!("../../seeds/halved.jpg");
    let scan = bytes.windows(2).rposition(|marker| marker == [0xff, 0xda]).unwrap();
    let (before, after) = bytes.split_at(scan);
    let (again, end) = after.split_at(after.len() - 2);
    let bomb = [before, &again.repeat(10_000), end].concat();
    assert!(decode_bytes(bytes, &Limits::default()).is_ok());
    let error = error(&bomb, 0);
    assert!(error.contains("scan"), "{error}");
    // A progressive picture is held whole as coefficients: three times as much.
    let wide = Limits { max_alloc: 3 * 24 * 17 * 3 - 1, ..Limits::default() };
    assert!(matches!(decode_bytes(bytes, &wide), Err(DecodeError::Limit(_))));
}

#[test]
fn bomb_12_a_tiff_of_any_size_is_refused_by_its_directory() {
    let of = |width, height, more: &[[u32; 4]]| {
        let mut page = grey_page(width, height, 8 + 2 + 12 * (9 + more.len() as u32) + 4);
        page.extend(more);
        tiff(&[page], 0, b"abcdefgh")
    };
    assert!(decode_bytes(&of(4, 2, &[]), &Limits::default()).is_ok());
    for (width, height) in [(0x7fff_ffff, 1), (u32::MAX, u32::MAX), (16_384, 16_384), (0, 2)] {
        error(&of(width, height, &[]), 64);
    }
    // A list of 2^28 words, tiles of any width, a profile of 2 GB, a text.
    for entry in
        [[258, 3, 1 << 28, 8], [322, 4, 1, 0x7fff_fff0], [34_675, 7, 1 << 31, 8], [270, 2, u32::MAX, 8]]
    {
        error(&of(4, 2, &[entry]), 64);
    }
    let many = tiff(&vec![grey_page(4, 2, 8); 1000], 8, b"abcdefgh");
    error(&many, 64);
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

//! PNG: checksums, sizes that nothing stands behind, chunks that inflate.

use super::{Files, refused, taken};
use patchcore_image::{DecodeError, Limits, decode_bytes};
use patchcore_testkit::craft::{black_png, ihdr, png, zlib_of_zeros};

#[test]
fn case_06_a_wrong_checksum_of_any_chunk_that_matters_is_named() {
    let files = Files::open();
    for name in ["palette4.png", "rgb8_interlaced.png", "grey16.png"] {
        let whole = files.bytes(name);
        for chunk in [&b"IHDR"[..], b"PLTE", b"IDAT", b"IEND"] {
            let Some(at) = whole.windows(4).position(|window| window == chunk) else { continue };
            let length = u32::from_be_bytes(whole[at - 4..at].try_into().unwrap()) as usize;
            // The checksum itself, and the data that it is over.
            for place in [at + 4 + length, at + 7 + length, at + 4 + length / 2] {
                let mut bytes = whole.clone();
                bytes[place] ^= 0x10;
                let expected = format!("wrong checksum of chunk {}", chunk.escape_ascii());
                assert!(
                    refused(&bytes).contains(&expected),
                    "{name} {}: {}",
                    chunk.escape_ascii(),
                    refused(&bytes)
                );
            }
        }
    }
}

#[test]
fn case_07_a_bomb_is_refused_and_its_small_sister_is_not() {
    let bomb = black_png(20_000, 20_000);
    assert!(bomb.len() < 3_000_000);
    let error = decode_bytes(&bomb, &Limits::default()).unwrap_err();
    assert!(matches!(error, DecodeError::Limit(_)), "{error}");
    let small = taken(&black_png(300, 200));
    assert_eq!((small.width(), small.height()), (300, 200));
    assert!(small.rgb().iter().all(|&v| v == 0));
}

#[test]
fn case_08_sizes_that_no_picture_has() {
    let of = |width, height| {
        png(&[(b"IHDR", &ihdr(width, height, 8, 0)), (b"IDAT", &zlib_of_zeros(2)), (b"IEND", &[])])
    };
    for (width, height) in [(0, 0), (1, 0), (0, 1)] {
        assert!(refused(&of(width, height)).contains("shows nothing"));
    }
    for (width, height) in [(0x7FFF_FFFF, 0x7FFF_FFFF), (u32::MAX, u32::MAX), (1, u32::MAX), (16_385, 1)] {
        assert!(refused(&of(width, height)).contains("over the limit"));
    }
    // Allowed, and nothing stands behind it.
    assert!(refused(&of(8000, 8000)).contains("PNG"));
}

#[test]
fn case_09_chunks_that_inflate_are_left_alone() {
    let bomb = zlib_of_zeros(300_000_000);
    let text = [&b"Comment\0\0"[..], &bomb].concat();
    let profile = [&b"sRGB\0\0"[..], &bomb].concat();
    let chunks: [(&[u8; 4], &[u8]); 7] = [
        (b"IHDR", &ihdr(2, 1, 8, 0)),
        (b"zTXt", &text),
        (b"iCCP", &profile),
        (b"iTXt", &text),
        (b"eXIf", &bomb),
        (b"IDAT", &zlib_of_zeros(3)),
        (b"IEND", &[]),
    ];
    assert_eq!(taken(&png(&chunks)).rgb(), [0; 6]);
}

#[test]
fn case_09_a_hundred_thousand_chunks_are_walked_once() {
    let header = ihdr(2, 1, 8, 0);
    let data = zlib_of_zeros(3);
    let mut chunks: Vec<(&[u8; 4], &[u8])> = vec![(b"IHDR", &header)];
    chunks.extend((0..100_000).map(|_| (b"tEXt", &b"k\0v"[..])));
    chunks.extend([(b"IDAT", &data[..]), (b"IEND", &[])]);
    assert_eq!(taken(&png(&chunks)).rgb(), [0; 6]);
    // The same number of empty data chunks, which all reach the decoder.
    let mut chunks: Vec<(&[u8; 4], &[u8])> = vec![(b"IHDR", &header)];
    chunks.extend((0..100_000).map(|_| (b"IDAT", &b""[..])));
    chunks.extend([(b"IDAT", &data[..]), (b"IEND", &[])]);
    assert_eq!(taken(&png(&chunks)).rgb(), [0; 6]);
}

#[test]
fn case_07_more_data_than_pixels_is_not_inflated() {
    let data = zlib_of_zeros(500_000_000);
    let bytes = png(&[(b"IHDR", &ihdr(2, 1, 8, 0)), (b"IDAT", &data), (b"IEND", &[])]);
    // Taken or refused, but never by way of half a gigabyte.
    if let Ok(picture) = decode_bytes(&bytes, &Limits::default()) {
        assert_eq!(picture.rgb(), [0; 6]);
    }
}

//! TIFF: chains that never end, parts that are not there, lengths that lie.

use super::{Files, refused, taken};
use patchcore_image::{Intensity, Limits, decode_bytes_as};
use patchcore_testkit::craft::{grey_page, tiff};

/// Where the data begin behind one directory of so many entries.
fn behind(entries: u32) -> u32 {
    8 + 2 + 12 * entries + 4
}

/// A grey picture of 3 x 2 pixels.
fn small() -> Vec<u8> {
    tiff(&[grey_page(3, 2, behind(9))], 0, &[10, 20, 30, 40, 50, 60])
}

/// The small picture with another value of one tag.
fn with(tag: u32, value: u32) -> Vec<u8> {
    let mut page = grey_page(3, 2, behind(9));
    page.iter_mut().filter(|entry| entry[0] == tag).for_each(|entry| entry[3] = value);
    tiff(&[page], 0, &[10, 20, 30, 40, 50, 60])
}

#[test]
fn case_12_a_small_tiff_is_read() {
    assert_eq!(taken(&small()).rgb()[..6], [10, 10, 10, 20, 20, 20]);
}

#[test]
fn case_12_a_chain_of_pages_that_never_ends_is_refused() {
    let page = || grey_page(3, 2, behind(9));
    assert!(refused(&tiff(&[page()], 8, &[0; 6])).contains("leads back to an earlier one"));
    let two = tiff(&[page(), grey_page(3, 2, 8)], 8, &[0; 6]);
    assert!(refused(&two).contains("page 2 leads back"));
    assert!(refused(&tiff(&[page()], 0x00FF_FFFF, &[0; 6])).contains("truncated TIFF"));
}

#[test]
fn case_12_directories_of_65535_entries() {
    let mut page = grey_page(3, 2, behind(65_535));
    page.resize(65_535, [60_000, 3, 1, 7]);
    assert_eq!(taken(&tiff(&[page], 0, &[10, 20, 30, 40, 50, 60])).rgb()[..3], [10; 3]);
    // It says so and has nine.
    let mut bytes = small();
    bytes[8..10].copy_from_slice(&u16::MAX.to_le_bytes());
    assert!(refused(&bytes).contains("truncated TIFF"));
}

/// Pages twelve bytes apart: each is sound, together they would be walked for ever.
#[test]
fn case_12_directories_that_overlap_are_refused() {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.resize(400_000, 0);
    for page in 0..300u32 {
        let at = 8 + 12 * page as usize;
        bytes[at..at + 2].copy_from_slice(&2048u16.to_le_bytes());
        let next = at + 2 + 12 * 2048;
        bytes[next..next + 4].copy_from_slice(&(8 + 12 * (page + 1)).to_le_bytes());
    }
    assert!(refused(&bytes).contains("overlap"), "{}", refused(&bytes));
}

#[test]
fn case_12_strips_that_are_not_there() {
    const STRIP_OFFSETS: u32 = 273;
    const STRIP_LENGTHS: u32 = 279;
    for (tag, value) in
        [(STRIP_OFFSETS, 1000), (STRIP_OFFSETS, u32::MAX), (STRIP_LENGTHS, 7), (STRIP_LENGTHS, u32::MAX)]
    {
        assert!(
            refused(&with(tag, value)).contains("truncated TIFF"),
            "{tag} {value}: {}",
            refused(&with(tag, value))
        );
    }
    for lie in [0, 1, 5] {
        assert!(refused(&with(STRIP_LENGTHS, lie)).contains(&format!("take {lie} bytes")));
    }
    // Two strips by their offsets, one by its lengths.
    let mut page = grey_page(3, 2, 8);
    page.iter_mut().filter(|entry| entry[0] == STRIP_OFFSETS).for_each(|entry| entry[2] = 2);
    assert!(refused(&tiff(&[page], 0, &[0; 16])).contains("TIFF"));
    // Rows for which there is no strip.
    assert!(refused(&with(257, 4000)).contains("TIFF"));
}

#[test]
fn case_12_sizes_that_no_picture_has() {
    const PACKBITS: u32 = 32_773;
    for (tag, value) in [(256, 0), (257, 0)] {
        let reason = refused(&with(tag, value));
        assert!(reason.contains("shows nothing") || reason.contains("TIFF"), "{reason}");
    }
    for value in [0x7FFF_FFFF, u32::MAX, 20_000] {
        assert!(refused(&with(256, value)).contains("take 6 bytes, which are too few"));
        // Packed, so that nobody knows how many bytes there must be.
        let mut page = grey_page(value, 2, behind(9));
        page.iter_mut().filter(|entry| entry[0] == 259).for_each(|entry| entry[3] = PACKBITS);
        page.iter_mut().filter(|entry| entry[0] == 279).for_each(|entry| entry[3] = 6);
        let reason = refused(&tiff(&[page], 0, &[0x81; 6]));
        assert!(reason.contains("over the limit") || reason.contains("TIFF"), "{reason}");
    }
}

#[test]
fn case_12_tiles_that_no_picture_fills_are_refused() {
    for tag in [322, 323] {
        for side in [0x7FFF_FFFF, u32::MAX, 20_000] {
            let mut page = grey_page(3, 2, behind(10));
            page.push([tag, 4, 1, side]);
            let reason = refused(&tiff(&[page], 0, &[10, 20, 30, 40, 50, 60]));
            assert!(reason.contains("tiles with a side of"), "{reason}");
        }
    }
}

#[test]
fn case_12_odd_samples_are_refused() {
    for (tag, value) in
        [(258, 0), (258, 3), (258, 200), (259, 9999), (262, 77), (277, 0), (277, 200), (278, 0)]
    {
        if let Ok(picture) = decode_bytes_as(&with(tag, value), &Limits::default(), Intensity::Original) {
            panic!("{tag} {value}: taken as {:?}", picture.rgb());
        }
    }
}

#[test]
fn case_12_the_first_of_many_pages_is_read() {
    let files = Files::open();
    let first: Vec<u8> =
        taken(&files.bytes("strips.tif")).rgb().chunks_exact(3).flat_map(|p| [p[0]; 3]).collect();
    assert_eq!(taken(&files.bytes("pages.tif")).rgb(), first);
    let pages = 1000u32;
    let data = 8 + pages * (2 + 12 * 9 + 4);
    let many: Vec<_> = (0..pages).map(|page| grey_page(3, 2, data + 6 * page)).collect();
    let pixels: Vec<u8> = (0..6 * pages).map(|i| i as u8).collect();
    assert_eq!(taken(&tiff(&many, 0, &pixels)).rgb()[..6], [0, 0, 0, 1, 1, 1]);
    // The last page alone is cut.
    let cut = tiff(&many, 0, &pixels[..pixels.len() - 1]);
    assert!(refused(&cut).contains("truncated TIFF"));
    let too_many: Vec<_> = (0..10_001).map(|_| vec![[256, 3, 1, 1]]).collect();
    assert!(refused(&tiff(&too_many, 0, &[])).contains("more than 10000 pages"));
}

#[test]
fn case_12_big_tiff_with_wrong_offsets() {
    let whole = Files::open().bytes("big.tif");
    for (at, value) in [(4, 4u8), (6, 1)] {
        let mut bytes = whole.clone();
        bytes[at] = value;
        assert!(refused(&bytes).contains("BigTIFF"), "{}", refused(&bytes));
    }
    for first in [u64::MAX, u64::MAX - 7, 1 << 40, 0] {
        let mut bytes = whole.clone();
        bytes[8..16].copy_from_slice(&first.to_le_bytes());
        assert!(refused(&bytes).contains("TIFF"));
    }
    // A directory of 2^60 entries.
    let at = u64::from_le_bytes(whole[8..16].try_into().unwrap()) as usize;
    let mut bytes = whole.clone();
    bytes[at..at + 8].copy_from_slice(&(1u64 << 60).to_le_bytes());
    assert!(refused(&bytes).contains("truncated TIFF"));
}

/// Every byte of a directory changed to the extremes: refused or taken, but without a panic and with the right size.
#[test]
fn case_12_no_changed_byte_brings_a_panic() {
    for name in ["tiled.tif", "planar.tif", "predictor.tif", "jpeg.tif", "fax.tif", "big_endian.tif"] {
        let whole = Files::open().bytes(name);
        for at in 0..whole.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                if let Err(error) = decode_bytes_as(&bytes, &Limits::default(), Intensity::Original) {
                    assert!(!error.to_string().contains("gave up"), "{name}: byte {at} = {value}: {error}");
                }
            }
        }
    }
}

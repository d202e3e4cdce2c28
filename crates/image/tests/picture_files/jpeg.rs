//! JPEG: ways of coding that others get wrong in silence, scans without end, markers in the wrong place.

use super::{Files, refused, taken};
use patchcore_image::Picture;
use patchcore_testkit::craft::{exif_orientation, jpeg_marker, jpeg_segment, with_segments};

/// The most that two pictures differ.
fn worst(a: &Picture, b: &Picture) -> u8 {
    a.rgb().iter().zip(b.rgb()).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn case_11_chroma_of_any_coarseness_has_the_right_colours() {
    let files = Files::open();
    let full = taken(&files.bytes("chroma444.jpg"));
    for way in ["422", "420", "440", "411"] {
        let picture = taken(&files.bytes(&format!("chroma{way}.jpg")));
        assert!(worst(&picture, &full) <= 12, "{way}: {}", worst(&picture, &full));
    }
}

#[test]
fn case_11_ways_of_coding_that_are_not_read_are_named() {
    let whole = Files::open().bytes("chroma420.jpg");
    let frame = jpeg_marker(&whole, 0xC0);
    let with = |at: usize, value: u8| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        refused(&bytes)
    };
    for arithmetic in [0xC9, 0xCA] {
        assert!(with(frame + 1, arithmetic).contains("unsupported: arithmetic-coded JPEG"));
    }
    for hierarchical in [0xC5, 0xC6] {
        assert!(with(frame + 1, hierarchical).contains("unsupported: hierarchical JPEG"));
    }
    assert!(with(frame + 1, 0xC3).contains("unsupported: lossless JPEG"));
    assert!(with(frame + 4, 12).contains("unsupported: JPEG of 12 bits a sample"));
    assert!(with(frame + 9, 2).contains("unsupported: JPEG of 2 components"));
}

#[test]
fn case_10_ten_thousand_scans_are_refused() {
    let whole = Files::open().bytes("progressive.jpg");
    let scan = jpeg_marker(&whole, 0xDA);
    let mut header = jpeg_segment(&whole, 0xDA);
    let from = header.len() - 3;
    header[from] = 1; // of other coefficients than the first, for which no data are needed
    let mut bytes = whole[..scan].to_vec();
    for _ in 0..10_000 {
        bytes.extend(&header);
        bytes.push(0);
    }
    bytes.extend(&whole[scan..]);
    assert!(refused(&bytes).contains("more than 100 scans"), "{}", refused(&bytes));
}

#[test]
fn case_10_markers_in_the_wrong_number_are_refused() {
    let whole = Files::open().bytes("chroma444.jpg");
    let frame = jpeg_segment(&whole, 0xC0);
    let twice = with_segments(&whole, &frame);
    assert!(refused(&twice).contains("two frame headers"));
    for marker in [0xDB, 0xC4, 0xC0, 0xDA] {
        let part = jpeg_segment(&whole, marker);
        let at = jpeg_marker(&whole, marker);
        let without = [&whole[..at], &whole[at + part.len()..]].concat();
        assert!(refused(&without).contains("JPEG"), "{marker:x}: {}", refused(&without));
    }
    let begins_again = with_segments(&whole, &whole);
    assert!(refused(&begins_again).contains("begins again"));
}

#[test]
fn case_10_restarts_out_of_order() {
    let whole = Files::open().bytes("restarts.jpg");
    let marks: Vec<usize> = (0..whole.len() - 1)
        .filter(|&at| whole[at] == 0xFF && (0xD0..=0xD7).contains(&whole[at + 1]))
        .collect();
    assert_eq!(marks.len(), 3);
    for &at in &marks {
        let mut missing = whole.clone();
        missing.drain(at..at + 2);
        let mut other = whole.clone();
        other[at + 1] ^= 3;
        for bytes in [missing, other] {
            assert!(refused(&bytes).contains("JPEG"));
        }
    }
}

#[test]
fn case_08_sizes_that_no_picture_has() {
    let whole = Files::open().bytes("chroma444.jpg");
    let frame = jpeg_marker(&whole, 0xC0);
    let of = |height: u16, width: u16| {
        let mut bytes = whole.clone();
        bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        refused(&bytes)
    };
    assert!(of(0, 22).contains("shows nothing") && of(18, 0).contains("shows nothing"));
    // Almost nothing stands behind it; then as much as could be codes, and is not.
    assert!(of(u16::MAX, u16::MAX).contains("bytes of data"));
    assert!(of(8000, 8000).contains("bytes of data for 3000000 blocks"));
    assert!(of(50, 50).contains("JPEG"));
}

/// Data from the middle are gone, the marker of the end is there.
#[test]
fn case_05_a_jpeg_that_lost_rows_before_its_end_is_refused() {
    let (width, height) = (64, 240);
    let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i * 7 % 251) as u8 ^ (i / 900) as u8).collect();
    let mut whole = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut whole, 90);
    encoder.encode(&rgb, width, height, image::ExtendedColorType::Rgb8).unwrap();
    taken(&whole);
    let data = jpeg_marker(&whole, 0xDA) + jpeg_segment(&whole, 0xDA).len();
    let length = whole.len() - 2 - data;
    for part in 1..9 {
        let mut bytes = whole.clone();
        let from = data + length * part / 10;
        bytes.drain(from..from + length / 10);
        assert!(refused(&bytes).contains("JPEG"), "{part}");
        bytes.truncate(from);
        bytes.extend([0xFF, 0xD9]);
        assert!(refused(&bytes).contains("JPEG"), "{part}");
    }
}

#[test]
fn case_16_the_way_the_camera_was_held_is_ignored() {
    let whole = Files::open().bytes("chroma420.jpg");
    let plain = taken(&whole);
    for orientation in 0..=9 {
        let turned = with_segments(&whole, &exif_orientation(orientation));
        assert_eq!(taken(&turned), plain, "{orientation}");
    }
}

use super::*;
use crate::error::Exceeded;
use image::codecs::{pnm, tiff, webp};
use image::{DynamicImage, ImageFormat, RgbImage};
use std::io::Cursor;

/// A small picture with many different values.
fn scene(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([(x * 37 + y * 11) as u8, (x * x * 5 + y) as u8, (x ^ (y * 13)) as u8])
    })
    .into()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn ppm(picture: &DynamicImage, encoding: pnm::SampleEncoding) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = pnm::PnmEncoder::new(&mut bytes);
    let subtype = pnm::PnmSubtype::Pixmap(encoding);
    picture.write_with_encoder(encoder.with_subtype(subtype)).unwrap();
    bytes
}

fn tiff_of(picture: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_with_encoder(tiff::TiffEncoder::new(&mut bytes)).unwrap();
    bytes.into_inner()
}

/// A lossless file of each format that has one, with its name.
fn lossless() -> Vec<(&'static str, Vec<u8>)> {
    let picture = scene(19, 13);
    let mut webp = Vec::new();
    picture.write_with_encoder(webp::WebPEncoder::new_lossless(&mut webp)).unwrap();
    vec![
        ("png", encoded(&picture, ImageFormat::Png)),
        ("bmp", encoded(&picture, ImageFormat::Bmp)),
        ("tiff", tiff_of(&picture)),
        ("webp", webp),
        ("ppm", ppm(&picture, pnm::SampleEncoding::Binary)),
        ("plain ppm", ppm(&picture, pnm::SampleEncoding::Ascii)),
        ("png rgba", encoded(&picture.to_rgba8().into(), ImageFormat::Png)),
        ("bmp rgba", encoded(&picture.to_rgba8().into(), ImageFormat::Bmp)),
        ("tiff rgba", tiff_of(&picture.to_rgba8().into())),
    ]
}

fn jpeg(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    std::fs::read(path).unwrap()
}

const JPEGS: [&str; 4] = ["tiny.jpg", "tiny_progressive.jpg", "tiny_grey.jpg", "tiny_ycck.jpg"];

#[test]
fn lossless_formats_give_the_same_pixels() {
    let expected = scene(19, 13).to_rgb8().into_raw();
    for (name, bytes) in lossless() {
        let picture = decode_bytes(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((picture.width(), picture.height()), (19, 13), "{name}");
        assert_eq!(picture.rgb(), expected, "{name}");
    }
}

#[test]
fn case_05_every_truncation_of_every_format_is_refused() {
    let files = lossless().into_iter().chain(JPEGS.map(|name| (name, jpeg(name))));
    for (name, bytes) in files {
        decode_bytes(&bytes, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        for cut in 0..bytes.len() {
            let result = decode_bytes(&bytes[..cut], &Limits::default());
            assert!(result.is_err(), "{name} cut to {cut} of {} bytes was taken", bytes.len());
        }
    }
}

#[test]
fn case_21_what_follows_the_picture_is_left_alone() {
    for (name, mut bytes) in lossless().into_iter().chain(JPEGS.map(|name| (name, jpeg(name)))) {
        let alone = decode_bytes(&bytes, &Limits::default()).unwrap();
        bytes.extend(b"PK\x03\x04 and so on \xFF\xD9\xFF\xD8");
        if name != "plain ppm" {
            assert_eq!(decode_bytes(&bytes, &Limits::default()).as_ref(), Ok(&alone), "{name}");
        }
    }
}

#[test]
fn no_single_changed_byte_brings_a_panic() {
    for (name, bytes) in lossless().into_iter().chain(JPEGS.map(|name| (name, jpeg(name)))) {
        for i in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xFF] {
                let mut changed = bytes.clone();
                changed[i] ^= flip;
                if let Err(DecodeError::Corrupt { reason, .. }) = decode_bytes(&changed, &Limits::default()) {
                    assert!(!reason.contains("gave up"), "{name}: byte {i} ^ {flip}");
                }
            }
        }
    }
}

#[test]
fn a_changed_byte_of_a_png_is_seen_or_harmless() {
    let picture = scene(19, 13);
    let bytes = encoded(&picture, ImageFormat::Png);
    let expected = decode_bytes(&bytes, &Limits::default()).unwrap();
    for i in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[i] ^= 0x10;
        if let Ok(taken) = decode_bytes(&changed, &Limits::default()) {
            assert_eq!(taken, expected, "byte {i}");
        }
    }
}

#[test]
fn sizes_are_checked_before_pixels() {
    let tight = Limits { max_side: 18, ..Limits::default() };
    let few = Limits { max_pixels: 100, ..Limits::default() };
    let poor = Limits { max_alloc: 300, ..Limits::default() };
    for (name, bytes) in lossless().into_iter().chain(JPEGS.map(|name| (name, jpeg(name)))) {
        for limits in [tight, few] {
            let error = decode_bytes(&bytes, &limits).unwrap_err();
            assert!(matches!(error, DecodeError::Limit(Exceeded::Size { .. })), "{name}: {error}");
        }
        let error = decode_bytes(&bytes, &poor).unwrap_err();
        assert!(matches!(error, DecodeError::Limit(Exceeded::Memory { .. })), "{name}: {error}");
    }
}

#[test]
fn case_11_ycck_is_right_within_the_losses() {
    let got = decode_bytes(&jpeg("tiny_ycck.jpg"), &Limits::default()).unwrap();
    let expected = jpeg("tiny_ycck.rgb");
    let worst = got.rgb().iter().zip(&expected).map(|(&a, &b)| a.abs_diff(b)).max();
    assert!(worst <= Some(3), "{worst:?}");
}

#[test]
fn sixteen_bit_files_are_read_as_the_original_reads_them() {
    let grey = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(3, 1, vec![0, 200, 5000]).unwrap();
    let colour =
        image::ImageBuffer::<image::Rgb<u16>, _>::from_raw(1, 1, vec![0x1234, 0x00FF, 0xFF00]).unwrap();
    for bytes in [encoded(&grey.clone().into(), ImageFormat::Png), tiff_of(&grey.into())] {
        let picture = decode_bytes_as(&bytes, &Limits::default(), Intensity::Original).unwrap();
        assert_eq!(picture.rgb(), [0, 0, 0, 200, 200, 200, 255, 255, 255]);
    }
    for bytes in [encoded(&colour.clone().into(), ImageFormat::Png), tiff_of(&colour.into())] {
        let picture = decode_bytes_as(&bytes, &Limits::default(), Intensity::Original).unwrap();
        assert_eq!(picture.rgb(), [0x12, 0x00, 0xFF]);
    }
}

#[test]
fn case_14_an_animated_webp_is_refused() {
    let mut bytes = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\0\0\0\0\0\0".to_vec();
    let error = decode_bytes(&bytes, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("animated WebP"), "{error}");
    bytes.pop();
    assert_eq!(
        decode_bytes(&bytes, &Limits::default()),
        Err(DecodeError::Truncated { format: Format::WebP })
    );
}

#[test]
fn content_counts_and_names_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("really_a_png.jpg");
    std::fs::write(&path, encoded(&scene(4, 4), ImageFormat::Png)).unwrap();
    assert!(decode(&path, &Limits::default()).is_ok());
    let path = dir.path().join("text.png");
    std::fs::write(&path, "hello").unwrap();
    let error = decode(&path, &Limits::default()).unwrap_err().to_string();
    assert!(
        error.ends_with("text.png: unsupported: plain text; pictures may be PNG, JPEG, BMP, TIFF, WebP, PNM"),
        "{error}"
    );
    std::fs::write(&path, "").unwrap();
    assert!(decode(&path, &Limits::default()).unwrap_err().to_string().ends_with("text.png: empty file"));
    std::fs::write(&path, [0x89]).unwrap();
    assert!(decode(&path, &Limits::default()).unwrap_err().to_string().contains("truncated PNG"));
}

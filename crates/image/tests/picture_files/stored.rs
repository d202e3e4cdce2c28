//! Every way of storing pixels against what the original's library sees; every truncation of each.

use super::{Files, as_the_original, taken};
use patchcore_image::{DecodeError, Exceeded, Format, Limits, decode_bytes};

/// Formats and ways that are refused, with a word of the reason.
const REFUSED: [(&str, &str); 12] = [
    ("animated.webp", "animated WebP"),
    ("twelve_bit.jpg", "JPEG of 12 bits a sample"),
    ("lossless.jpg", "lossless JPEG"),
    ("palette.tif", "a TIFF with a palette"),
    ("float16.tif", "16-bit floating-point samples"),
    ("float32.tif", "32-bit floating-point samples"),
    ("float64.tif", "64-bit floating-point samples"),
    ("int8.tif", "8-bit signed samples"),
    ("int16.tif", "16-bit signed samples"),
    ("int32.tif", "32-bit signed samples"),
    ("uint32.tif", "32-bit samples"),
    ("uint64.tif", "64-bit samples"),
];

/// The most that a value may differ from what libjpeg gives, and 5 bits stretched to 8 from Pillow's.
fn tolerance(name: &str) -> u8 {
    match name {
        "rgb555.bmp" | "rgb565.bmp" => 1,
        _ if Format::named(name.as_ref()) == Some(Format::Jpeg) => 2,
        _ => 0,
    }
}

#[test]
fn case_15_every_way_of_storing_pixels_is_read_as_the_original_reads_it() {
    let files = Files::open();
    let mut compared = 0;
    for (name, bytes) in files.all() {
        if REFUSED.iter().any(|(refused, _)| *refused == name) {
            continue;
        }
        let expected = files.seen(&name).unwrap();
        let picture = as_the_original(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(
            (picture.width(), picture.height(), picture.rgb().len()),
            (22, 18, expected.len()),
            "{name}"
        );
        let worst = picture.rgb().iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(tolerance(&name)), "{name}: {worst:?}");
        compared += 1;
    }
    assert_eq!(compared, 75);
}

/// Case 20 for the floating-point ones, case 11 for JPEG, case 14 for WebP.
#[test]
fn case_20_what_has_no_defined_conversion_is_refused_by_name() {
    let files = Files::open();
    for (name, reason) in REFUSED {
        let error = as_the_original(&files.bytes(name)).unwrap_err();
        assert!(matches!(error, DecodeError::Unsupported { .. }), "{name}: {error}");
        let text = error.to_string();
        assert!(text.contains(reason) && text.contains("pictures may be PNG, JPEG"), "{name}: {text}");
    }
}

#[test]
fn case_05_every_truncation_of_every_way_is_refused() {
    let mut cuts = 0;
    for (name, bytes) in Files::open().all() {
        for length in 0..bytes.len() {
            let result = as_the_original(&bytes[..length]);
            assert!(result.is_err(), "{name} cut to {length} of {} bytes was taken", bytes.len());
            let reason = result.err().map(|e| e.to_string()).unwrap_or_default();
            assert!(!reason.contains("gave up"), "{name} cut to {length}: a decoder panicked");
        }
        cuts += bytes.len();
    }
    assert!(cuts > 50_000, "{cuts}");
}

#[test]
fn case_02_a_header_that_is_cut_off_is_called_so() {
    for (name, bytes) in Files::open().all() {
        let ending = name.rsplit('.').next().unwrap_or_default();
        for length in [1, 2, 3, 6] {
            let reason = as_the_original(&bytes[..length]).unwrap_err().to_string();
            assert!(
                reason.starts_with("truncated") && reason.contains("header"),
                "{name} ({ending}): {reason}"
            );
        }
    }
}

#[test]
fn case_07_limits_hold_for_every_way() {
    let tight = [
        Limits { max_side: 21, ..Limits::default() },
        Limits { max_pixels: 22 * 18 - 1, ..Limits::default() },
        Limits { max_alloc: 22 * 18 - 1, ..Limits::default() },
    ];
    let files = Files::open();
    for (name, bytes) in files.all().into_iter().filter(|(name, _)| files.seen(name).is_some()) {
        if REFUSED.iter().any(|(refused, _)| *refused == name) || name.contains("16") {
            continue;
        }
        let just = Limits { max_side: 22, max_pixels: 22 * 18, ..Limits::default() };
        assert!(decode_bytes(&bytes, &just).is_ok(), "{name}");
        for limits in tight {
            let error = decode_bytes(&bytes, &limits).unwrap_err();
            let right = matches!(error, DecodeError::Limit(Exceeded::Size { .. } | Exceeded::Memory { .. }));
            assert!(right, "{name}: {error}");
        }
    }
}

#[test]
fn case_15_what_is_dropped_changes_nothing() {
    let files = Files::open();
    for (with, without) in
        [("rgba8.png", "rgb8.png"), ("grey_alpha8.png", "grey8.png"), ("rgba16.png", "rgb16.png")]
    {
        assert_eq!(taken(&files.bytes(with)), taken(&files.bytes(without)), "{with}");
    }
    assert_eq!(taken(&files.bytes("profile.webp")), taken(&files.bytes("lossy.webp")));
}

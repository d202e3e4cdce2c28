//! Decoding and preprocessing against `testdata/`, which `reference/make_testdata.py` made with another library.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which the lint does not know as tests")]

use patchcore_image::{Geometry, Intensity, Limits, Picture, Preprocess, decode_as};
use patchcore_testkit::{Fixture, testdata};

const MODES: [&str; 6] = ["grey", "grey_alpha", "grey16", "rgba", "palette", "one_bit"];
const PARTS: [&str; 3] = ["test_good", "test_scratch", "test_spot"];

fn parity() -> Fixture {
    Fixture::open(&testdata("parity.safetensors"))
}

fn picture(name: &str) -> Picture {
    decode_as(&testdata(&format!("pictures/{name}.png")), &Limits::default(), Intensity::Original).unwrap()
}

/// What each channel of each 8-bit value becomes, and nothing else, bit for bit.
fn check_input(parity: &Fixture, case: &str, preprocess: &Preprocess, name: &str) {
    let (shape, crop) = parity.u8(&format!("preprocess/{case}/crop"));
    let (_, levels) = parity.f32("preprocess/levels");
    let input = preprocess.apply(&picture(name));
    assert_eq!(input.shape(), [1, shape[0], shape[1], 3], "{case}");
    let wrong = input.data().iter().zip(&crop).enumerate().filter(|&(i, (got, &level))| {
        let expected = levels[usize::from(level) * 3 + i % 3];
        got.to_bits() != expected.to_bits()
    });
    assert_eq!(wrong.count(), 0, "{case}: values of {} that differ", crop.len());
}

#[test]
fn every_colour_mode_is_decoded_exactly() {
    let parity = parity();
    for name in MODES {
        let picture = picture(name);
        let (shape, expected) = parity.u8(&format!("preprocess/{name}/decoded_sub3"));
        assert_eq!(shape, [picture.height().div_ceil(3), picture.width().div_ceil(3), 3], "{name}");
        let rows = picture.rgb().chunks_exact(picture.width() * 3).step_by(3);
        let got: Vec<u8> = rows.flat_map(|row| row.chunks_exact(3).step_by(3).flatten().copied()).collect();
        assert!(got == expected, "{name}");
    }
}

#[test]
fn every_picture_becomes_the_same_input() {
    let parity = parity();
    for name in MODES.into_iter().chain(PARTS) {
        check_input(&parity, name, &Preprocess::reference(72, 64), name);
    }
}

#[test]
fn a_picture_smaller_than_the_cut_is_padded() {
    let geometry = Geometry::ResizeCrop { resize: 60, crop: [64, 96] };
    let preprocess = Preprocess { geometry, ..Preprocess::reference(60, 64) };
    check_input(&parity(), "padded", &preprocess, "test_spot");
}

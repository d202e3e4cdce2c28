//! PNG and TIFF read back by their decoders.

use patchcore_report::{
    ColourScale, ReportError, Tile, contact_sheet_png, heat_map_png, overlay_png, overlay_rgb, raw_map_tiff,
};
use patchcore_tensor::AnomalyMap;
use proptest::prelude::*;
use std::io::Cursor;
use tiff::decoder::{Decoder, DecodingResult};

const SCALE: ColourScale = ColourScale { calm: 1.0, alarm: 3.0 };

fn map(h: usize, w: usize, scores: &[f32]) -> AnomalyMap {
    AnomalyMap::from_vec(h, w, scores.to_vec()).expect("as many scores as pixels")
}

fn decoded(png: &[u8]) -> image::RgbImage {
    let picture = image::load_from_memory_with_format(png, image::ImageFormat::Png).expect("a PNG");
    assert_eq!(picture.color(), image::ColorType::Rgb8);
    picture.into_rgb8()
}

#[test]
fn calm_pixels_stay_and_alarming_ones_take_colour() {
    let rgb = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 170, 180];
    let scores = map(2, 3, &[0.0, 1.0, 2.0, 3.0, 99.0, 0.5]);
    let picture = decoded(&overlay_png(&rgb, 3, 2, &scores, &SCALE, None).unwrap());
    assert_eq!(picture.dimensions(), (3, 2));
    assert_eq!(picture.as_raw()[..6], rgb[..6]);
    assert_eq!(picture.as_raw()[15..], rgb[15..]);
    // Orange at 110/255 over (70, 80, 90), dark magenta at 172/255 over (100, 110, 120).
    assert_eq!(picture.get_pixel(2, 0).0, [150, 115, 64]);
    assert_eq!(picture.get_pixel(0, 1).0, [119, 36, 104]);
}

#[test]
fn a_calm_map_leaves_the_picture_alone() {
    let rgb: Vec<u8> = (0..48).collect();
    let calm = map(4, 4, &[0.9; 16]);
    assert_eq!(overlay_rgb(&rgb, 4, 4, &calm, &SCALE, Some(2.0)).unwrap(), rgb);
}

#[test]
fn the_contour_runs_around_what_reaches_the_threshold() {
    let mut scores = [0.0; 25];
    for p in [6, 7, 8, 11, 12, 13, 16, 17, 18] {
        scores[p] = 2.0; // the threshold itself is inside
    }
    let picture = decoded(&overlay_png(&[100; 75], 5, 5, &map(5, 5, &scores), &SCALE, Some(2.0)).unwrap());
    assert_eq!(picture.get_pixel(1, 1).0, [255; 3]);
    assert_ne!(picture.get_pixel(2, 2).0, [255; 3]);
    assert!(picture.get_pixel(2, 0).0[0] < 100, "the rim is darkened");
    assert_eq!(picture.get_pixel(0, 0).0, [100; 3]);
}

#[test]
fn sizes_and_scores_are_checked() {
    let one = map(1, 1, &[2.0]);
    let message = |r: Result<Vec<u8>, ReportError>| r.unwrap_err().to_string();
    assert_eq!(
        message(overlay_png(&[0; 2], 1, 1, &one, &SCALE, None)),
        "a 1x1 picture needs 3 bytes of RGB, got 2"
    );
    assert_eq!(message(overlay_png(&[0; 6], 2, 1, &one, &SCALE, None)), "the map is 1x1, the picture 2x1");
    assert_eq!(
        message(overlay_png(&[], usize::MAX, 2, &one, &SCALE, None)),
        format!("a {}x2 picture needs {} bytes of RGB, got 0", usize::MAX, usize::MAX)
    );
    let empty = map(0, 0, &[]);
    assert_eq!(
        message(overlay_png(&[], 0, 0, &empty, &SCALE, None)),
        "a picture of 0x0 pixels cannot be encoded"
    );
    assert_eq!(message(raw_map_tiff(&empty)), "a picture of 0x0 pixels cannot be encoded");
    let broken = map(2, 2, &[0.0, 0.0, f32::NAN, 0.0]);
    let expected = "the map's score at row 1, column 0 is not a finite number";
    assert_eq!(message(overlay_png(&[0; 12], 2, 2, &broken, &SCALE, None)), expected);
    assert_eq!(message(heat_map_png(&broken, &SCALE)), expected);
    assert_eq!(message(raw_map_tiff(&broken)), expected);
    assert_eq!(
        message(heat_map_png(&one, &ColourScale { calm: 2.0, alarm: 2.0 })),
        "a colour scale needs two finite ends with calm below alarm, got calm 2 and alarm 2"
    );
}

#[test]
fn heat_maps_are_dark_where_calm() {
    let picture = decoded(&heat_map_png(&map(1, 3, &[0.5, 2.0, 7.0]), &SCALE).unwrap());
    assert_eq!(picture.as_raw()[..], [16, 18, 26, 168, 36, 70, 255, 246, 190]);
}

#[test]
fn tiles_stand_in_a_grid() {
    let (red, blue) = ([200, 0, 0].repeat(64 * 32), [0, 0, 200].repeat(32 * 16));
    let tiles = [
        Tile { rgb: &red, width: 64, height: 32, caption: "red" },
        Tile { rgb: &blue, width: 32, height: 16, caption: "" },
        Tile { rgb: &red, width: 64, height: 32, caption: "a caption too long" },
    ];
    let sheet = decoded(&contact_sheet_png(&tiles, 2).unwrap());
    // Cells of 64x32 and 15 pixels of caption, gaps of 10.
    assert_eq!(sheet.dimensions(), (2 * 74 + 10, 2 * 57 + 10));
    assert_eq!(sheet.get_pixel(10, 10).0, [200, 0, 0]);
    assert_eq!(sheet.get_pixel(84, 10).0, [250, 250, 248]);
    assert_eq!(sheet.get_pixel(84 + 16, 10 + 8).0, [0, 0, 200]);
    assert_eq!(sheet.get_pixel(10, 10 + 57).0, [200, 0, 0]);
    let inked = |y: std::ops::Range<u32>| {
        y.flat_map(|y| (0..74).map(move |x| (x, y))).any(|(x, y)| sheet.get_pixel(x, y).0 == [40, 42, 48])
    };
    assert!(inked(48..55) && inked(105..112) && !inked(56..100));

    let bare = contact_sheet_png(&tiles[1..2], 5).unwrap();
    assert_eq!(decoded(&bare).dimensions(), (52, 36), "no caption, no room for one");
    assert!(matches!(contact_sheet_png(&[], 2), Err(ReportError::EmptySheet { tiles: 0, columns: 2 })));
    assert!(matches!(contact_sheet_png(&tiles, 0), Err(ReportError::EmptySheet { .. })));
    let empty = Tile { rgb: &[], width: 0, height: 0, caption: "x" };
    assert!(matches!(contact_sheet_png(&[empty], 1), Err(ReportError::NoPixels { .. })));
}

proptest! {
    #[test]
    fn tiff_keeps_every_bit(h in 1usize..20, w in 1usize..20, seed in prop::collection::vec(
        prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO | prop::num::f32::NEGATIVE, 400)
    ) {
        let scores = map(h, w, &seed[..h * w]);
        let bytes = raw_map_tiff(&scores).unwrap();
        prop_assert_eq!(&bytes, &raw_map_tiff(&scores).unwrap());
        let mut decoder = Decoder::new(Cursor::new(bytes)).unwrap();
        prop_assert_eq!(decoder.dimensions().unwrap(), (w as u32, h as u32));
        prop_assert_eq!(decoder.colortype().unwrap(), tiff::ColorType::Gray(32));
        let DecodingResult::F32(back) = decoder.read_image().unwrap() else { panic!("not f32") };
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&back), bits(scores.data()));
    }

    #[test]
    fn png_keeps_every_overlay(h in 1usize..12, w in 1usize..12, rgb in prop::collection::vec(any::<u8>(), 432),
        scores in prop::collection::vec(0.0f32..4.0, 144), threshold in prop::option::of(0.0f32..4.0)) {
        let (rgb, scores) = (&rgb[..h * w * 3], map(h, w, &scores[..h * w]));
        let plain = overlay_rgb(rgb, w, h, &scores, &SCALE, threshold).unwrap();
        let png = overlay_png(rgb, w, h, &scores, &SCALE, threshold).unwrap();
        prop_assert_eq!(decoded(&png).into_raw(), plain);
        prop_assert_eq!(png, overlay_png(rgb, w, h, &scores, &SCALE, threshold).unwrap());
    }
}

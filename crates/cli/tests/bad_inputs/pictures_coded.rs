//! Ways of storing pixels that are read right, and those that are refused by name.

use super::pictures::stored;
use super::refusal::{Bad, check};
use crate::support::{Room, texts};
use patchcore_testkit::craft::{
    bmp, exif_orientation, grey_page, jpeg_marker, jpeg_segment, tiff, with_segments,
};

fn without(jpeg: &[u8], marker: u8) -> Vec<u8> {
    let at = jpeg_marker(jpeg, marker);
    [&jpeg[..at], &jpeg[at + jpeg_segment(jpeg, marker).len()..]].concat()
}

#[test]
fn case_10_jpegs_that_cannot_be_right() {
    let (plain, progressive) = (stored("chroma444.jpg"), stored("progressive.jpg"));
    let scan = jpeg_marker(&progressive, 0xDA);
    let mut header = jpeg_segment(&progressive, 0xDA);
    let first_coefficient = header.len() - 3;
    header[first_coefficient] = 1;
    header.push(0);
    let scans = [&progressive[..scan], &header.repeat(10_000), &progressive[scan..]].concat();
    let mut restarts = stored("restarts.jpg");
    let at = jpeg_marker(&restarts, 0xD1);
    restarts[at + 1] = 0xD6;
    check(&[
        Bad::input("scans.jpg", &scans, "corrupt JPEG: has more than 100 scans"),
        Bad::input("frames.jpg", &with_segments(&plain, &jpeg_segment(&plain, 0xC0)), "two frame headers"),
        Bad::input("tables.jpg", &without(&plain, 0xDB), "corrupt JPEG"),
        Bad::input("codes.jpg", &without(&plain, 0xC4), "corrupt JPEG"),
        Bad::input("restarts.jpg", &restarts, "corrupt JPEG: has restart markers out of order"),
        Bad::input("again.jpg", &with_segments(&plain, &plain), "begins again before it ends"),
    ]);
}

#[test]
fn case_11_jpegs_in_ways_that_are_not_read() {
    let plain = stored("chroma420.jpg");
    let frame = jpeg_marker(&plain, 0xC0);
    let with = |at: usize, value: u8| {
        let mut bytes = plain.clone();
        bytes[at] = value;
        bytes
    };
    check(&[
        Bad::input("arithmetic.jpg", &with(frame + 1, 0xC9), "unsupported: arithmetic-coded JPEG"),
        Bad::input("twelve.jpg", &stored("twelve_bit.jpg"), "unsupported: JPEG of 12 bits a sample"),
        Bad::input("lossless.jpg", &stored("lossless.jpg"), "unsupported: lossless JPEG"),
        Bad::input("two.jpg", &with(frame + 9, 2), "unsupported: JPEG of 2 components"),
    ]);
}

/// Their pixels are compared with the original's in the library; here that the program takes them.
#[test]
fn case_11_jpegs_with_ink_and_coarse_chroma_are_judged() {
    let room = Room::with_model();
    let names =
        ["chroma411.jpg", "chroma420.jpg", "chroma422.jpg", "chroma440.jpg", "chroma444.jpg", "cmyk.jpg"];
    for name in names {
        room.write(format!("new/{name}"), stored(name));
    }
    let run = room.run("predict bolt.patchcore new --json");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let records = run.json_lines();
    let scores: Vec<f64> = records.iter().map(|record| record["image_score"].as_f64().unwrap()).collect();
    assert_eq!(scores.len(), names.len());
    // One scene: what is left is what the coarse chroma lost.
    let [least, most] = [f64::min, f64::max].map(|pick| scores.iter().copied().reduce(pick).unwrap());
    assert!(most < 1.1 * least, "{scores:?}");
}

#[test]
fn case_12_tiffs_that_lead_nowhere() {
    const BEHIND: u32 = 8 + 2 + 12 * 9 + 4;
    let page = |tag: u32, value: u32| {
        let mut page = grey_page(30, 20, BEHIND);
        page.iter_mut().filter(|entry| entry[0] == tag).for_each(|entry| entry[3] = value);
        page
    };
    let file = |page| tiff(&[page], 0, &[9; 600]);
    let mut entries = file(page(0, 0));
    entries[8..10].copy_from_slice(&u16::MAX.to_le_bytes());
    let too_many: Vec<_> = (0..10_001).map(|_| vec![[256, 3, 1, 1]]).collect();
    let mut big = stored("big.tif");
    big[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    check(&[
        Bad::input("loop.tif", &tiff(&[page(0, 0)], 8, &[9; 600]), "page 1 leads back to an earlier one"),
        Bad::input("entries.tif", &entries, "truncated TIFF"),
        Bad::input("strips.tif", &file(page(273, 5000)), "truncated TIFF"),
        Bad::input("lengths.tif", &file(page(279, 70_000)), "truncated TIFF"),
        Bad::input("lies.tif", &file(page(279, 7)), "says that its pixels take 7 bytes, which are too few"),
        Bad::input("wide.tif", &file(page(256, 0x7FFF_FFFF)), "which are too few"),
        Bad::input("big.tif", &big, "truncated TIFF"),
        Bad::input("pages.tif", &tiff(&too_many, 0, &[]), "has more than 10000 pages"),
        Bad::input("flat.tif", &file(page(256, 0)), "TIFF"),
    ]);
}

#[test]
fn case_12_of_a_thousand_pages_the_first_is_judged() {
    let room = Room::with_model();
    let pages = 1000u32;
    let data = 8 + pages * (2 + 12 * 9 + 4);
    // The first page has its own pixels, the others share theirs.
    let many: Vec<_> = (0..pages).map(|page| grey_page(30, 20, data + 600 * page.min(1))).collect();
    let pixels: Vec<u8> = (0..1200u32).map(|i| if i < 600 { (i * 7) as u8 } else { 0 }).collect();
    room.write("new/many.tif", tiff(&many, 0, &pixels));
    room.write("new/one.tif", tiff(&[grey_page(30, 20, 8 + 2 + 12 * 9 + 4)], 0, &pixels[..600]));
    let run = room.run("predict bolt.patchcore new --json");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let records = run.json_lines();
    assert_eq!(records[0]["image_score"], records[1]["image_score"]);
}

#[test]
fn case_13_bitmaps_that_would_be_black_in_places() {
    let palette = [0, 0, 0, 0, 200, 200, 200, 0];
    let mut no_size = bmp([4, 1], 24, 0, &[], &[0; 12]);
    no_size[14..18].fill(0);
    check(&[
        Bad::input(
            "colours.bmp",
            &bmp([4, 1], 8, 0, &palette, &[0, 1, 2, 1]),
            "a pixel of colour 2, and a palette of 2",
        ),
        Bad::input(
            "overrun.bmp",
            &bmp([4, 1], 8, 1, &palette, &[9, 1, 0, 1]),
            "a run beyond the end of its row",
        ),
        Bad::input("gap.bmp", &bmp([4, 2], 8, 1, &palette, &[4, 1, 0, 1]), "runs that leave out pixels"),
        Bad::input("no_end.bmp", &bmp([4, 1], 8, 1, &palette, &[4, 1]), "truncated BMP"),
        Bad::input("header.bmp", &no_size, "BMP"),
    ]);
}

#[test]
fn case_13_a_bitmap_with_its_rows_from_the_top_is_the_same_picture() {
    let room = Room::with_model();
    room.write("new/a.bmp", stored("top_down.bmp"));
    room.write("new/b.bmp", stored("rgb.bmp"));
    let run = room.run("predict bolt.patchcore new --json");
    let records = run.json_lines();
    assert_eq!((run.code, records.len()), (0, 2), "{}", run.stderr);
    assert_eq!(records[0]["image_score"], records[1]["image_score"]);
}

#[test]
fn case_14_webps_that_move_or_lie() {
    let lossy = stored("lossy.webp");
    let frame = lossy[12..].to_vec();
    let extended = |width: u32, height: u32| {
        let [width, height] = [width - 1, height - 1].map(u32::to_le_bytes);
        let body = [&b"WEBPVP8X\x0a\0\0\0\0\0\0\0"[..], &width[..3], &height[..3], &frame].concat();
        [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
    };
    check(&[
        Bad::input("moving.webp", &stored("animated.webp"), "unsupported: an animated WebP"),
        Bad::input("canvas.webp", &extended(40, 18), "corrupt WebP"),
        Bad::limit("huge.webp", &extended(20_000, 20_000), "over the limit"),
    ]);
}

#[test]
fn case_15_sixteen_bits_need_a_declared_window() {
    check(&[
        Bad::input("grey.png", &stored("grey16.png"), "16-bit samples"),
        Bad::input("rgb.png", &stored("rgb16.png"), "16-bit samples"),
        Bad::input("rgba.png", &stored("rgba16.png"), "and no intensity window declared"),
        Bad::input("grey.tif", &stored("grey16.tif"), "16-bit samples"),
    ]);
    let room = Room::new();
    for (name, file) in [("a", "grey16.png"), ("b", "grey16.tif")] {
        room.write(format!("good/{name}{}", &file[6..]), stored(file));
    }
    let fit =
        room.run("fit --good good -o part.patchcore --imagesize 32 --bank-rows 9 --window 0..4095 --json");
    assert_eq!(fit.code, 0, "{}", fit.stderr);
    let records = room.run("predict part.patchcore good --json --threshold 9999").succeeds().json_lines();
    assert_eq!(texts(&records, "verdict"), ["ok", "ok"]);
}

/// Where alpha is dropped and a palette looked up, the picture is that of the plain file.
#[test]
fn case_15_one_picture_stored_in_several_ways_has_one_score() {
    let room = Room::with_model();
    let colour = [
        "rgb8.png",
        "rgba8.png",
        "rgb8_interlaced.png",
        "raw.tif",
        "lzw.tif",
        "tiled.tif",
        "rgb.bmp",
        "lossless.webp",
        "raw.ppm",
    ];
    let grey = ["grey8.png", "grey_alpha8.png", "raw.pgm", "plain.pgm"];
    for names in [&colour[..], &grey] {
        for name in names {
            room.write(name, stored(name));
        }
        let run = room.run(&format!("predict bolt.patchcore --json {}", names.join(" ")));
        assert_eq!(run.code, 0, "{}", run.stderr);
        let records = run.json_lines();
        assert_eq!(records.len(), names.len());
        for record in &records {
            assert_eq!(record["image_score"], records[0]["image_score"], "{record}");
        }
    }
}

#[test]
fn case_16_the_way_the_camera_was_held_is_ignored_in_fit_and_predict() {
    let room = Room::with_model();
    let plain = stored("chroma420.jpg");
    for orientation in 1..=8 {
        room.write(
            format!("turned/{orientation}.jpg"),
            with_segments(&plain, &exif_orientation(orientation)),
        );
    }
    room.write("plain/0.jpg", &plain);
    let expected = room.run("predict bolt.patchcore plain --json").json_lines()[0].clone();
    let records = room.run("predict bolt.patchcore turned --json").json_lines();
    assert_eq!(records.len(), 8);
    for record in records {
        for key in ["image_score", "width", "height"] {
            assert_eq!(record[key], expected[key], "{record}");
        }
    }
    let bank = |good: &str| {
        let fit = format!("fit --good {good} -o {good}.patchcore --imagesize 32 --sampler identity --json");
        let run = room.run(&fit);
        assert_eq!(run.code, 0, "{}", run.stderr);
        room.run(&format!("predict {good}.patchcore set/bolt/test/good/000.png --json")).json_lines()[0]["image_score"].clone()
    };
    assert_eq!(bank("turned"), bank("plain"));
}

#[test]
fn case_20_samples_without_a_white_are_refused() {
    let float = |name: &str, bits: &str| {
        Bad::input(name, &stored(name), &format!("unsupported: a TIFF of {bits}-bit floating-point samples"))
    };
    let mut not_a_number = stored("float32.tif");
    let end = not_a_number.len();
    not_a_number[end - 40..end - 36].copy_from_slice(&f32::NAN.to_le_bytes());
    check(&[
        float("float16.tif", "16"),
        float("float32.tif", "32"),
        float("float64.tif", "64"),
        Bad::input("nan.tif", &not_a_number, "floating-point samples"),
        Bad::input("int16.tif", &stored("int16.tif"), "16-bit signed samples"),
        Bad::input("uint32.tif", &stored("uint32.tif"), "a TIFF of 32-bit samples"),
        Bad::input("map.pfm.png", b"Pf\n1 1\n-1.0\n\0\0\xc0\x7f", "a PFM picture"),
    ]);
}

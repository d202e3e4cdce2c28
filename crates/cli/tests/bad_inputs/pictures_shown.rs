//! Pictures that can be read and show something odd: sizes at the edge, other sizes than before, nothing at all.

use super::pictures::stored;
use crate::support::{Room, draw, texts};
use image::{GrayImage, Luma, Rgb, RgbImage};
use sha2::{Digest, Sha256};

#[test]
fn case_17_pictures_of_any_size_get_a_finite_score() {
    let room = Room::with_model();
    for (width, height) in [(1, 1), (5000, 1), (1, 5000), (1, 700), (3, 2), (640, 480)] {
        draw::save(&draw::plate_of(60, width, height), &room.path(format!("sizes/{width}x{height}.png")));
    }
    let run = room.run("predict bolt.patchcore sizes -o results --json");
    assert_eq!(run.code, 0, "{}", run.stderr);
    for record in run.json_lines() {
        assert!(record["image_score"].as_f64().is_some_and(|s| s.is_finite() && s > 0.0), "{record}");
        let (width, height, _) = room.raw_map(record["raw_map"].as_str().unwrap());
        assert_eq!((&record["width"], &record["height"]), (&width.into(), &height.into()));
    }
}

/// With the original's crop, which enlarges what is smaller.
#[test]
fn case_17_pictures_smaller_than_the_crop_are_fitted_and_judged() {
    let room = Room::new();
    for (i, (width, height)) in [(1, 1), (40, 3), (7, 50)].into_iter().enumerate() {
        draw::save(&draw::plate_of(i as u32, width, height), &room.path(format!("good/{i}.png")));
    }
    room.run("fit --good good -o part.patchcore --resize 40 --imagesize 32 --bank-rows 9 --json").succeeds();
    let records = room.run("predict part.patchcore good --threshold 9999 --json").succeeds().json_lines();
    assert_eq!(texts(&records, "verdict"), ["ok"; 3]);
}

#[test]
fn case_18_another_size_or_kind_than_the_training_pictures_is_told_once() {
    let room = Room::with_model();
    draw::save(&draw::plate_of(60, 128, 96), &room.path("new/large_1.png"));
    draw::save(&draw::plate_of(61, 128, 96), &room.path("new/large_2.png"));
    draw::save(&draw::plate_of(62, 128, 96), &room.path("new/large_3.png"));
    draw::save(&draw::plate(13), &room.path("new/same.png"));
    let run = room.run("predict bolt.patchcore new --json");
    let size = "128 x 96 pixels, where all training pictures have 64 x 48";
    assert_eq!(run.stderr, format!("warning: new/large_1.png: {size} (and 2 other pictures)\n"));
    let records = run.json_lines();
    assert_eq!(texts(&records, "warning"), [size, size, size, ""]);

    let grey = GrayImage::from_fn(64, 48, |x, y| Luma([(90 + x % 8 * 6 + y % 5) as u8]));
    draw::save(&grey, &room.path("grey.png"));
    let run = room.run("predict bolt.patchcore grey.png --json");
    let kind = "no colour, where all training pictures have colours";
    assert_eq!(run.stderr, format!("warning: grey.png: {kind}\n"));
    assert_eq!(run.json_lines()[0]["warning"], kind);

    let evaluate = room.run("evaluate bolt.patchcore --dataset set --category nut");
    assert_eq!((evaluate.code, &*evaluate.stderr), (0, ""));
    let inspected = room.run("inspect bolt.patchcore --json").succeeds().json();
    let extent = serde_json::json!({"width": [64, 64], "height": [48, 48], "colour": true, "grey": false});
    assert_eq!(inspected["training"]["extent"], extent);
}

#[test]
fn case_18_beyond_the_quality_gate_it_is_invalid() {
    let room = Room::with_model();
    draw::save(&draw::plate_of(60, 128, 96), &room.path("new/large.png"));
    draw::save(&draw::plate(13), &room.path("new/same.png"));
    let run = room.run("predict bolt.patchcore new --quality-gate --format jsonl");
    let reason =
        "new/large.png: fails the quality gate: 128 x 96 pixels, where all training pictures have 64 x 48";
    let records = run.fails(7, &[reason]).json_lines();
    assert_eq!(texts(&records, "verdict"), ["invalid", "ok"]);
    assert!(records[0]["image_score"].is_null());
}

/// Pictures that no working camera takes, with what the gate says of them.
fn faulty() -> Vec<(&'static str, RgbImage, &'static str)> {
    let flat = |grey: u8| RgbImage::from_pixel(64, 48, Rgb([grey; 3]));
    let mut dead_row = draw::plate(13);
    (0..64).for_each(|x| dead_row.put_pixel(x, 20, Rgb([0; 3])));
    let mut dead_column = draw::plate(13);
    (0..48).for_each(|y| dead_column.put_pixel(33, y, Rgb([255; 3])));
    vec![
        ("black", flat(0), "the picture is black"),
        ("white", flat(255), "the picture is white"),
        ("flat", flat(128), "the picture shows nothing"),
        ("row", dead_row, "row 20 is dead"),
        ("column", dead_column, "column 33 is dead"),
    ]
}

#[test]
fn case_19_pictures_that_show_nothing_get_a_finite_score() {
    let room = Room::with_model();
    for (name, picture, _) in faulty() {
        draw::save(&picture, &room.path(format!("new/{name}.png")));
    }
    let run = room.run("predict bolt.patchcore new --json");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let records = run.json_lines();
    assert_eq!(texts(&records, "verdict"), ["defect"; 5]);
    assert!(records.iter().all(|record| record["image_score"].as_f64().is_some_and(f64::is_finite)));
}

#[test]
fn case_19_the_quality_gate_refuses_what_no_working_camera_takes() {
    let room = Room::with_model();
    for (name, picture, _) in faulty() {
        draw::save(&picture, &room.path(format!("new/{name}.png")));
        draw::save(&picture, &room.path(format!("set/bolt/train/good/{name}.png")));
    }
    room.copy("set/bolt/test/good/000.png", "new/zz_good.png");
    let run =
        room.run("predict bolt.patchcore new --quality-gate --format jsonl").fails(7, &["5 of 6 pictures"]);
    let records = run.json_lines();
    assert_eq!(texts(&records, "verdict").last(), Some(&"ok"));
    let fit = room.run("fit --good set/bolt/train/good -o part.patchcore --quality-gate");
    let fit = fit.fails(3, &["5 of 11 pictures cannot be used"]);
    assert!(!room.path("part.patchcore").exists());
    for (name, _, reason) in faulty() {
        let record = records.iter().find(|record| record["path"] == format!("new/{name}.png")).unwrap();
        assert_eq!(record["verdict"], "invalid");
        let told = format!("{name}.png: fails the quality gate: {reason}");
        assert!(record["error"].as_str().unwrap().contains(&told), "{record}");
        assert!(fit.stderr.contains(&told), "{}", fit.stderr);
    }
    // A mask may be black.
    room.run("evaluate bolt.patchcore --dataset set --category bolt --quality-gate").succeeds();
}

#[test]
fn case_18_a_model_that_knows_no_sizes_says_nothing() {
    let room = Room::new();
    room.write("good/a.png", stored("rgb8.png"));
    room.run("fit --good good -o part.patchcore --imagesize 32 --bank-rows 9 --json").succeeds();
    let model = room.read("part.patchcore");
    let text = br#"\"extent\":{\"width\":[22,22],\"height\":[18,18],\"colour\":true,\"grey\":false}"#;
    let at = model.windows(text.len()).position(|window| window == text).expect("the model knows them");
    let mut older = model.clone();
    let nothing = br#"\"extent\":null"#;
    older[at..at + text.len()].fill(b' ');
    older[at..at + nothing.len()].copy_from_slice(nothing);
    let end = older.len() - 32;
    let sum = Sha256::digest(&older[..end]);
    older[end..].copy_from_slice(&sum);
    room.write("older.patchcore", older);
    draw::save(&draw::plate(3), &room.path("new/a.png"));
    let run = room.run("predict older.patchcore new --threshold 9999");
    assert_eq!((run.code, &*run.stderr), (0, ""));
    let run = room.run("predict part.patchcore new --threshold 9999");
    assert!(
        run.stderr.contains("64 x 48 pixels, where all training pictures have 22 x 18"),
        "{}",
        run.stderr
    );
}

//! Picture files with the wrong bytes, and sizes at the edge.

use crate::support::{Room, draw, texts};

/// Bytes that are no usable picture, and what is said about them.
const BAD: [(&str, &[u8], &str); 8] = [
    ("empty.png", b"", "empty file"),
    ("byte.png", b"\x89", "truncated PNG"),
    ("magic.png", b"\x89PNG\r\n\x1a\n", "truncated PNG"),
    ("magic.jpg", b"\xff\xd8\xff", "truncated JPEG"),
    ("page.png", b"<!DOCTYPE html><html></html>", "HTML"),
    ("document.png", b"%PDF-1.7\n", "PDF"),
    ("pointer.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
    ("moving.png", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "GIF"),
];

#[test]
fn predict_tells_what_each_bad_file_is() {
    let room = Room::with_model();
    for (name, bytes, _) in BAD {
        room.write(format!("new/{name}"), bytes);
    }
    room.copy("set/bolt/test/good/000.png", "new/z.png");
    let run = room.run("predict bolt.patchcore new --format jsonl").fails(7, &["8 of 9 pictures"]);
    let records = run.json_lines();
    for (name, _, reason) in BAD {
        let path = format!("new/{name}");
        let record = records.iter().find(|r| r["path"] == path).unwrap();
        let error = record["error"].as_str().unwrap();
        assert_eq!(record["verdict"], "invalid", "{name}");
        assert!(error.starts_with(&path) && error.contains(reason), "no {reason:?} in {error:?}");
    }
    assert_eq!(texts(&records, "verdict")[8], "ok");
}

#[test]
fn fit_lists_all_bad_files_at_once() {
    let room = Room::with_data();
    for (name, bytes, _) in BAD {
        room.write(format!("set/bolt/train/good/{name}"), bytes);
    }
    let run = room.run("fit --good set/bolt/train/good -o part.patchcore");
    let run = run.fails(3, &["8 of 14 pictures cannot be used", "hint: --skip-bad fits on the others"]);
    for (name, _, reason) in BAD {
        let line = run.stderr.lines().find(|line| line.contains(name)).unwrap_or_default();
        assert!(line.contains(reason), "no {reason:?} in {line:?}");
    }
    assert!(!room.path("part.patchcore").exists());
    let error = room.run("fit --good set/bolt/train/good -o part.patchcore --json").fails_in_json(3, &[]);
    assert_eq!(error["parts"].as_array().unwrap().len(), 8);
}

/// A file of a hundred bytes may declare a picture that no memory holds.
#[test]
fn case_07_a_huge_declared_size_is_a_limit() {
    let room = Room::with_model();
    let mut png = room.read("set/bolt/test/good/000.png");
    png[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
    let sum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    room.write("huge/huge.png", &png);
    room.run("fit --good huge -o part.patchcore").fails(6, &["huge/huge.png", "20000x20000", "limit"]);
    room.run("predict bolt.patchcore huge").fails(7, &["20000x20000"]);
}

#[test]
fn case_17_pictures_of_any_size_get_a_finite_score() {
    let room = Room::with_model();
    for (width, height) in [(1, 1), (5000, 1), (1, 700), (3, 2), (640, 480)] {
        draw::save(&draw::plate_of(60, width, height), &room.path(format!("sizes/{width}x{height}.png")));
    }
    for record in room.predict("sizes -o results") {
        assert!(record["image_score"].as_f64().is_some_and(|s| s.is_finite() && s > 0.0), "{record}");
        let (width, height, _) = room.raw_map(record["raw_map"].as_str().unwrap());
        assert_eq!((&record["width"], &record["height"]), (&width.into(), &height.into()));
    }
}

#[test]
fn case_19_constant_pictures_get_a_finite_score() {
    let room = Room::with_model();
    for grey in [0, 128, 255] {
        let picture = image::RgbImage::from_pixel(64, 48, image::Rgb([grey; 3]));
        draw::save(&picture, &room.path(format!("flat/{grey}.png")));
    }
    assert_eq!(texts(&room.predict("flat"), "verdict"), ["defect"; 3]);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

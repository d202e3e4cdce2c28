//! Picture files whose bytes are not what their names say, cut off, or larger than allowed.

use super::refusal::{Bad, check};
use crate::support::{Room, texts};
use patchcore_testkit::craft::{black_png, ihdr, png, zlib_of_zeros};
use patchcore_testkit::{Fixture, testdata};

/// A file of `testdata/picture_files.safetensors`.
pub(super) fn stored(name: &str) -> Vec<u8> {
    Fixture::open(&testdata("picture_files.safetensors")).u8(name).1
}

#[test]
fn case_01_an_empty_file() {
    check(&[Bad::input("empty.png", b"", "empty file"), Bad::input("empty.jpg", b"", "empty file")]);
}

#[test]
fn case_02_files_that_end_within_their_header() {
    let starts: [(&str, &[u8], &str); 8] = [
        ("png", b"\x89PNG\r\n\x1a\n", "truncated PNG header"),
        ("jpg", b"\xff\xd8\xff", "truncated JPEG header"),
        ("bmp", b"BM", "truncated BMP header"),
        ("tif", b"II*\0", "truncated TIFF header"),
        ("tiff", b"MM\0*", "truncated TIFF header"),
        ("webp", b"RIFF\x20\0\0\0WEBP", "truncated WebP header"),
        ("pgm", b"P5", "truncated PNM header"),
        ("ppm", b"P3", "truncated PNM header"),
    ];
    let mut bad = Vec::new();
    for (ending, start, reason) in starts {
        bad.push(Bad::input(&format!("magic.{ending}"), start, reason));
        bad.push(Bad::input(&format!("byte.{ending}"), &start[..1], "truncated"));
    }
    check(&bad);
}

#[test]
fn case_03_what_is_no_picture_is_called_what_it_is() {
    check(&[
        Bad::input("text.png", b"bolts, from the third line", "unsupported: plain text"),
        Bad::input("page.png", b"<!DOCTYPE html><html></html>", "unsupported: an HTML page"),
        Bad::input("document.png", b"%PDF-1.7\n", "unsupported: a PDF document"),
        Bad::input("archive.png", b"PK\x03\x04\x14\0", "unsupported: a ZIP archive"),
        Bad::input(
            "pointer.png",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "unsupported: a Git LFS pointer in place of the file (`git lfs pull` fetches it)",
        ),
    ]);
}

#[test]
fn case_22_formats_that_are_not_read_are_named_with_those_that_are() {
    let list = "pictures may be PNG, JPEG, BMP, TIFF, WebP, PNM";
    let mut bad = Vec::new();
    for (name, bytes, what) in [
        ("moving", &b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"[..], "unsupported: a GIF"),
        (
            "drawing",
            b"<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "an SVG drawing",
        ),
        ("phone", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        ("web", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "an AVIF picture"),
        ("film", b"v/1\x01\x02\0\0\0", "an OpenEXR picture"),
        ("light", b"#?RADIANCE\n", "a Radiance HDR picture"),
        ("ct", &[&[0; 128][..], b"DICM"].concat(), "a DICOM file"),
    ] {
        bad.push(Bad::input(&format!("{name}.png"), bytes, what));
        bad.push(Bad::input(&format!("{name}_list.png"), bytes, list));
    }
    check(&bad);
}

#[test]
fn case_04_content_counts_and_a_name_that_differs_is_told() {
    let room = Room::with_model();
    room.copy("set/bolt/test/good/000.png", "new/a.jpg");
    room.copy("set/bolt/test/good/001.png", "new/b.TIFF");
    let run = room.run("predict bolt.patchcore new --json");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let records = run.json_lines();
    assert_eq!(texts(&records, "verdict"), ["ok", "ok"]);
    assert_eq!(records[0]["warning"], "the content is PNG, the ending says JPEG");
    assert_eq!(records[1]["warning"], "the content is PNG, the ending says TIFF");
    let told = "warning: new/a.jpg: the content is PNG, the ending says JPEG (and another picture)\n";
    assert_eq!(run.stderr, told);
    let right = room.run("predict bolt.patchcore set/bolt/test/good --json").succeeds().json_lines();
    assert!(right[0].get("warning").is_none());
    assert_eq!(right[0]["image_score"], records[0]["image_score"]);

    let strict = room.run("predict bolt.patchcore new --strict-ext");
    strict.fails(7, &["new/a.jpg: the content is PNG, the ending says JPEG", "new/b.TIFF: "]);
    room.copy("set/bolt/train/good/000.png", "set/bolt/train/good/900.bmp");
    let fit = "fit --good set/bolt/train/good -o part.patchcore --imagesize 32 --bank-rows 9";
    room.run(&format!("{fit} --strict-ext")).fails(3, &["900.bmp: the content is PNG, the ending says BMP"]);
    assert!(!room.path("part.patchcore").exists());
    let run = room.run(&format!("{fit} --json"));
    let warning = "the content is PNG, the ending says BMP";
    assert!(run.code == 0 && run.stderr.contains(&format!("900.bmp: {warning}\n")), "{}", run.stderr);
    assert_eq!(run.json()["warnings"][0]["warning"], warning);
}

#[test]
fn case_04_every_command_that_reads_pictures_can_be_strict() {
    let room = Room::with_model();
    std::fs::rename(room.path("set/bolt/test/good/000.png"), room.path("set/bolt/test/good/000.jpg"))
        .unwrap();
    room.copy("set/bolt/train/good/000.png", "new/a.webp");
    let reason = "the content is PNG, the ending says ";
    for line in [
        "evaluate bolt.patchcore --dataset set --category bolt",
        "compare bolt.patchcore bolt.patchcore --dataset set --category bolt",
        "run results --dataset set --category bolt --imagesize 32 --bank-rows 9",
        "calibrate bolt.patchcore --good new -o other.patchcore",
    ] {
        room.run(&format!("{line} --strict-ext")).fails(3, &[reason]);
    }
    assert!(!room.path("other.patchcore").exists());
    let inspect = room.run("dataset inspect set --strict-ext");
    assert_eq!(inspect.code, 3);
    assert!(
        inspect.stdout.contains(&format!("error: set/bolt/test/good/000.jpg: {reason}JPEG")),
        "{}",
        inspect.stdout
    );
    let inspect = room.run("dataset inspect set").succeeds();
    assert!(inspect.stdout.contains(&format!("warning: set/bolt/test/good/000.jpg: {reason}JPEG")));
    let run = room.run("evaluate bolt.patchcore --dataset set --category bolt");
    assert_eq!(run.stderr, format!("warning: set/bolt/test/good/000.jpg: {reason}JPEG\n"));
}

/// Every place of every file is cut in the library's own test; here the middle and the last byte.
#[test]
fn case_05_files_that_are_cut_off() {
    let files = Fixture::open(&testdata("picture_files.safetensors"));
    let mut bad = Vec::new();
    let names = files.names();
    let read = |name: &&String| {
        names.contains(&format!("{name}/rgb")) && !name.contains("16") && *name != "palette.tif"
    };
    for name in names.iter().filter(read) {
        let bytes = files.u8(name).1;
        let (stem, ending) = name.split_once('.').unwrap();
        let format = match ending {
            "png" => "PNG",
            "jpg" => "JPEG",
            "tif" => "TIFF",
            "bmp" => "BMP",
            "webp" => "WebP",
            _ => "PNM",
        };
        bad.push(Bad::input(&format!("{stem}_half.{ending}"), &bytes[..bytes.len() / 2], format));
        bad.push(Bad::input(&format!("{stem}_last.{ending}"), &bytes[..bytes.len() - 1], format));
    }
    assert_eq!(bad.len(), 142);
    check(&bad);
}

#[test]
fn case_06_a_wrong_checksum_names_its_chunk() {
    let whole = stored("rgb8.png");
    let bad: Vec<Bad> = ["IHDR", "IDAT", "IEND"]
        .map(|chunk| {
            let at = whole.windows(4).position(|window| window == chunk.as_bytes()).unwrap();
            let length = u32::from_be_bytes(whole[at - 4..at].try_into().unwrap()) as usize;
            let mut bytes = whole.clone();
            bytes[at + 4 + length] ^= 1;
            Bad::input(
                &format!("{chunk}.png"),
                &bytes,
                &format!("corrupt PNG: wrong checksum of chunk {chunk}"),
            )
        })
        .into();
    check(&bad);
}

/// A few megabytes, from which 400 would come.
#[test]
fn case_07_a_huge_picture_in_a_small_file() {
    let bomb = black_png(20_000, 20_000);
    let size = "picture of 20000x20000 pixels is over the limit of 16384 a side and 67108864 in all";
    check(&[Bad::limit("bomb.png", &bomb, size)]);
    let room = Room::with_model();
    room.write("new/small.png", black_png(300, 200));
    assert_eq!(room.run("predict bolt.patchcore new").code, 0);
    for (option, reason) in [
        ("--max-side 299", "300x200 pixels is over the limit of 299 a side"),
        ("--max-pixels 59999", "59999 in all"),
        ("--max-decode-memory 59999", "decoding needs more memory than the limit of 59999 bytes"),
        ("--max-file-size 100", "bytes is over the limit of 100 bytes"),
    ] {
        room.run(&format!("predict bolt.patchcore new {option}")).fails(7, &["new/small.png: ", reason]);
        room.run(&format!("fit --good new -o part.patchcore {option}"))
            .fails(6, &["new/small.png: ", reason]);
    }
    for wrong in
        ["--max-side 0", "--max-pixels 0", "--max-side -3", "--max-decode-memory 0", "--max-file-size x"]
    {
        room.run(&format!("predict bolt.patchcore new {wrong}")).fails(2, &[]);
    }
}

#[test]
fn case_08_sizes_that_no_picture_has() {
    let of = |width, height| {
        png(&[(b"IHDR", &ihdr(width, height, 8, 0)), (b"IDAT", &zlib_of_zeros(2)), (b"IEND", &[])])
    };
    check(&[
        Bad::input("nothing.png", &of(0, 0), "a picture of 0x0 pixels shows nothing"),
        Bad::input("line.png", &of(1, 0), "a picture of 1x0 pixels shows nothing"),
        Bad::limit(
            "square.png",
            &of(0x7FFF_FFFF, 0x7FFF_FFFF),
            "2147483647x2147483647 pixels is over the limit",
        ),
    ]);
}

#[test]
fn case_09_chunks_that_inflate_and_chunks_without_number() {
    let room = Room::with_model();
    let good = room.read("set/bolt/test/good/000.png");
    let chunk = |name: &[u8; 4], data: &[u8]| png(&[(name, data)])[8..].to_vec();
    let bomb = zlib_of_zeros(200_000_000);
    let with = |chunks: Vec<u8>| [&good[..33], &chunks, &good[33..]].concat();
    room.write("new/text.png", with(chunk(b"zTXt", &[b"Comment\0\0", &bomb[..]].concat())));
    room.write("new/profile.png", with(chunk(b"iCCP", &[b"sRGB\0\0", &bomb[..]].concat())));
    room.write("new/exif.png", with(chunk(b"eXIf", &bomb)));
    room.write("new/many.png", with(chunk(b"tEXt", b"k\0v").repeat(100_000)));
    let expected = room.predict("set/bolt/test/good/000.png")[0]["image_score"].clone();
    for record in room.predict("new") {
        assert_eq!(record["image_score"], expected, "{record}");
    }
}

#[test]
fn case_21_what_follows_a_picture_is_left_alone() {
    let room = Room::with_model();
    let good = room.read("set/bolt/test/good/000.png");
    room.write("new/archive.png", [&good, &b"PK\x03\x04 and the rest of an archive"[..]].concat());
    room.write("new/junk.png", [good, vec![0xFF; 3_000_000]].concat());
    let expected = room.predict("set/bolt/test/good/000.png")[0]["image_score"].clone();
    for record in room.predict("new") {
        assert_eq!(record["image_score"], expected, "{record}");
    }
}

#[test]
fn case_23_a_file_that_was_named_and_is_not_there() {
    let room = Room::with_model();
    let run = room.run("predict bolt.patchcore set/bolt/test/good/000.png gone.png");
    run.fails(7, &["gone.png: ", "1 of 2 pictures"]);
}

/// A file of a gigabyte is refused by its length; nothing of it is read.
#[test]
fn case_21_a_gigabyte_behind_a_picture_is_over_the_limit() {
    let room = Room::with_model();
    room.copy("set/bolt/test/good/000.png", "new/long.png");
    let file = std::fs::File::options().write(true).open(room.path("new/long.png")).unwrap();
    file.set_len(1 << 30).unwrap();
    let reason = "new/long.png: file of 1073741824 bytes is over the limit of 268435456 bytes";
    room.run("predict bolt.patchcore new").fails(7, &[reason]);
    room.run("fit --good new -o part.patchcore").fails(6, &[reason]);
    assert!(!room.path("part.patchcore").exists());
}

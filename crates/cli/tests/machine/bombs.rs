//! Small files that mean large things, in a process that may have 512 MiB: refused, never a signal.

use crate::limited;
use crate::support::{Room, draw};
use patchcore_testkit::craft::crc32;
use patchcore_testkit::onnx::bytes as field;
use serde_json::json;
use std::io::{Cursor, Write};

const RESNET: &str = "--backbone resnet18 --layers layer1";
const LIMIT: &str = "--as=536870912";

/// Pictures that declare more pixels than anybody has memory for.
fn pictures() -> Vec<(&'static str, Vec<u8>)> {
    let small = draw::plate(1);
    let encoded = |format| {
        let mut bytes = Cursor::new(Vec::new());
        small.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let mut png = encoded(image::ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
    let sum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    let mut jpeg = encoded(image::ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0x3e, 0x80, 0x3e, 0x80]);
    let mut bmp = encoded(image::ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0x20, 0x4e, 0, 0, 0x20, 0x4e, 0, 0]);
    vec![
        ("20000.png", png),
        ("16000.jpg", jpeg),
        ("20000.bmp", bmp),
        ("20000.tif", tiff(20_000, 20_000)),
        ("largest.tif", tiff(u32::MAX, u32::MAX)),
    ]
}

/// A grey TIFF of one strip, of which nothing is there.
fn tiff(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    let entries =
        [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (278, height), (279, 100)];
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        bytes.extend((tag as u16).to_le_bytes());
        bytes.extend([4, 0, 1, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn case_70_picture_bombs_are_refused_in_little_memory() {
    let room = Room::with_model();
    for (name, bytes) in pictures() {
        room.write(format!("one/{name}/bomb-{name}"), &bytes);
        room.write(format!("all/{name}"), &bytes);
        let line = format!("fit --good one/{name} -o new.patchcore");
        let Some(run) = limited(&room, &[LIMIT], &line) else { return };
        run.ends(&[3, 6], &[name]);
    }
    room.copy("set/bolt/test/good/000.png", "all/z.png");
    let run = limited(&room, &[LIMIT], "predict bolt.patchcore all -o out").unwrap();
    let run = run.ends(&[7], &["5 of 6 pictures"]);
    assert_eq!(run.stdout.lines().last().and_then(|line| line.split_whitespace().next()), Some("ok"));
    assert!(!room.path("new.patchcore").exists());
}

/// A zip archive as `torch.save` writes them, with this pickle.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("archive/data.pkl", pickle), ("archive/version", b"3\n")] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Pickles that are small and mean much.
fn pickles() -> Vec<(&'static str, Vec<u8>)> {
    let start = b"\x80\x02";
    // Each list holds the one before it ten times.
    let mut laughs = [&start[..], b"]q\0"].concat();
    for level in 1..60u8 {
        laughs.extend(b"](");
        laughs.extend([b'h', level - 1].repeat(10));
        laughs.extend([b'e', b'q', level]);
    }
    laughs.push(b'.');
    vec![
        ("laughs", laughs),
        ("marks", [&start[..], &[b'('; 1 << 20], b"."].concat()),
        ("lists", [&start[..], &[b']'; 1 << 20], b"."].concat()),
        ("nested", [&start[..], &b"](".repeat(1 << 18), &[b'e'; 1 << 18], b"."].concat()),
        ("long text", [&start[..], b"\x8d", &(1u64 << 60).to_le_bytes(), b"abc."].concat()),
        ("long bytes", [&start[..], b"\x8e", &(1u64 << 40).to_le_bytes(), b"abc."].concat()),
        ("memo", [&start[..], b"]r\xff\xff\xff\xff."].concat()),
        ("numbers", [&start[..], b"\x8b\xff\xff\xff\x7f."].concat()),
    ]
}

#[test]
fn case_70_weight_bombs_are_refused_in_little_memory() {
    let room = Room::with_data();
    let mut files: Vec<(String, Vec<u8>)> = pickles()
        .into_iter()
        .flat_map(|(name, pickle)| {
            let name = name.replace(' ', "_");
            [(format!("{name}.pth"), archive(&pickle)), (format!("old_{name}.pth"), pickle)]
        })
        .collect();
    let header = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    files.push(("length.safetensors".into(), u64::MAX.to_le_bytes().repeat(4)));
    files.push(("deep.safetensors".into(), header(&"[".repeat(1 << 20))));
    let huge =
        json!({"conv1.weight": {"dtype": "F32", "shape": [1u64 << 60, 3, 7, 7], "data_offsets": [0, 4]}});
    files.push(("huge.safetensors".into(), header(&huge.to_string())));
    let many = (0..40_000).map(|i| format!(r#""{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#));
    files.push(("many.safetensors".into(), header(&format!("{{{}}}", many.collect::<Vec<_>>().join(",")))));
    for (name, bytes) in files {
        room.write(&name, bytes);
        let line = format!("fit --dataset set --category bolt -o new.patchcore {RESNET} --weights {name}");
        let Some(run) = limited(&room, &[LIMIT], &line) else { return };
        run.ends(&[4, 6], &[&name]);
    }
    // As long as no memory is, and empty.
    for name in ["sparse.safetensors", "sparse.pth", "sparse.onnx"] {
        room.write(name, "");
        std::fs::File::options().write(true).open(room.path(name)).unwrap().set_len(1 << 34).unwrap();
        let line = format!("fit --dataset set --category bolt -o new.patchcore {RESNET} --weights {name}");
        limited(&room, &[LIMIT], &line).unwrap().ends(&[4, 6], &[name]);
    }
    assert!(!room.path("new.patchcore").exists());
}

#[test]
fn case_70_saved_model_bombs_are_refused_in_little_memory() {
    let room = Room::new();
    for (name, pickle) in pickles() {
        let name = name.replace(' ', "_");
        room.write(format!("{name}.ckpt"), archive(&pickle));
        let line = format!("import {name}.ckpt -o new.patchcore");
        let Some(run) = limited(&room, &[LIMIT], &line) else { return };
        run.ends(&[4, 6], &[&name]);
        room.write(format!("{name}/patchcore_params.pkl"), pickle);
        let index = [&b"IxF2\x98\0\0\0"[..], &(1u64 << 55).to_le_bytes(), &[0; 29]].concat();
        room.write(format!("{name}/nnscorer_search_index.faiss"), index);
        limited(&room, &[LIMIT], &format!("import {name} --resize 256 -o new.patchcore"))
            .unwrap()
            .ends(&[4, 6], &[&name]);
    }
    assert!(!room.path("new.patchcore").exists());
}

#[test]
fn case_70_network_bombs_are_refused_in_little_memory() {
    let room = Room::with_data();
    // A weight of 2^40 x 2^40 values, of which none is there; and one that lies in a file of the machine.
    let dimension = [&[0x08], &[0x80; 5][..], &[0x20]].concat();
    let weight = [dimension.repeat(2), vec![0x10, 1], field(8, b"w")].concat();
    let outside = [
        vec![0x08, 4, 0x10, 1],
        field(8, b"w"),
        field(13, [field(1, b"location"), field(2, b"../../../../dev/zero")].concat()),
        vec![0x70, 1],
    ]
    .concat();
    let node = field(1, [field(1, b"w"), field(2, b"y"), field(3, b"n"), field(4, b"Relu")].concat());
    let model = |graph: &[u8]| [vec![0x08, 8], field(7, graph), field(8, [0x10, 13])].concat();
    let mut nested = Vec::new();
    for _ in 0..3000 {
        nested = field(1, field(5, field(6, &nested)));
    }
    for (name, bytes) in [
        ("huge.onnx", model(&[node.clone(), field(5, &weight)].concat())),
        ("outside.onnx", model(&[node, field(5, &outside)].concat())),
        ("nested.onnx", model(&nested)),
        ("empty.onnx", Vec::new()),
    ] {
        room.write(name, bytes);
        let line = format!("fit --dataset set --category bolt -o new.patchcore --backbone {name} --layers y");
        let Some(run) = limited(&room, &[LIMIT], &line) else { return };
        run.ends(&[4, 6], &[name]);
    }
    assert!(!room.path("new.patchcore").exists());
}

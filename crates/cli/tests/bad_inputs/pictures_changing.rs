//! Picture files that vanish or change while the program is at work.

use crate::support::{Room, draw};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// So many pictures with names of four thousand letters fill the pipe to the reader long before the last is opened.
const PICTURES: usize = 60;

/// A room with pictures deep in folders, and their paths.
fn deep() -> (Room, Vec<String>) {
    let room = Room::with_model();
    let folder = ["x".repeat(240).as_str(); 15].join("/");
    let paths: Vec<String> = (0..PICTURES).map(|i| format!("{folder}/{i:02}.png")).collect();
    for path in &paths {
        draw::save(&draw::plate(13), &room.path(path));
    }
    (room, paths)
}

/// Judges the pictures; once the first is judged, and the program waits for somebody to read on, `meanwhile` happens.
fn judged(room: &Room, paths: &[String], meanwhile: impl FnOnce()) -> (Option<i32>, Vec<Value>) {
    room.write("list", paths.join("\n"));
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
    command.current_dir(room.path("")).args(["predict", "bolt.patchcore", "-", "--format", "jsonl"]);
    command.env("RAYON_NUM_THREADS", "2").stdin(std::fs::File::open(room.path("list")).unwrap());
    let mut program = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::with_capacity(1 << 10, program.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    meanwhile();
    let all = std::iter::once(first).chain(lines.map(Result::unwrap));
    let records = all.map(|line| serde_json::from_str(&line).unwrap()).collect();
    (program.wait().unwrap().code(), records)
}

#[test]
fn case_23_a_file_that_vanishes_is_named_and_the_others_are_judged() {
    let (room, paths) = deep();
    let last = paths.last().unwrap();
    let (code, records) = judged(&room, &paths, || std::fs::remove_file(room.path(last)).unwrap());
    assert_eq!((code, records.len()), (Some(7), PICTURES));
    for record in &records[..PICTURES - 1] {
        assert_eq!(record["verdict"], "ok");
    }
    let error = records[PICTURES - 1]["error"].as_str().unwrap();
    assert_eq!(records[PICTURES - 1]["verdict"], "invalid");
    assert!(error.starts_with(last.as_str()) && error.contains("No such file"), "{error}");
}

#[test]
fn case_23_a_file_that_is_cut_meanwhile_is_named_and_the_others_are_judged() {
    let (room, paths) = deep();
    let last = paths.last().unwrap();
    let (code, records) = judged(&room, &paths, || {
        let bytes = room.read(last);
        room.write(last, &bytes[..bytes.len() / 2]);
    });
    assert_eq!((code, records.len()), (Some(7), PICTURES));
    assert_eq!(records[PICTURES - 1]["verdict"], "invalid");
    assert!(records[PICTURES - 1]["error"].as_str().unwrap().contains("truncated PNG"));
}

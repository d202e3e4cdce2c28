//! One bad picture among many costs its own place and nothing else.
//!
//! The ordinary run takes a few hundred pictures. `PATCHCORE_TEST_FILES=10000 cargo test --release -p patchcore-cli --test many
//! -- --nocapture` takes so many, and prints how long the others take with the bad one and without it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};
use support::{Room, draw, texts};

const RUNS: usize = 5;

/// How many pictures, and whether that is the full run.
fn count() -> (u32, bool) {
    let many = std::env::var("PATCHCORE_TEST_FILES").ok().map(|text| text.parse().unwrap());
    (many.unwrap_or(200), many.is_some())
}

/// Good plates of 16 x 16 pixels, one of them replaced by what is no picture.
fn room(count: u32) -> (Room, String) {
    let room = Room::new();
    for i in 0..count {
        draw::save(&draw::plate_of(i, 16, 16), &room.path(format!("good/{i:05}.png")));
    }
    let place = format!("{:05}.png", count / 3);
    std::fs::create_dir(room.path("with")).unwrap();
    for i in 0..count {
        let name = format!("{i:05}.png");
        let from = room.path(format!("good/{name}"));
        std::fs::hard_link(from, room.path(format!("with/{name}"))).unwrap();
    }
    std::fs::remove_file(room.path(format!("with/{place}"))).unwrap();
    let good = room.read(format!("good/{place}"));
    room.write(format!("with/{place}"), &good[..good.len() / 2]);
    (room, place)
}

const SMALL: &str = "--imagesize 16 --bank-rows 50 --layers blocks.0,blocks.1";

#[test]
fn case_24_one_bad_picture_of_many_is_named_and_the_others_are_judged() {
    let (count, full) = count();
    let (room, place) = room(count);
    let sum = format!("1 of {count} pictures");
    room.run(&format!("fit --good good -o m.patchcore {SMALL}")).succeeds();
    let run = room.run("predict m.patchcore with --format jsonl").fails(7, &[&sum, &place]);
    let verdicts = run.json_lines();
    assert_eq!(verdicts.len(), count as usize);
    assert_eq!(texts(&verdicts, "verdict").iter().filter(|v| **v == "invalid").count(), 1);

    let fit = format!("fit --good with -o skipped.patchcore {SMALL}");
    let run = room.run(&fit).fails(3, &[&format!("{sum} cannot be used"), &place]);
    assert!(!room.path("skipped.patchcore").exists(), "{}", run.stderr);
    let run = room.run(&format!("{fit} --skip-bad"));
    assert_eq!((run.code, run.stderr.matches(&place).count()), (7, 1), "{}", run.stderr);
    let training = room.run("inspect --json skipped.patchcore").succeeds().json()["training"].take();
    assert_eq!(training["skipped"], serde_json::json!([place]));
    assert_eq!(training["pictures"].as_array().unwrap().len(), count as usize - 1);

    if full {
        for line in [
            "predict m.patchcore FOLDER --json",
            "fit --good FOLDER -o t.patchcore --force --skip-bad --json",
        ] {
            let line = if line.starts_with("fit") { format!("{line} {SMALL}") } else { line.to_string() };
            let [with, without] = medians(&room, &line);
            let share = with.as_secs_f64() / without.as_secs_f64() - 1.0;
            println!("{line}: {with:.3?} with the bad one, {without:.3?} without: {:+.2} %", 100.0 * share);
        }
    }
}

/// The median times of interleaved runs on the folder with the bad picture and on that without it.
fn medians(room: &Room, line: &str) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..=RUNS {
        for (folder, times) in [Path::new("with"), Path::new("good")].iter().zip(&mut times) {
            let line = line.replace("FOLDER", folder.to_str().unwrap());
            let start = Instant::now();
            let run = room.run(&line);
            times.push(start.elapsed());
            assert!(matches!(run.code, 0 | 7), "{}", run.stderr);
        }
    }
    times.map(|mut times| {
        // The first warms up.
        times.remove(0);
        times.sort();
        times[RUNS / 2]
    })
}

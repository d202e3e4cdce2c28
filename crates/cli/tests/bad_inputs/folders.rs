//! Folders of pictures: some of them bad, too few, too many, too deep, or no pictures at all.

use crate::support::{Room, draw, texts};
use serde_json::json;
use std::fs;
use std::path::Path;

const FIT: &str = "fit --good many -o m.patchcore --imagesize 32 --bank-rows 9";

/// How many files the folders with many get; `PATCHCORE_TEST_FILES` asks for more.
fn many(usual: usize) -> usize {
    std::env::var("PATCHCORE_TEST_FILES").ok().map_or(usual, |number| number.parse().unwrap())
}

#[test]
fn case_24_few_bad_pictures_of_many_are_all_listed_and_the_others_fitted_on() {
    let room = Room::new();
    let count = many(60);
    for i in 0..count {
        draw::save(&draw::plate_of(i as u32, 16, 16), &room.path(format!("many/{i:06}.png")));
    }
    let whole = room.read("many/000000.png");
    let bad = [7, count / 2, count - 1].map(|i| format!("{i:06}.png"));
    room.write(format!("many/{}", bad[0]), "");
    room.write(format!("many/{}", bad[1]), &whole[..whole.len() / 2]);
    room.write(format!("many/{}", bad[2]), "<!DOCTYPE html>");
    let all = format!("3 of {count} pictures cannot be used");
    let named = bad.clone().map(|name| format!("many/{name}: "));
    let words: Vec<&str> = named.iter().map(String::as_str).chain([&*all, "--skip-bad"]).collect();
    room.refuses(FIT, 3, &words);
    let error = room.run(&format!("{FIT} --json")).fails_in_json(3, &words);
    assert_eq!(error["parts"].as_array().unwrap().len(), 3);

    let run = room.run(&format!("{FIT} --skip-bad --quiet"));
    assert_eq!(run.code, 7, "{}", run.stderr);
    for name in &bad {
        assert!(
            run.stderr.contains(&format!("warning: {name}: cannot be read, left out\n")),
            "{}",
            run.stderr
        );
    }
    let training = room.run("inspect --json m.patchcore").succeeds().json()["training"].clone();
    assert_eq!(training["skipped"], json!(bad));
    assert_eq!(training["pictures"].as_array().unwrap().len(), count - 3);
}

#[test]
fn case_24_bad_pictures_alone_cannot_be_fitted_on() {
    let room = Room::new();
    room.write("many/bad.png", "");
    room.refuses(&format!("{FIT} --skip-bad"), 3, &["1 of 1 pictures", "many/bad.png: empty"]);
}

#[test]
fn case_24_evaluate_lists_every_bad_picture_and_mask() {
    let room = Room::with_model();
    room.write("set/bolt/test/good/001.png", "");
    room.write("set/bolt/ground_truth/dent/000_mask.png", "GIF89a");
    room.refuses(
        "evaluate bolt.patchcore --dataset set --category bolt -o results",
        3,
        &["2 test pictures or masks", "good/001.png: empty file", "000_mask.png: unsupported: a GIF"],
    );
}

#[test]
fn case_25_a_folder_without_pictures_says_what_was_looked_for() {
    let room = Room::with_model();
    for name in ["Thumbs.db", ".DS_Store", ".hidden.png", ".git/a.png", "notes.txt", "below/desktop.ini"] {
        room.write(format!("empty/{name}"), "");
    }
    let nothing = ["empty: no pictures; looked for *.png, *.jpg"];
    room.refuses("fit --good empty -o part.patchcore", 3, &nothing);
    room.refuses("predict bolt.patchcore empty -o results", 3, &nothing);
    room.refuses("calibrate bolt.patchcore --good empty -o new.patchcore", 3, &nothing);
    room.refuses("fit --good gone -o part.patchcore", 3, &["gone: no such folder"]);
    room.refuses(
        "fit --dataset empty --category bolt -o part.patchcore",
        3,
        &["empty: no known layout", "CATEGORY/train/good (mvtec)"],
    );
    room.refuses("fit --dataset set --category ../set/bolt -o part.patchcore", 3, &["../set/bolt"]);
    room.refuses("fit --dataset set --category screw -o part.patchcore", 3, &["\"bolt\", \"nut\""]);
    room.write("bare/bolt/train/good/.DS_Store", "");
    room.refuses(
        "fit --dataset bare -o part.patchcore",
        3,
        &["bare/bolt: no pictures; looked for *.png, *.jpg"],
    );
}

#[test]
fn case_26_without_a_good_picture_nothing_is_fitted() {
    let room = Room::with_data();
    for i in 0..6 {
        fs::remove_file(room.path(format!("set/bolt/train/good/00{i}.png"))).unwrap();
    }
    room.refuses(
        "fit --dataset set --category bolt -o part.patchcore",
        3,
        &["set: the category \"bolt\" has no pictures to fit on"],
    );
}

#[test]
fn case_26_few_pictures_and_few_patches_are_enough() {
    let room = Room::with_data();
    // One picture has a memory bank and no thresholds: there is no other to measure it by.
    room.copy("set/bolt/train/good/000.png", "many/000.png");
    room.run(FIT).succeeds();
    let one = room.run("inspect --json m.patchcore").succeeds().json();
    assert_eq!((&one["members"][0]["bank_rows"], &one["calibration"]), (&json!(9), &json!(null)));
    let judged = room.run("predict --json m.patchcore set/bolt/test/dent").succeeds().json_lines();
    assert_eq!(texts(&judged, "verdict"), ["unknown"; 2]);
    assert!(judged.iter().all(|record| record["image_score"].as_f64().is_some_and(f64::is_finite)));

    room.copy("set/bolt/train/good/001.png", "many/001.png");
    room.run(&format!("{FIT} --force")).succeeds();
    let two = room.run("inspect --json m.patchcore").succeeds().json();
    assert!(two["calibration"].is_object(), "{two}");
}

#[test]
fn case_26_a_bank_larger_than_all_patches_is_refused_with_both_numbers() {
    let room = Room::with_data();
    let fit = "fit --good set/bolt/train/good -o m.patchcore --imagesize 32 --bank-rows";
    room.run(&format!("{fit} 96 --force")).succeeds();
    room.refuses(&format!("{fit} 97 --force"), 3, &["a memory bank of 97 rows", "have only 96 patches"]);
}

#[cfg(unix)]
#[test]
fn case_30_links_are_left_out_with_a_warning_and_never_followed_in_a_circle() {
    use std::os::unix::fs::symlink;
    let room = Room::with_model();
    let good = room.path("set/bolt/test/good");
    symlink(room.path("set/bolt/test"), good.join("again")).unwrap();
    symlink("nowhere.png", good.join("gone.png")).unwrap();
    symlink("loop.png", good.join("loop.png")).unwrap();
    symlink(room.path("set/nut/test/good/000.png"), good.join("out.png")).unwrap();
    let left_out = ["again", "gone.png", "loop.png", "out.png"]
        .map(|name| format!("warning: set/bolt/test/good/{name}: a link, left out"));
    let run = room.run("predict bolt.patchcore set/bolt/test/good");
    assert_eq!((run.code, run.stdout.lines().count()), (0, 2), "{}", run.stderr);
    assert_eq!(run.stderr.lines().collect::<Vec<_>>(), left_out);
    let run = room.run("fit --good set/bolt/test/good -o m.patchcore --imagesize 32 --bank-rows 9");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(left_out.iter().all(|line| run.stderr.contains(line)), "{}", run.stderr);
    // In a data set, whose results others compare, nothing is left out in silence.
    room.refuses(
        "evaluate bolt.patchcore --dataset set --category bolt -o results",
        3,
        &[
            "set/bolt: 4 problems",
            "test/good/again: a link that is broken, leads out",
            "test/good/loop.png: a link",
        ],
    );
}

/// Each of them would make a reader wait for ever, or read for ever.
#[cfg(unix)]
#[test]
fn case_30_pipes_sockets_and_devices_are_left_out_and_never_opened() {
    let room = Room::with_model();
    let made = |tool: &str, name: &str, kind: &[&str]| {
        let mut command = std::process::Command::new(tool);
        command.arg(room.path(name)).args(kind).output().is_ok_and(|made| made.status.success())
    };
    let good = "set/bolt/test/good";
    let pipe = format!("{good}/pipe.png");
    assert!(made("mkfifo", &pipe, &[]));
    let mut names = vec!["pipe.png"];
    // Not every path is short enough for a socket.
    if std::os::unix::net::UnixListener::bind(room.path(format!("{good}/socket.png"))).is_ok() {
        names.push("socket.png");
    }
    // Only root makes devices.
    if made("mknod", &format!("{good}/endless.png"), &["c", "1", "5"]) {
        names.insert(0, "endless.png");
    }
    let warnings: Vec<String> = names
        .iter()
        .map(|name| format!("warning: {good}/{name}: a pipe, socket or device, left out"))
        .collect();
    let run = room.run(&format!("predict bolt.patchcore {good}"));
    assert_eq!((run.code, run.stdout.lines().count()), (0, 2), "{}", run.stderr);
    assert_eq!(run.stderr.lines().collect::<Vec<_>>(), warnings);
    let run = room.run(&format!("fit --good {good} -o m.patchcore --imagesize 32 --bank-rows 9"));
    assert_eq!(run.code, 0, "{}", run.stderr);

    let problems = format!("set/bolt: {} problems", names.len());
    let pipe_in_set = format!("{pipe}: a pipe, socket or device with the name of a picture");
    room.refuses("evaluate bolt.patchcore --dataset set --category bolt", 3, &[&problems, &pipe_in_set]);
    let named = "not a regular file but a pipe, socket or device";
    room.refuses(&format!("predict bolt.patchcore {pipe}"), 7, &[&pipe, named]);
    fs::rename(room.path(&pipe), room.path("list.csv")).unwrap();
    room.refuses("dataset inspect list.csv --layout manifest", 3, &["list.csv: ", named]);
    room.refuses("fit --good set/bolt/train/good --drop list.csv -o x.patchcore", 5, &["list.csv: ", named]);
}

/// Names of one empty file: what is read of them is that they are empty.
#[test]
fn case_31_a_folder_of_many_files_is_walked_in_order() {
    let room = Room::with_model();
    let count = many(20_000);
    room.write("first.png", "");
    fs::create_dir(room.path("many")).unwrap();
    let name = |i: usize| format!("many/{:07}.png", (i * 7919 + 13) % count);
    for i in 0..count {
        // A file has at most so many names.
        if i % 20_000 == 19_999 {
            fs::remove_file(room.path("first.png")).unwrap();
            room.write("first.png", "");
        }
        fs::hard_link(room.path("first.png"), room.path(name(i))).unwrap();
    }
    let run = room.run("predict bolt.patchcore many --format csv");
    let run = run.fails(
        7,
        &[&format!("{count} of {count} pictures"), &format!("... and {} more; --json lists all", count - 20)],
    );
    let paths: Vec<&str> = run.stdout.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(paths.len(), count);
    assert!(paths.is_sorted());
    let run = room.refuses(FIT, 3, &[&format!("{count} of {count} pictures cannot be used")]);
    assert!(run.stderr.lines().count() < 30, "{}", run.stderr);
}

/// Folders in folders, built from short pieces, since no path names the deepest of them. They take a shell to remove.
#[cfg(unix)]
#[test]
fn case_31_folders_nested_5000_deep_are_refused_at_once() {
    let room = Room::with_model();
    let piece = vec!["d"; 500].join("/");
    fs::create_dir_all(room.path("deep").join(&piece)).unwrap();
    for _ in 1..10 {
        fs::create_dir_all(room.path("more").join(&piece)).unwrap();
        fs::rename(room.path("deep"), room.path("more").join(&piece).join("d")).unwrap();
        fs::rename(room.path("more"), room.path("deep")).unwrap();
    }
    room.copy("set/bolt/test/good/000.png", "deep/000.png");
    let refused = |line: &str| {
        let run = room.run(line).fails(3, &["deep/d/d/d/d", "nested too deep"]);
        assert!(run.stderr.len() < 400, "{}", run.stderr);
    };
    refused("predict bolt.patchcore deep");
    refused("fit --good deep -o part.patchcore");
    room.copy("set/bolt/train/good/000.png", "deep/train/good/000.png");
    room.run("fit --dataset deep -o part.patchcore --imagesize 32 --bank-rows 9").succeeds();
    refused("dataset inspect deep");
    remove(&room.path("deep"));
}

/// Removes folders of any depth.
#[cfg(unix)]
fn remove(folder: &Path) {
    assert!(std::process::Command::new("rm").arg("-rf").arg(folder).status().unwrap().success());
}

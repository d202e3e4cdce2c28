//! Ctrl-C and SIGTERM.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use patchcore::Fitted;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use support::Room;

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

fn start(room: &Room, line: &str) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
    command.current_dir(room.path(".")).args(line.split(' ')).env("RAYON_NUM_THREADS", "2");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn send(signal: i32, child: &Child) {
    let words = [format!("-{signal}"), child.id().to_string()];
    Command::new("kill").args(words).stderr(Stdio::null()).status().unwrap();
}

/// Sends a signal as soon as the model's temporary file lies in the folder: while it is being written, or just after.
#[test]
fn case_68_a_signal_leaves_the_old_or_the_new_model_whole() {
    let room = Room::with_data();
    let line = "fit --good set/bolt/train/good -o m.patchcore --force --imagesize 96 --sampler identity";
    room.run(line).succeeds();
    for signal in [SIGINT, SIGTERM].repeat(8) {
        let mut child = start(&room, line);
        // The model, the data set, the mark of the claim.
        while room.names(".").len() < 4 && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        send(signal, &child);
        let status = child.wait().unwrap();
        assert!(status.success() || status.signal() == Some(signal), "{status}");
        assert_eq!(room.names("."), ["m.patchcore", "set"]);
        room.run("inspect m.patchcore").succeeds();
    }
}

/// Long before anything is written: the signal ends the program and nothing is there.
#[test]
fn case_68_a_signal_during_the_work_ends_it() {
    let room = Room::with_data();
    let line = "bench coreset --good set/bolt/train/good --rounds 1000 --bank-rows 2000";
    for signal in [SIGINT, SIGTERM] {
        let mut child = start(&room, line);
        // Again and again: where the parent ignores the signal, the program hears it only once it listens.
        let ended = loop {
            send(signal, &child);
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
        };
        assert_eq!(ended.signal(), Some(signal));
    }
    assert_eq!(room.names("."), ["set"]);
}

/// Every file below a folder.
fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, all) } else { all.push(path) }
    }
}

/// Whether a file is complete, as far as its form tells.
fn is_whole(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap();
    let text = || String::from_utf8_lossy(&bytes);
    match path.extension().unwrap().to_str().unwrap() {
        "png" => image::load_from_memory(&bytes).is_ok(),
        "tiff" => tiff::decoder::Decoder::new(std::io::Cursor::new(&bytes))
            .is_ok_and(|mut file| file.read_image().is_ok()),
        "json" => serde_json::from_str::<serde_json::Value>(&text()).is_ok(),
        "html" => text().trim_end().ends_with("</html>"),
        "csv" => text().ends_with('\n'),
        "patchcore" => Fitted::load(path).is_ok(),
        other => panic!("{}: who writes .{other}?", path.display()),
    }
}

/// Signals at drawn moments of everything that writes several files.
#[test]
fn case_68_at_any_moment_whatever_has_its_name_is_whole() {
    let room = Room::with_model();
    let mut random = 7_u32;
    let (mut stopped, mut done) = (0, 0);
    for line in [
        "fit --good set/bolt/train/good -o out/m.patchcore --report out/m.html --imagesize 32 --bank-rows 9",
        "predict bolt.patchcore set/bolt/test -o out",
        "evaluate bolt.patchcore --dataset set --category bolt -o out",
    ] {
        let fresh = || {
            let _ = std::fs::remove_dir_all(room.path("out"));
            std::fs::create_dir(room.path("out")).unwrap();
        };
        fresh();
        let begun = Instant::now();
        assert!(start(&room, line).wait().unwrap().success());
        let whole_time = begun.elapsed();
        for signal in [SIGINT, SIGTERM].repeat(10) {
            fresh();
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let moment = Instant::now() + whole_time.mul_f64(f64::from(random >> 8) / f64::from(1 << 24));
            let mut child = start(&room, line);
            while Instant::now() < moment {
                std::thread::yield_now();
            }
            send(signal, &child);
            let status = child.wait().unwrap();
            assert!(status.success() || status.signal() == Some(signal), "{line}: {status}");
            if status.success() {
                done += 1;
            } else {
                stopped += 1;
            }
            let mut found = Vec::new();
            files(&room.path("out"), &mut found);
            for path in &found {
                assert!(!path.to_string_lossy().contains(".partial-"), "{}", path.display());
                assert!(is_whole(path), "{line}: {}", path.display());
            }
        }
    }
    assert!(stopped > done, "{stopped} were stopped, {done} were done before");
}

/// The first signal waits for a disk that does not answer; the second does not.
#[test]
fn case_68_a_second_signal_ends_the_program_at_once() {
    let room = Room::with_data();
    let line = "bench coreset --good set/bolt/train/good --rounds 1000 --bank-rows 2000";
    for signal in [SIGINT, SIGTERM] {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
        command
            .current_dir(room.path("."))
            .args(line.split(' '))
            .env("PATCHCORE_FAULT", "signal.clean=error");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while caught_signals(child.id()) & (1 << (signal - 1)) == 0 {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it was stopped");
            std::thread::yield_now();
        }
        // The thread that cleans up sleeps for good.
        let mut sent = 0;
        let ended = loop {
            send(signal, &child);
            sent += 1;
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
        };
        assert_eq!(ended.signal(), Some(signal));
        assert!(sent > 1, "the first was not waited for");
    }
}

/// The signals that a process has a handler for, as bits.
fn caught_signals(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.map_or(0, |bits| u64::from_str_radix(bits.trim(), 16).unwrap())
}

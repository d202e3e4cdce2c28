//! Ctrl-C and SIGTERM.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use support::Room;

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

fn start(room: &Room, line: &str) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
    command.current_dir(room.path(".")).args(line.split(' ')).stdout(Stdio::null()).spawn().unwrap()
}

/// Sends a signal as soon as something other than the data set lies in the folder: while the model is being written, or
/// just after.
#[test]
fn a_signal_leaves_the_old_or_the_new_model_whole() {
    let room = Room::with_data();
    let line = "fit --good set/bolt/train/good -o m.patchcore --force --imagesize 96 --sampler identity";
    room.run(line).succeeds();
    for signal in [SIGINT, SIGTERM].repeat(8) {
        let mut child = start(&room, line);
        while room.names(".").len() == 2 && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let id = child.id().to_string();
        Command::new("kill").args([&format!("-{signal}"), &id]).stderr(Stdio::null()).status().unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() || status.signal() == Some(signal), "{status}");
        assert_eq!(room.names("."), ["m.patchcore", "set"]);
        room.run("inspect m.patchcore").succeeds();
    }
}

/// Long before anything is written: the signal ends the program and nothing is there.
#[test]
fn a_signal_during_the_work_ends_it() {
    let room = Room::with_data();
    let line = "bench coreset --good set/bolt/train/good --rounds 1000 --bank-rows 2000";
    for signal in [SIGINT, SIGTERM] {
        let mut child = start(&room, line);
        let (word, id) = (format!("-{signal}"), child.id().to_string());
        // Again and again: where the parent ignores the signal, the program hears it only once it listens.
        let ended = loop {
            Command::new("kill").args([&word, &id]).status().unwrap();
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
        };
        assert_eq!(ended.signal(), Some(signal));
    }
    assert_eq!(room.names("."), ["set"]);
}

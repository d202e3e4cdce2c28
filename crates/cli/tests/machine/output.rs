//! Outputs that nobody reads, or that are full.

use crate::Ended;
use crate::support::Room;
use std::process::{Command, Stdio};

const LINES: [&str; 9] = [
    "--help",
    "--version",
    "fit --help",
    "inspect bolt.patchcore",
    "inspect bolt.patchcore --json",
    "predict bolt.patchcore set/bolt/test",
    "predict bolt.patchcore set/bolt/test --format csv",
    "evaluate bolt.patchcore --dataset set --category bolt",
    "weights list",
];

fn command(room: &Room, line: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
    command.current_dir(room.path(".")).args(line.split_whitespace());
    command.env("PATCHCORE_WEIGHTS", room.path("cache")).stderr(Stdio::piped());
    command
}

/// As in `patchcore ... | head -0`.
#[test]
fn case_69_a_reader_that_goes_away_ends_the_program_quietly() {
    let room = Room::with_model();
    for line in LINES {
        let mut child = command(&room, line).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let run = Ended::of(line, &child.wait_with_output().unwrap()).ends(&[0], &[]);
        assert_eq!(run.stderr, "", "{line}");
    }
}

#[test]
fn case_69_a_full_output_is_an_error() {
    let room = Room::with_model();
    for line in LINES {
        let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
        let run = Ended::of(line, &command(&room, line).stdout(full()).output().unwrap());
        run.ends(&[5], &["E005", "standard output: "]);
        // Nobody can be told anything then.
        let silent = command(&room, line).stdout(full()).stderr(full()).output().unwrap();
        Ended::of(line, &silent).ends(&[5], &[]);
    }
    let fit = "fit --good set/bolt/train/good -o new.patchcore";
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    Ended::of(fit, &command(&room, fit).stdout(full).output().unwrap()).ends(&[5], &["standard output"]);
}

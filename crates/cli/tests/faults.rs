//! A step of the program that fails never leads to the verdict "ok".
//!
//! The program that tests run lets its steps fail as the environment variable says; the one that users have does not know it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use std::process::Output;
use support::{Room, texts};

/// Runs the program on one thread with a fault.
fn run(room: &Room, fault: &str, line: &str) -> Output {
    let mut command = room.command();
    command.env("PATCHCORE_FAULT", fault).args(line.split(' ')).args(["--threads", "1"]);
    command.output().unwrap()
}

fn records(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn stderr(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked at"), "{text}");
    text
}

/// Every step of a picture, from its bytes to its files.
const STEPS: [&str; 9] =
    ["decode", "resize", "backbone", "embed", "search", "score", "threshold", "map", "encode"];

/// The second of three good parts meets the fault: it is not ok, the others are, and the exit code tells.
#[test]
fn a_fault_at_any_step_is_never_ok() {
    let room = Room::with_model();
    for i in 0..3 {
        room.copy(format!("set/bolt/test/good/00{}.png", i % 2), format!("new/{i}.png"));
    }
    let line = "predict bolt.patchcore new --json -o out --force";
    assert_eq!(texts(&records(&run(&room, "", line)), "verdict"), ["ok"; 3]);
    for step in STEPS {
        for kind in ["error", "nan", "panic"] {
            // A picture has two feature maps and three files; thresholds are asked for once, before them all.
            let call = match step {
                "backbone" => 3,
                "encode" => 5,
                "threshold" => 1,
                _ => 2,
            };
            let fault = format!("{step}={kind}@{call}");
            let output = run(&room, &fault, line);
            let (code, stderr, records) = (output.status.code(), stderr(&output), records(&output));
            let verdicts = texts(&records, "verdict");
            match (step, kind) {
                ("threshold", "panic") => assert_eq!((code, verdicts.len()), (Some(70), 0), "{fault}"),
                ("threshold", _) => assert_eq!(verdicts, ["review"; 3], "{fault}"),
                _ => {
                    // A panic of a decoder is the file's fault.
                    let expected = if kind == "panic" && step != "decode" { 70 } else { 7 };
                    let told = (code, &verdicts[..]);
                    assert_eq!(told, (Some(expected), &["ok", "invalid", "ok"][..]), "{fault}\n{stderr}");
                    assert!(stderr.contains("new/1.png: "), "{fault}\n{stderr}");
                    assert!(records[1]["error"].is_string(), "{fault}");
                }
            }
        }
    }
}

/// No model is made, and an old one stays, when a step fails.
#[test]
fn nothing_is_fitted_or_calibrated_on_a_fault() {
    let room = Room::with_model();
    let model = room.read("bolt.patchcore");
    for line in [
        "fit --good set/bolt/train/good -o bolt.patchcore --force --imagesize 32",
        "calibrate bolt.patchcore --good set/bolt/test/good --force",
    ] {
        for step in STEPS.into_iter().filter(|step| !["threshold", "encode"].contains(step)) {
            for kind in ["nan", "panic"] {
                let output = run(&room, &format!("{step}={kind}@2"), line);
                assert!(![0, 1].contains(&output.status.code().unwrap()), "{line} {step}={kind}");
                assert!(
                    stderr(&output).starts_with("error[E0") || stderr(&output).contains("\nerror[E0"),
                    "{step}"
                );
                assert!(room.read("bolt.patchcore") == model, "{line} {step}={kind}");
            }
        }
    }
}

/// Figures that leave out a failed picture would flatter.
#[test]
fn nothing_is_evaluated_with_a_fault() {
    let room = Room::with_model();
    let line = "evaluate bolt.patchcore --dataset set --category bolt -o results --force";
    for step in STEPS.into_iter().filter(|step| *step != "threshold") {
        for kind in ["nan", "panic"] {
            let output = run(&room, &format!("{step}={kind}@2.."), line);
            let code = output.status.code().unwrap();
            assert!(![0, 1].contains(&code), "{step}={kind}: {code}\n{}", stderr(&output));
        }
    }
}

//! Cases 63 and 64: each call of the disk fails, one after the other, in the program itself.

use crate::support::{Room, Run, default_model, tiny_model};
use patchcore::Fitted;
use serde_json::Value;

const ENOSPC: i32 = 28;
const EIO: i32 = 5;
const EINTR: i32 = 4;
const STEPS: [&str; 5] = ["disk.create", "disk.write", "disk.flush", "disk.rename", "disk.flush_folder"];

/// Runs `line` with `fault` at the first call of `step`, then at the second, and so on until a run meets none; `check` sees
/// every run that met one. `again` makes the room anew before each.
fn at_every_call(
    room: &Room,
    (step, fault): (&str, &str),
    line: &str,
    again: impl Fn(&Room),
    check: impl Fn(Run),
) -> usize {
    let (at, for_ever) = fault.split_once("..").map_or((fault, ""), |(at, _)| (at, ".."));
    for call in 1.. {
        again(room);
        let plan = format!("{step}={at}@{call}{for_ever}");
        let run = room.run_with_fault(line, &plan);
        assert!(!run.stderr.contains("panicked at"), "{plan}: {}", run.stderr);
        if run.code == 0 {
            return call - 1;
        }
        check(run);
    }
    unreachable!("calls are finite")
}

fn is_partial(name: &str) -> bool {
    name.starts_with(".partial-")
}

#[test]
fn case_63_and_64_a_model_is_old_or_new_whichever_call_fails() {
    let room = Room::with_data();
    let line =
        "fit --good set/bolt/train/good -o m.patchcore --report m.html --force --imagesize 32 --bank-rows 9";
    for step in STEPS {
        for fault in [format!("{ENOSPC}"), format!("{EIO}..")] {
            let renew = |room: &Room| {
                room.write("m.patchcore", tiny_model());
                for name in ["m.html", "m.json"] {
                    room.write(name, "old");
                }
            };
            let calls = at_every_call(&room, (step, &fault), line, renew, |run| {
                let full = fault == format!("{ENOSPC}");
                run.fails(5, if full { &["no space left: need ~"] } else { &["os error 5"] });
                let model = room.read("m.patchcore");
                let new = Fitted::load(&room.path("m.patchcore")).unwrap().members[0].bank.len() == 9;
                assert!(new || model == tiny_model(), "{step}");
                for name in ["m.html", "m.json"] {
                    let text = room.text(name);
                    let whole =
                        text.trim_end().ends_with("</html>") || serde_json::from_str::<Value>(&text).is_ok();
                    assert!(text == "old" || whole, "{step}: {name}");
                }
                assert!(
                    !room.names(".").iter().any(|name| is_partial(name)),
                    "{step}: {:?}",
                    room.names(".")
                );
            });
            assert!(
                calls >= 3,
                "{step} is called for a model and the two files of a report, not {calls} times"
            );
        }
    }
}

#[test]
fn case_63_the_message_names_the_bytes_and_the_old_model_is_intact() {
    let room = Room::with_model();
    let line = "fit --good set/bolt/train/good -o bolt.patchcore --force";
    for plan in ["disk.create=28", "disk.write=28", "disk.flush=28", "disk.rename=28", "disk.write=28@1.."] {
        let run = room.run_with_fault(line, plan);
        let need = default_model().len().div_ceil(100_000) as f64 / 10.0;
        run.fails(5, &[&format!("bolt.patchcore: no space left: need ~{need:.1} MB")]);
        assert_eq!(room.read("bolt.patchcore"), default_model());
        assert_eq!(room.names("."), ["bolt.patchcore", "set"]);
    }
}

#[test]
fn case_64_short_and_interrupted_writes_change_nothing() {
    let room = Room::with_data();
    let line = "fit --good set/bolt/train/good -o m.patchcore --force --imagesize 32 --bank-rows 9";
    room.run(line).succeeds();
    let whole = room.read("m.patchcore");
    for plan in ["disk.write=short@1..", "disk.write=4@1", "disk.write=short@1; disk.write=4@2"] {
        room.write("m.patchcore", "old");
        assert_eq!(room.run_with_fault(line, plan).code, 0, "{plan}");
        assert_eq!(room.read("m.patchcore"), whole, "{plan}");
    }
    room.run_with_fault(line, &format!("disk.write={EINTR}@1..")).fails(5, &["m.patchcore: cannot write it"]);
    assert_eq!(room.read("m.patchcore"), whole);
}

/// A file that could not be removed is there until the next run.
#[test]
fn case_64_a_temporary_file_that_stays_is_removed_by_the_next_run() {
    let room = Room::with_data();
    let line = "fit --good set/bolt/train/good -o m.patchcore --force --imagesize 32 --bank-rows 9";
    room.run_with_fault(line, "disk.flush=5; disk.remove=5").fails(5, &["cannot flush it to disk"]);
    assert_eq!(room.names(".").iter().filter(|name| is_partial(name)).count(), 1);
    room.run(line).succeeds();
    assert_eq!(room.names("."), ["m.patchcore", "set"]);
}

/// Pictures have their verdict; the files that could not be written are named, and the others are there.
#[test]
fn case_63_and_64_predictions_are_told_whichever_call_fails() {
    let room = Room::with_model();
    let line = "predict bolt.patchcore set/bolt/test/*/000.png -o out --force --json";
    for (step, fault) in [("disk.write", "28"), ("disk.rename", "5"), ("disk.flush", "5..")] {
        let renew = |room: &Room| drop(std::fs::remove_dir_all(room.path("out")));
        let calls = at_every_call(&room, (step, fault), line, renew, |run| {
            assert_eq!(run.code, 7, "{}", run.stderr);
            let records = run.json_lines();
            assert_eq!(records.len(), 2);
            for record in &records {
                let missing = ["overlay", "heat_map", "raw_map"].iter().any(|file| record[file].is_null());
                assert_eq!(missing, record.get("error").is_some(), "{record}");
                assert!(!missing || record["verdict"] != "ok", "{record}");
                for file in ["overlay", "heat_map", "raw_map"].iter().filter_map(|f| record[f].as_str()) {
                    assert!(room.path(file).is_file());
                }
            }
            let written = records.iter().flat_map(|r| [&r["overlay"], &r["heat_map"], &r["raw_map"]]);
            let written = written.filter(|file| file.is_string()).count();
            let names = room.names("out/good").len() + room.names("out/dent").len();
            assert_eq!(names, written, "{step}: nothing else is there");
        });
        assert_eq!(calls, 6, "three files for each of two pictures");
    }
}

/// A pair of files is there, or neither.
#[test]
fn case_63_and_64_an_export_is_whole_or_not_there_whichever_call_fails() {
    let room = super::refused::room_with_original();
    let line = "export flat.patchcore --format reference -o out";
    for step in STEPS {
        for fault in ["28", "5"] {
            let renew = |room: &Room| drop(std::fs::remove_dir_all(room.path("out")));
            let calls = at_every_call(&room, (step, fault), line, renew, |run| {
                run.fails(5, &[if fault == "28" { "No space left" } else { "os error 5" }]);
                assert_eq!(std::fs::read_dir(room.path("out")).map_or(0, Iterator::count), 0, "{step}");
            });
            assert!(calls >= 2, "{step}: {calls}");
            assert_eq!(room.names("out").len(), 2);
        }
    }
}

#[test]
fn case_63_and_64_an_evaluation_is_told_whichever_call_fails() {
    let room = Room::with_model();
    let line = "evaluate bolt.patchcore --dataset set --category bolt -o out --force";
    let told = room.run(line).succeeds().stdout;
    for (step, fault) in [("disk.write", "28"), ("disk.rename", "5")] {
        let renew = |room: &Room| drop(std::fs::remove_dir_all(room.path("out")));
        let calls = at_every_call(&room, (step, fault), line, renew, |run| {
            assert!([5, 7].contains(&run.code), "{}", run.stderr);
            let word = if fault == "28" { "no space left: need ~" } else { "os error 5" };
            assert!(run.stderr.contains("out/") && run.stderr.contains(word), "{}", run.stderr);
            assert_eq!(run.stdout, told);
            let top = room.names("out");
            let sheets = room.names("out/bolt/good").len() + room.names("out/bolt/dent").len();
            // All but one: a sheet, a table or a part of the report.
            assert_eq!((top.len(), sheets), if run.code == 7 { (5, 3) } else { (4, 4) }, "{top:?}");
            assert!(!top.iter().any(|name| is_partial(name)), "{top:?}");
        });
        assert_eq!(calls, 8, "four sheets, two tables, a report in two forms");
    }
}

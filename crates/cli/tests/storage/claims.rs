//! Case 67: two programs and one output.

use crate::support::{Room, tiny_model};
use patchcore::Fitted;
use std::process::{Child, Command, Stdio};

const FIT: &str = "fit --good set/bolt/train/good -o m.patchcore --force";
const MARK: &str = ".partial-m.patchcore.lock";

fn start(room: &Room, line: &str) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
    command.current_dir(room.path(".")).args(line.split(' ')).env("RAYON_NUM_THREADS", "1");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// Waits until the first says whose the output is, and holds it there.
fn stopped_at_work(room: &Room) -> Child {
    let mut first = start(room, FIT);
    while std::fs::read(room.path(MARK)).map_or(0, |text| text.len()) == 0 {
        assert!(first.try_wait().unwrap().is_none(), "it ended before it was seen at work");
        std::thread::yield_now();
    }
    send("-STOP", &first);
    first
}

#[test]
fn case_67_the_second_is_refused_before_any_work_and_a_dead_first_hinders_nobody() {
    let room = Room::with_data();
    room.write("m.patchcore", tiny_model());
    let mut first = stopped_at_work(&room);
    let words = [&*format!("m.patchcore: in use by pid {}", first.id()), "hint: wait"];
    room.run(FIT).fails(5, &words);
    // Before any work: what is wrong with the rest is not seen.
    for line in [
        "fit --good nowhere -o m.patchcore --force",
        "fit --good nowhere -o set/../m.patchcore --force",
        "calibrate nothing --good nowhere -o m.patchcore --force",
        "import nothing -o m.patchcore --force",
        "predict nothing nowhere --coco m.patchcore --force",
        "dataset manifest nowhere -o m.patchcore.csv --force",
    ] {
        let run = room.run(line);
        if line.contains(".csv") {
            run.fails(3, &["nowhere"]);
        } else {
            run.fails(5, &[&*format!("m.patchcore: in use by pid {}", first.id())]);
        }
    }
    assert_eq!(room.read("m.patchcore"), tiny_model());
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(room.names("."), [MARK, "m.patchcore", "set"]);
    room.run(&format!("{FIT} --imagesize 32 --bank-rows 9")).succeeds();
    assert_eq!(room.names("."), ["m.patchcore", "set"]);
    assert_eq!(Fitted::load(&room.path("m.patchcore")).unwrap().members[0].bank.len(), 9);
}

#[test]
fn case_67_a_signal_frees_the_output() {
    let room = Room::with_data();
    for signal in ["-INT", "-TERM"] {
        let mut first = stopped_at_work(&room);
        send(signal, &first);
        send("-CONT", &first);
        first.wait().unwrap();
        assert_eq!(room.names("."), ["set"]);
    }
}

/// All that start at once: one at least fits, the others fit after it or are refused.
#[test]
fn case_67_of_several_at_once_the_output_is_ones_whole() {
    let room = Room::with_data();
    for _ in 0..4 {
        let lines = [4, 5, 6].map(|rows| format!("{FIT} --imagesize 32 --bank-rows {rows}"));
        let mut all = lines.each_ref().map(|line| start(&room, line));
        let codes = all.each_mut().map(|child| child.wait().unwrap().code());
        assert!(
            codes.contains(&Some(0)) && codes.iter().all(|c| [Some(0), Some(5)].contains(c)),
            "{codes:?}"
        );
        let rows = Fitted::load(&room.path("m.patchcore")).unwrap().members[0].bank.len();
        assert!((4..=6).any(|n| n == rows && codes[n - 4] == Some(0)), "{rows} rows, but {codes:?}");
        assert_eq!(room.names("."), ["m.patchcore", "set"]);
    }
}

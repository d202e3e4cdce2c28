//! Case 65: a writer that is killed at any moment. `PATCHCORE_KILLS=10000` makes it the long count.

use crate::support::Room;
use patchcore::Fitted;
use patchcore_files::write_atomic;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Tells a copy of this test that it is the writer, and how it writes.
const WRITER: &str = "PATCHCORE_TEST_WRITER";
const READY: &str = "the writer writes";
const MODEL: &str = "m.patchcore";
const USUAL_KILLS: u32 = 100;
/// A kill comes so soon after the first save.
const LATEST: Duration = Duration::from_millis(8);

/// Saves the one model and the other in turn, until it is killed.
fn write_for_ever(how: &str) -> ! {
    let models = ["a", "b"].map(|name| std::fs::read(name).unwrap());
    eprintln!("{READY}");
    for model in models.iter().cycle() {
        if how == "atomic" {
            write_atomic(Path::new(MODEL), model, true).unwrap();
        } else {
            let mut file = std::fs::File::create(MODEL).unwrap();
            model.chunks(4096).for_each(|part| file.write_all(part).unwrap());
        }
    }
    unreachable!("the cycle has no end")
}

#[derive(Debug, Default)]
struct Found {
    /// Kills that left a temporary file: in the middle of a save.
    in_mid_save: u32,
    /// Kills after which the file was neither model.
    torn: u32,
    /// Temporary files at once, at most.
    most_left: usize,
}

/// Kills the writer `kills` times, and looks at the model each time.
fn kill_writers(room: &Room, test: &str, how: &str, kills: u32) -> Found {
    let models = ["a", "b"].map(|name| room.read(name));
    let mut found = Found::default();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..kills {
        let mut writer = Command::new(std::env::current_exe().unwrap());
        writer.args(["--exact", test, "--nocapture"]).env(WRITER, how).current_dir(room.path("."));
        let mut writer = writer.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(writer.stderr.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap() == READY), "the writer did not begin");
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let moment = Instant::now() + LATEST.mul_f64((random >> 40) as f64 * 2f64.powi(-24));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let left = room.names(".").iter().filter(|name| name.starts_with(".partial-")).count();
        found.in_mid_save += u32::from(left > 0);
        found.most_left = found.most_left.max(left);
        let loads = Fitted::load(&room.path(MODEL)).is_ok();
        let whole = models.contains(&room.read(MODEL));
        assert_eq!(loads, whole, "the loader takes whole models and no others");
        found.torn += u32::from(!whole);
    }
    found
}

/// A model of some megabytes, and another one to take its place.
fn room() -> Room {
    let room = Room::with_data();
    for (name, category) in [("a", "bolt"), ("b", "nut"), (MODEL, "bolt")] {
        room.run(&format!("fit --dataset set --category {category} --sampler identity -o {name}")).succeeds();
    }
    room
}

#[test]
fn case_65_killed_at_any_moment_the_old_or_the_new_model_is_there() {
    if let Ok(how) = std::env::var(WRITER) {
        write_for_ever(&how);
    }
    let kills = std::env::var("PATCHCORE_KILLS").map_or(USUAL_KILLS, |text| text.parse().unwrap());
    let (test, room) = ("kill::case_65_killed_at_any_moment_the_old_or_the_new_model_is_there", room());
    let start = Instant::now();
    let found = kill_writers(&room, test, "atomic", kills);
    println!("{kills} kills in {:.0} s: {found:?}", start.elapsed().as_secs_f64());
    assert_eq!(found.torn, 0);
    // Half of them and more; of a few kills, fewer by chance.
    let least = if kills < 1000 { kills / 3 } else { kills / 2 };
    assert!(found.in_mid_save >= least, "the moments must be such that count: {found:?}");
    assert!(found.most_left <= 1, "the next writer removes what a dead one left: {found:?}");
    write_atomic(&room.path(MODEL), &room.read("a"), true).unwrap();
    assert_eq!(room.names("."), ["a", "b", MODEL, "set"]);

    // The same kills find a writer that does without all this.
    let found = kill_writers(&room, test, "in place", USUAL_KILLS);
    println!("in place, {USUAL_KILLS} kills: {found:?}");
    assert!(found.torn > 0, "{found:?}");
}

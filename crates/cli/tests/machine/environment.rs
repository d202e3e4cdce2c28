//! Clocks, languages, homes and networks that are odd or not there.

use crate::Ended;
use crate::support::Room;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// What a fit and a prediction give: the model, the output, the files.
fn results(room: &Room, change: impl Fn(&mut Command)) -> Vec<Vec<u8>> {
    let run = |line: &str| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
        command.current_dir(room.path(".")).args(line.split_whitespace());
        change(&mut command);
        let run = Ended::of(line, &command.output().unwrap()).ends(&[0], &[]);
        run.stdout.into_bytes()
    };
    // It says how long it took; what it wrote is compared below.
    run(
        "fit --good set/bolt/train/good -o new.patchcore --force --imagesize 96 --bank-rows 50 --report new.html",
    );
    let mut all = vec![
        run("predict new.patchcore set/bolt/test/good -o out --force --regions --json"),
        run("inspect new.patchcore"),
        run("evaluate new.patchcore --dataset set --category bolt"),
    ];
    all.extend(["new.patchcore", "new.html", "new.json"].map(|name| room.read(name)));
    all.extend(room.names("out").iter().map(|name| room.read(format!("out/{name}"))));
    all
}

#[test]
fn case_72_clock_language_home_and_network_change_nothing() {
    let room = Room::with_data();
    let expected = results(&room, |_| ());
    assert!(expected.len() > 10 && expected.iter().all(|bytes| !bytes.is_empty()));
    let same = |what: &str, change: &dyn Fn(&mut Command)| {
        let found = results(&room, change);
        let differ = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert_eq!((differ, found.len()), (None, expected.len()), "{what}");
    };
    for language in ["de_DE.UTF-8", "tr_TR.UTF-8", "no such language \u{1b}[31m"] {
        same(language, &|c| {
            c.env("LANG", language).env("LC_ALL", language).env("LC_NUMERIC", language);
        });
    }
    for zone in ["Antarctica/Troll", "XYZ+99", ":/dev/zero"] {
        same(zone, &|c| {
            c.env("TZ", zone);
        });
    }
    same("HOME unset", &|c| {
        c.env_remove("HOME").env_remove("XDG_CACHE_HOME");
    });
    same("no environment at all", &|c| {
        c.env_clear();
    });
    same("no temporary folder", &|c| {
        c.env("TMPDIR", "/no/such/folder");
    });
    // Pictures from before the epoch of files and from the future.
    for when in [SystemTime::UNIX_EPOCH, SystemTime::now() + Duration::from_secs(3 << 30)] {
        for name in room.names("set/bolt/train/good") {
            let path = room.path(format!("set/bolt/train/good/{name}"));
            std::fs::File::options().write(true).open(path).unwrap().set_modified(when).unwrap();
        }
        same("other times of files", &|_| ());
    }
}

/// In a network of its own, where there is nothing but an interface that is down; where the machine allows that.
#[test]
fn case_72_nothing_but_fetch_asks_for_a_network() {
    let room = Room::with_model();
    let program = assert_cmd::cargo::cargo_bin!("patchcore");
    let line = "predict bolt.patchcore set/bolt/test";
    let expected = room.run(line).succeeds().stdout;
    let mut alone = Command::new("unshare");
    alone.args(["--user", "--net", "--"]).arg(program).args(line.split_whitespace());
    match alone.current_dir(room.path(".")).output() {
        Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("unshare") => {
            assert_eq!(Ended::of(line, &output).ends(&[0], &[]).stdout, expected);
        }
        _ => println!("skipped: unshare is missing, or not allowed here"),
    }
}

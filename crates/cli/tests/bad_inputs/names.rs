//! File names that break programs.

use crate::support::{Room, texts};

#[test]
fn case_32_spaces_dashes_and_brackets_are_ordinary() {
    let room = Room::with_model();
    for name in ["a b.png", "-rf.png", "x[1].png", "Prüfling 部品.png"] {
        room.copy("set/bolt/test/good/000.png", format!("my parts/{name}"));
    }
    let run = room.run_words(["predict", "bolt.patchcore", "my parts", "-o", "my results"]).succeeds();
    assert_eq!(run.stdout.lines().count(), 4);
    assert_eq!(room.names("my results").len(), 12);
    room.run_words(["predict", "bolt.patchcore", "my parts/x[1].png"]).succeeds();
    room.run_words(["predict", "bolt.patchcore", "--", "-rf.png"]).fails(7, &["-rf.png: "]);
    let fit = ["fit", "--good", "my parts", "-o", "my part.patchcore", "--imagesize", "32", "--json"];
    room.run_words(fit).succeeds();
    room.run_words(["inspect", "my part.patchcore"]).succeeds();
}

#[cfg(unix)]
#[test]
fn case_32_no_name_breaks_a_line_or_steers_a_terminal() {
    let room = Room::with_model();
    for name in ["a\nb.png", "\u{1b}[2J.png"] {
        room.copy("set/bolt/test/good/000.png", format!("new/{name}"));
        room.write(format!("bad/{name}"), "");
    }
    let text = room.run("predict bolt.patchcore new").succeeds().stdout;
    assert!(
        text.lines().count() == 2 && text.contains(r"new/a\nb.png") && !text.contains('\u{1b}'),
        "{text:?}"
    );
    let records = room.predict("new");
    assert_eq!(texts(&records, "path"), ["new/\u{1b}[2J.png", "new/a\nb.png"]);
    let run = room.run("predict bolt.patchcore bad").fails(7, &[r"bad/a\nb.png: empty file"]);
    assert!(!run.stderr.contains('\u{1b}') && !run.stdout.contains('\u{1b}'));
    let run = room.run("fit --good bad -o part.patchcore").fails(3, &[r"bad/a\nb.png: empty file"]);
    assert!(!run.stderr.contains('\u{1b}'));
    room.copy("set/bolt/test/good/000.png", "bad/good.png");
    let run = room.run("fit --good bad -o part.patchcore --skip-bad --imagesize 32 --bank-rows 9");
    let [note, warnings @ ..] = &run.stderr.lines().collect::<Vec<_>>()[..] else {
        panic!("{:?}", run.stderr)
    };
    assert!(
        run.code == 7
            && note.starts_with("note: will hold")
            && warnings.len() == 2
            && warnings.iter().all(|line| line.starts_with("warning: "))
            && !run.stderr.contains('\u{1b}'),
        "{:?}",
        run.stderr
    );
}

#[cfg(unix)]
#[test]
fn case_32_a_spreadsheet_finds_no_formula() {
    let room = Room::with_model();
    room.copy("set/bolt/test/good/000.png", "=cmd().png");
    room.copy("set/bolt/test/good/000.png", "a, \"b\".png");
    let words = ["predict", "bolt.patchcore", "=cmd().png", "a, \"b\".png", "--format", "csv"];
    let csv = room.run_words(words).succeeds().stdout;
    let rows: Vec<&str> = csv.lines().skip(1).collect();
    assert!(rows[0].starts_with("'=cmd().png,ok,"), "{csv}");
    assert!(rows[1].starts_with("\"a, \"\"b\"\".png\",ok,"), "{csv}");
}

#[cfg(target_os = "linux")]
#[test]
fn case_32_names_that_are_no_utf8_are_judged_and_kept_apart() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let room = Room::with_model();
    for name in [b"new/\xfe.png", b"new/\xff.png"] {
        room.copy("set/bolt/test/good/000.png", OsStr::from_bytes(name));
    }
    let records = room.predict("new -o results");
    assert_eq!(texts(&records, "verdict"), ["ok", "ok"]);
    assert_eq!(room.names("results").len(), 6);
    let listed = room.run_with_input("predict bolt.patchcore -", b"new/\xfe.png\nnew/\xff.png\n").succeeds();
    assert_eq!(listed.stdout.lines().count(), 2);
    room.run("fit --good new -o part.patchcore --imagesize 32 --bank-rows 9 --json").succeeds();
}

/// Names that mean something to a shell or to another system are names here.
#[cfg(unix)]
#[test]
fn case_73_homes_and_devices_of_other_systems_are_ordinary() {
    let room = Room::with_model();
    for name in
        ["CON.png", "nul.png", "aux", "LPT1.png", "trailing. .png", "$HOME.png", "a\\b.png", "%s%n.png"]
    {
        room.copy("set/bolt/test/good/000.png", format!("~/{name}"));
    }
    let run = room.run_words(["predict", "bolt.patchcore", "~", "-o", "~out"]).succeeds();
    // One has no ending of a picture.
    assert_eq!(run.stdout.lines().count(), 7);
    assert_eq!(room.names("~out").len(), 21);
    room.run("fit --good ~ -o ~/m.patchcore --imagesize 32 --bank-rows 9 --json").succeeds();
    assert!(room.path("~/m.patchcore").is_file());
}

/// The longest paths that there can be, and longer ones.
#[cfg(target_os = "linux")]
#[test]
fn case_73_long_paths_work_or_are_errors() {
    let room = Room::with_model();
    let name = |length: usize| "n".repeat(length);
    room.copy("set/bolt/test/good/000.png", format!("long/{}.png", name(251)));
    assert_eq!(room.predict(&format!("long/{}.png", name(251)))[0]["verdict"], "ok");
    let deep = vec![name(250); 12].join("/");
    room.copy("set/bolt/test/good/000.png", format!("{deep}/0.png"));
    assert_eq!(room.predict(&deep)[0]["verdict"], "ok");
    room.run(&format!("fit --good {deep} -o {deep}/m --imagesize 32 --bank-rows 9 --json")).succeeds();
    for length in [4095, 4096, 5000, 100_000] {
        let long = vec![name(255); length / 256 + 1].join("/");
        let long = &long[..length.min(long.len())];
        room.run(&format!("inspect {long}/x")).fails(5, &["nnn"]);
        room.run(&format!("predict bolt.patchcore {long}x/y")).fails(7, &["nnn"]);
        room.run(&format!("fit --good {long}x/y -o m")).fails(3, &["nnn"]);
        room.run(&format!("fit --good set/bolt/train/good -o {long}x/y")).fails(5, &["nnn"]);
    }
}

/// A zero byte cannot be typed, but can stand in a list.
#[test]
fn case_73_a_zero_byte_in_a_name_is_an_error() {
    let room = Room::with_model();
    let run =
        room.run_with_input("predict bolt.patchcore -", b"set/bolt/test/good/000.png\na\0b.png\n".to_vec());
    run.fails(7, &[r"a\u{0}b.png"]);
}

/// What is written of a picture has a longer name than the picture.
#[cfg(target_os = "linux")]
#[test]
fn case_32_the_longest_names_and_two_spellings_of_one_letter_are_judged_and_kept_apart() {
    let room = Room::with_model();
    let longest = ["a", "b"].map(|end| format!("{}{end}.png", "x".repeat(250)));
    let spellings = ["Pr\u{fc}fling.png".to_string(), "Pru\u{308}fling.png".to_string()];
    for name in longest.iter().chain(&spellings) {
        room.copy("set/bolt/test/good/000.png", format!("new/{name}"));
    }
    let records = room.predict("new -o results");
    assert_eq!(texts(&records, "verdict"), ["ok"; 4]);
    assert_eq!(room.names("results").len(), 12);
    for record in &records {
        assert!(room.path(record["raw_map"].as_str().unwrap()).is_file(), "{record}");
    }
    let csv = room.run("predict bolt.patchcore new --format csv").succeeds().stdout;
    assert!(longest.iter().chain(&spellings).all(|name| csv.contains(&format!("new/{name},ok,"))), "{csv}");
    for name in longest.iter().chain(&spellings) {
        room.copy("set/bolt/test/good/000.png", format!("set/bolt/test/good/{name}"));
    }
    room.run("evaluate bolt.patchcore --dataset set --category bolt -o judged").succeeds();
    assert_eq!(room.names("judged/bolt/good").len(), 2 + 4);
}

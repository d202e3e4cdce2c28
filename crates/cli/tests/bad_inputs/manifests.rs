//! Lists of pictures that cannot be used, and names in them that not every disk tells apart.

use crate::support::{Room, texts};
use serde_json::json;

const HEAD: &str = "image_path,split,label\nset/bolt/train/good/000.png,train,normal\n";
const FIT: &str = "-o m.patchcore --imagesize 32 --bank-rows 4";

/// On a disk that does not tell them apart the second file would replace the first.
#[cfg(target_os = "linux")]
#[test]
fn case_33_names_that_differ_in_case_are_two_pictures() {
    let room = Room::with_model();
    for (from, to) in [("000", "part"), ("001", "Part"), ("002", "PART")] {
        room.copy(format!("set/bolt/train/good/{from}.png"), format!("new/{to}.png"));
    }
    let records = room.predict("new -o results");
    assert_eq!(texts(&records, "path"), ["new/PART.png", "new/Part.png", "new/part.png"]);
    // What is written of them stays apart on every disk.
    let mut names: Vec<String> = room.names("results").iter().map(|name| name.to_lowercase()).collect();
    names.dedup();
    assert_eq!(names.len(), 9, "{names:?}");

    let rows: String = ["part", "Part", "PART"].map(|name| format!("new/{name}.png,train,normal\n")).concat();
    room.write("m.csv", format!("image_path,split,label\n{rows}"));
    let fitted = room.run(&format!("fit --dataset m.csv --json {FIT}")).succeeds().json();
    assert_eq!(fitted["pictures"], json!(3));
}

/// The one file that two names lead to, as on a disk that does not tell case apart.
#[cfg(unix)]
#[test]
fn case_33_two_names_of_one_file_are_refused() {
    let room = Room::with_data();
    room.copy("set/bolt/train/good/000.png", "part.png");
    std::os::unix::fs::symlink("part.png", room.path("Part.png")).unwrap();
    room.write("m.csv", "image_path,split,label\npart.png,train,normal\nPart.png,train,normal\n");
    room.refuses(&format!("fit --dataset m.csv {FIT}"), 3, &["m.csv: 1 problem: Part.png: named in line 3"]);
}

#[test]
fn case_34_a_bad_list_is_refused_with_its_line() {
    let room = Room::with_data();
    let long = format!("{HEAD}{},train,normal\n", "x".repeat(100 << 20));
    let csv = |rows: &[u8]| ("m.csv", [HEAD.as_bytes(), rows].concat());
    let jsonl = |text: &str| ("m.jsonl", text.as_bytes().to_vec());
    for ((file, bytes), reason) in [
        (csv(b"\xff.png,train,normal\n"), "line 3: not UTF-8"),
        (("m.csv", b"image_path,label\na.png,normal\n".to_vec()), "line 1: no column \"split\""),
        (("m.csv", Vec::new()), "line 1: no column \"image_path\""),
        (csv(b"a.png,train\n"), "line 3: "),
        (csv(b"../out.png,train,normal\n"), "line 3: \"../out.png\" leads out of the manifest's folder"),
        (csv(b"a/../../out.png,train,normal\n"), "line 3: \"a/../../out.png\" leads out"),
        (csv(b"a.png,nowhere,normal\n"), "line 3: split \"nowhere\""),
        (csv(b"\"a\n.png\",train,normal\n\"b.png,train,normal\n"), "line 5: "),
        (("m.csv", long.into_bytes()), "line 3: 104857613 bytes long, over the limit"),
        (jsonl("\n{\"image_path\":\"a.png\",\"split\":\"train\"}\n"), "line 2: no column \"label\""),
        (jsonl("{\"image_path\":"), "line 1: "),
        (jsonl(&"[".repeat(100_000)), "line 1: "),
        (
            jsonl("{\"image_path\":\"/../x\",\"split\":\"train\",\"label\":[]}"),
            "line 1: label is [], not a text",
        ),
    ] {
        room.write(file, bytes);
        room.refuses(&format!("fit --dataset {file} {FIT}"), 3, &[&format!("{file}: {reason}")]);
        room.refuses(&format!("dataset inspect {file}"), 3, &[&format!("{file}: {reason}")]);
    }
}

#[test]
fn case_34_files_that_are_not_there_are_named_with_their_lines() {
    let room = Room::with_data();
    room.write("m.csv", format!("{HEAD}gone.png,train,normal\n/dev/zero,train,normal\nset,train,normal\n"));
    let names = ["gone.png: named in line 3", "/dev/zero: named in line 4", "set: named in line 5"];
    let words: Vec<&str> = names.into_iter().chain(["m.csv: 3 problems"]).collect();
    room.refuses(&format!("fit --dataset m.csv {FIT}"), 3, &words);
}

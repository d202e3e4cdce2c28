//! What `fit` notices about its pictures, and what it leaves out.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::{Value, json};
use support::Room;
use support::draw::{dented, save};

const FIT: &str = "fit --good good --imagesize 64 --bank-rows 40";

/// Six good pictures in `good`, and a dented one among them.
fn with_hidden_defect() -> Room {
    let room = Room::with_data();
    for i in 0..6 {
        room.copy(format!("set/bolt/train/good/{i:03}.png"), format!("good/{i:03}.png"));
        room.copy(format!("set/bolt/train/good/{i:03}.png"), format!("clean/{i:03}.png"));
    }
    save(&dented(77), &room.path("good/0025.png"));
    room
}

/// Everything that a model says of itself but for its training.
fn without_training(room: &Room, model: &str) -> Value {
    let mut all = room.run(&format!("inspect --json {model}")).succeeds().json();
    all["training"] = Value::Null;
    all
}

fn bank(room: &Room, model: &str) -> Vec<u8> {
    let bytes = room.read(model);
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    file.tensor("bank").unwrap().data().to_vec()
}

#[test]
fn a_hidden_defect_is_named_with_its_place_and_stays() {
    let room = with_hidden_defect();
    let said = room.run(&format!("{FIT} -o m.patchcore")).succeeds().stdout;
    assert!(
        said.contains("audit: 1 picture looks unlike the others; is there a defect?\n  0025.png at x "),
        "{said}"
    );
    let all = room.run(&format!("{FIT} -o n.patchcore --json")).succeeds().json();
    let ranking = all["audit"]["ranking"].as_array().unwrap();
    assert_eq!((ranking.len(), &ranking[0]["picture"]), (7, &json!("0025.png")));
    for place in ranking[0]["at"].as_array().unwrap() {
        assert!((16..30).contains(&place.as_u64().unwrap()), "{place}");
    }
    let scores: Vec<f64> = ranking.iter().map(|s| s["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert_eq!(all["audit"]["dropped"], json!([]));
    assert_eq!(all["pictures"], 7);
}

#[test]
fn good_pictures_alone_do_not_stand_out() {
    let room = with_hidden_defect();
    let said = room.run(&format!("{} -o m.patchcore", FIT.replace("good good", "good clean"))).succeeds();
    assert!(
        said.stdout.contains("audit: no picture stands out; most unlike the others is 00"),
        "{}",
        said.stdout
    );
    assert_eq!(said.stderr.matches("warning").count(), 0, "{}", said.stderr);
}

/// Rows, thresholds and all are those of a model that never saw the picture.
#[test]
fn what_is_left_out_leaves_no_trace_but_its_name() {
    let room = with_hidden_defect();
    room.run(&format!("{} -o clean.patchcore", FIT.replace("good good", "good clean"))).succeeds();
    room.write("names.txt", "0025.png\r\n\n");
    for option in ["--drop-outliers 1", "--drop-outliers 14%", "--drop names.txt"] {
        let run = room.run(&format!("{FIT} -o m.patchcore --force {option}")).succeeds();
        assert!(run.stdout.contains("left out, as asked: 1 picture\n  0025.png\n"), "{}", run.stdout);
        assert!(run.stdout.contains("speak of good parts like the 6 kept"), "{}", run.stdout);
        assert_eq!(
            without_training(&room, "m.patchcore"),
            without_training(&room, "clean.patchcore"),
            "{option}"
        );
        assert_eq!(bank(&room, "m.patchcore"), bank(&room, "clean.patchcore"), "{option}");
        let training = room.run("inspect --json m.patchcore").succeeds().json()["training"].take();
        assert_eq!(training["dropped"], json!(["0025.png"]));
        assert_eq!(training["pictures"].as_array().map(Vec::len), Some(6));
    }
    assert!(
        room.run("inspect m.patchcore")
            .succeeds()
            .stdout
            .contains("6 pictures; 0 left out as unreadable, 1 as asked")
    );
}

#[test]
fn what_cannot_be_left_out_is_refused() {
    let room = with_hidden_defect();
    let fit = format!("{FIT} -o m.patchcore");
    room.write("names.txt", "0025.png\ngone.png\n");
    room.write("empty.txt", "\n\n");
    room.run(&format!("{fit} --drop names.txt")).fails(3, &["1 names to leave out", "gone.png"]);
    room.run(&format!("{fit} --drop empty.txt")).fails(3, &["empty.txt: names no picture"]);
    room.run(&format!("{fit} --drop nowhere.txt")).fails(5, &["nowhere.txt"]);
    room.run(&format!("{fit} --drop-outliers 7"))
        .fails(2, &["drop_outliers is 7", "less than the 7 pictures"]);
    room.run(&format!("{fit} --drop-outliers 150%")).fails(2, &["above 0% and below 100%"]);
    room.run(&format!("{fit} --drop-outliers few")).fails(2, &["a number of pictures, or a share"]);
    assert!(!room.path("m.patchcore").exists());
}

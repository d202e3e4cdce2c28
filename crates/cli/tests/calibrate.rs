//! `patchcore calibrate`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::Room;

#[test]
fn thresholds_come_from_the_new_pictures() {
    let room = Room::with_model();
    let calibrate =
        "calibrate bolt.patchcore --good set/bolt/test/good -o new.patchcore --false-alarm-rate 0.5";
    let said = room.run(calibrate).succeeds().stdout;
    assert!(said.starts_with("calibrated new.patchcore on ") && said.contains("threshold "), "{said}");
    let inspect = |model: &str| room.run(&format!("inspect --json {model}")).succeeds().json();
    let (old, new) = (inspect("bolt.patchcore"), inspect("new.patchcore"));
    assert_eq!((&old["members"], &old["training"]), (&new["members"], &new["training"]));
    let judged = room.run("predict --json new.patchcore set/bolt/test/good").succeeds().json_lines();
    let scores: Vec<f64> = judged.iter().map(|record| record["image_score"].as_f64().unwrap()).collect();
    let kept: Vec<f64> =
        new["calibration"]["image_scores"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    assert_eq!(scores, kept);
    assert_ne!(old["calibration"]["image_threshold"], new["calibration"]["image_threshold"]);
    room.run(calibrate).fails(5, &["new.patchcore: exists already", "--force"]);
}

#[test]
fn what_cannot_be_used_is_named_and_nothing_is_written() {
    let room = Room::with_model();
    let calibrate = "calibrate bolt.patchcore -o new.patchcore --good";
    room.run(&format!("{calibrate} gone")).fails(3, &["gone"]);
    room.run(&format!("{calibrate} set/bolt/test/good --false-alarm-rate 1"))
        .fails(2, &["--false-alarm-rate", "must be above 0 and below 1"]);
    room.write("bad/a.png", "no picture");
    room.write("bad/b.png", "");
    room.run(&format!("{calibrate} bad")).fails(3, &["2 of 2 pictures cannot be used", "a.png", "b.png"]);
    room.run("calibrate bolt.patchcore --good set/bolt/test/good -o set/bolt/test/good/000.png --force")
        .fails(2, &["is one of the inputs"]);
    assert_eq!(room.names("."), ["bad", "bolt.patchcore", "set"]);
}

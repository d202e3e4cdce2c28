//! The report that `evaluate` and `fit --report` leave.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::{Room, draw};

const EVALUATE: &str = "evaluate bolt.patchcore --dataset set --category bolt";

fn json(room: &Room, name: &str) -> Value {
    serde_json::from_str(&room.text(name)).unwrap()
}

#[test]
fn an_evaluation_leaves_a_page_and_the_same_as_json() {
    let room = Room::with_model();
    room.run(&format!("{EVALUATE} -o results")).succeeds();
    let report = json(&room, "results/report.json");
    let bolt = &report["categories"][0];
    assert_eq!(bolt["name"], "bolt");
    let test = &bolt["test"];
    let scores: Vec<String> =
        test["pictures"].as_array().unwrap().iter().map(|p| p["score"].to_string()).collect();
    let table = room.text("results/scores.csv");
    let in_table: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').nth(4).unwrap()).collect();
    assert_eq!(scores, in_table);
    // Two dented plates of four test pictures, found by a wide margin.
    assert_eq!(test["outcome"]["defects"], serde_json::json!({ "defect": 2, "review": 0, "ok": 0 }));
    assert_eq!(test["outcome"]["escape_rate"]["of"], 2);
    let dented = &test["lowest_defects"][0];
    assert_eq!(dented["size"], serde_json::json!([64, 48]));
    assert!(dented["n_regions"].as_u64().unwrap() > 0 && !dented["truth"][0].is_null(), "{dented}");
    assert!(dented["nearest"]["picture"].as_str().unwrap().contains("train/good/"), "{dented}");
    assert_eq!(bolt["data"]["fingerprints"][1]["pictures"], 4);

    let page = room.text("results/report.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.len() < 5_000_000);
    assert!(page.contains("<bdi>bolt</bdi>") && page.contains("data:image/jpeg;base64,"));
    let here = room.path(".").canonicalize().unwrap().to_string_lossy().into_owned();
    assert!(!page.contains(&here) && !report.to_string().contains(&here), "{here}");
}

#[test]
fn any_number_of_threads_gives_the_same_report() {
    let room = Room::with_model();
    for threads in [1, 3] {
        room.run(&format!("{EVALUATE} -o {threads} --threads {threads}")).succeeds();
    }
    for file in ["report.html", "report.json"] {
        assert!(room.read(format!("1/{file}")) == room.read(format!("3/{file}")), "{file}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_name_that_is_markup_stays_a_name() {
    let room = Room::with_model();
    let name = "<img src=x onerror=alert(1)>.png";
    draw::save(&draw::plate(77), &room.path(format!("set/bolt/test/good/{name}")));
    draw::save(&draw::plate(78), &room.path("set/bolt/test/good/a\u{202e}b\nc.png"));
    room.run(&format!("{EVALUATE} -o results")).succeeds();
    let page = room.text("results/report.html");
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;.png") && !page.contains("<img src=x"));
    assert!(!page.contains('\u{202e}'), "a name that turns the writing direction");
    let pictures = json(&room, "results/report.json")["categories"][0]["test"]["pictures"].clone();
    let names: Vec<&str> = pictures.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert!(names.iter().any(|n| n.ends_with(name)), "{names:?}");
}

#[test]
fn on_a_test_sets_own_scale_no_threshold_is_shown() {
    let room = Room::with_model();
    room.run(&format!("{EVALUATE} -o results --fusion reference")).succeeds();
    let bolt = json(&room, "results/report.json")["categories"][0].clone();
    assert!(bolt["threshold"].is_null() && bolt["test"]["outcome"].is_null(), "{bolt}");
    assert!(bolt["test"]["lowest_defects"][0]["n_regions"].is_null());
    assert!(room.text("results/report.html").contains("No deployed threshold applies here"));
}

#[test]
fn fitting_tells_about_the_model_where_it_is_asked() {
    let room = Room::with_data();
    let fit = "fit --good set/bolt/train/good -o bolt.patchcore";
    room.run(&format!("{fit} --report bolt.html")).succeeds();
    let bolt = json(&room, "bolt.json")["categories"][0].clone();
    assert!(bolt["test"].is_null());
    assert!(bolt["threshold"]["image"].as_f64().unwrap() > 0.0);
    let pictures = room.names("set/bolt/train/good").len();
    assert_eq!(bolt["model"]["training_pictures"], pictures);
    assert_eq!(bolt["data"]["fingerprints"][0]["pictures"], pictures);
    let unlike = bolt["audit"]["unlike"].as_array().unwrap();
    assert!(unlike[0]["score"].as_f64().unwrap() >= unlike[1]["score"].as_f64().unwrap());
    assert_eq!(unlike[0]["thumbnail"]["width"], 64);
    assert_eq!(unlike[0]["at"].as_array().unwrap().len(), 2);
    assert_eq!(bolt["audit"]["duplicates"], serde_json::json!([]));
    assert!(room.text("bolt.html").contains("No labelled test picture took part"));
}

#[test]
fn case_61_a_report_replaces_nothing_unasked_and_no_input_at_all() {
    let room = Room::with_data();
    let fit = "fit --good set/bolt/train/good -o bolt.patchcore";
    room.write("old.json", "{}");
    room.run(&format!("{fit} --report old.html")).fails(5, &["old.json: exists already"]);
    room.run(&format!("{fit} --report new.json")).fails(2, &["new.json: the page needs another ending"]);
    room.run(&format!("{fit} --report gone/new.html")).fails(5, &["there is no folder gone"]);
    room.run(&format!("{fit} --force --report bolt.patchcore")).fails(2, &["is the model file"]);
    room.run(&format!("{fit} --force --report set/bolt/train/good/000.png"))
        .fails(2, &["is one of the inputs"]);
    assert_eq!(room.names("."), ["old.json", "set"]);
    assert_eq!(room.text("old.json"), "{}");
}

#[test]
fn pictures_that_are_there_twice_or_were_trained_on_are_named() {
    let room = Room::with_data();
    let original = "set/bolt/train/good/000.png";
    room.copy(original, "set/bolt/train/good/900.png");
    room.copy(original, "set/bolt/test/good/901.png");
    room.run("fit --dataset set --category bolt -o bolt.patchcore");
    room.run(&format!("{EVALUATE} -o results --allow-leak"));
    let bolt = json(&room, "results/report.json")["categories"][0].clone();
    let [duplicates, leaks] = ["duplicates", "leaks"].map(|key| bolt["audit"][key].clone());
    assert_eq!((duplicates.as_array().unwrap().len(), leaks.as_array().unwrap().len()), (1, 1), "{bolt}");
    assert!(duplicates[0]["picture"].as_str().unwrap().ends_with("900.png"), "{duplicates}");
    assert!(leaks[0]["picture"].as_str().unwrap().ends_with("test/good/901.png"), "{leaks}");
    assert_eq!((&duplicates[0]["exact"], &leaks[0]["exact"]), (&true.into(), &true.into()));
    let warnings = bolt["warnings"].to_string();
    assert!(warnings.contains("1 test picture is also among the training pictures"), "{warnings}");
    assert!(room.text("results/report.html").contains("is the same as"));
}

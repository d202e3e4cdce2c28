//! `patchcore run`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Room, first_words};

const RUN: &str = "run results --dataset set --project p --group g --imagesize 64 --bank-rows 60";

#[test]
fn every_category_is_fitted_and_measured_and_no_run_replaces_another() {
    let room = Room::with_data();
    let said = room.run(&format!("{RUN} --save-models --save-pictures")).succeeds().stdout;
    assert_eq!(first_words(&said), ["bolt", "nut", "mean"]);
    assert!(said.ends_with("\nresults in results/p/g\n"), "{said}");
    assert_eq!(room.names("results/p/g"), ["models", "results.csv", "scores.csv", "segmentation_images"]);
    assert_eq!(room.names("results/p/g/models"), ["bolt.patchcore", "nut.patchcore"]);
    assert_eq!(room.names("results/p/g/segmentation_images"), ["bolt", "nut"]);
    let table = room.text("results/p/g/results.csv");
    assert_eq!(table.split("\r\n").count(), 5, "{table}");

    // What it kept gives the same numbers again.
    let again = "evaluate results/p/g/models --dataset set -o again";
    room.run(again).succeeds();
    assert_eq!(room.text("again/results.csv"), table);

    let second = room.run(&format!("{RUN} --subdatasets nut")).succeeds().stdout;
    assert!(second.ends_with("results in results/p/g_0\n"), "{second}");
    room.run(&format!("{RUN} --subdatasets nut")).succeeds();
    assert_eq!(room.names("results/p"), ["g", "g_0", "g_1"]);
    assert_eq!(room.names("results/p/g_1"), ["results.csv", "scores.csv"]);
    assert_eq!(room.text("results/p/g/results.csv"), table);
}

#[test]
fn what_is_not_there_is_named_before_a_folder_is_made() {
    let room = Room::with_data();
    room.run(&format!("{RUN} --category screw")).fails(3, &["no category \"screw\""]);
    room.run(&format!("{RUN} --backbone resnet18")).fails(4, &["resnet18"]);
    assert_eq!(room.names("."), ["set"]);
}

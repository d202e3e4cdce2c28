//! `patchcore dataset`, and data sets in other layouts than that of MVTec AD.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Room, draw};

/// The pictures of `bolt` in folders of good and bad ones.
fn room_with_folders() -> Room {
    let room = Room::with_data();
    let moves = [("train/good", "good"), ("test/good", "good_test"), ("test/dent", "dent")];
    for (from, to) in moves {
        for name in room.names(&format!("set/bolt/{from}")) {
            room.copy(format!("set/bolt/{from}/{name}"), format!("plain/{to}/{name}"));
        }
    }
    for name in room.names("set/bolt/ground_truth/dent") {
        room.copy(format!("set/bolt/ground_truth/dent/{name}"), format!("plain/masks/dent/{name}"));
    }
    room
}

#[test]
fn a_clean_set_is_counted() {
    let room = Room::with_data();
    let text = room.run("dataset inspect set").succeeds().stdout;
    assert!(text.starts_with("set: layout mvtec, 2 categories\n\nbolt\n"), "{text}");
    assert!(text.contains("train           6  to fit on (6 good)"), "{text}");
    assert!(text.contains("test            4  to evaluate on (2 dent, 2 good)"), "{text}");
    assert_eq!(text.matches("  no problems\n").count(), 2, "{text}");
    let all = room.run("dataset inspect set --category nut --files --json").succeeds().json();
    let nut = &all["categories"][0];
    assert_eq!((&all["layout"], &nut["category"]), (&"mvtec".into(), &"nut".into()));
    assert_eq!(nut["splits"]["test"]["kinds"][0]["label"], "anomaly");
    assert_eq!((nut["files"].as_array().unwrap().len(), &nut["masks"]), (12, &2.into()));
    assert_eq!(nut["problems"], serde_json::json!([]));
}

#[test]
fn every_problem_is_listed_and_errors_end_with_3() {
    let room = Room::with_data();
    room.write("set/bolt/test/good/001.png", "");
    room.copy("set/bolt/train/good/000.png", "set/bolt/test/good/007.png");
    draw::save(&image::GrayImage::new(10, 12), &room.path("set/bolt/ground_truth/dent/001_mask.png"));
    draw::save(&draw::plate(77), &room.path("set/bolt/loose.png"));
    let run = room.run("dataset inspect set");
    assert_eq!((run.code, run.stderr.as_str()), (3, ""), "{}", run.stdout);
    for line in [
        "error: set/bolt/test/good/001.png: empty file",
        "error: set/bolt/test/good/007.png is the same file as set/bolt/train/good/000.png, which is trained on",
        "error: set/bolt/ground_truth/dent/001_mask.png: the mask is 10x12, its picture",
        "warning: set/bolt/loose.png: plays no part",
    ] {
        assert!(run.stdout.contains(line), "no {line:?} in\n{}", run.stdout);
    }
    let json = room.run("dataset inspect set --category bolt --json");
    assert_eq!((json.code, json.json()["categories"][0]["problems"].as_array().unwrap().len()), (3, 5));
    // Nut has nothing wrong with it, and a warning alone is no failure.
    draw::save(&draw::plate(78), &room.path("set/nut/loose.png"));
    let nut = room.run("dataset inspect set --category nut").succeeds().stdout;
    assert!(nut.contains("warning: set/nut/loose.png: plays no part"), "{nut}");
}

#[test]
fn a_manifest_stands_for_its_data_set() {
    let room = Room::with_data();
    for file in ["all.csv", "all.jsonl"] {
        let text = room.run(&format!("dataset manifest set -o {file}")).succeeds().stdout;
        assert_eq!(text, format!("{file}: 20 pictures of 2 categories\n"));
        let first = room.read(file);
        room.run(&format!("dataset manifest set -o {file}")).fails(5, &["exists already", "--force"]);
        room.run(&format!("dataset manifest set -o {file} --force")).succeeds();
        assert_eq!(room.read(file), first);
        let seen = room.run(&format!("dataset inspect {file}")).succeeds().stdout;
        assert!(
            seen.contains("layout manifest, 2 categories") && seen.contains("(2 dent, 2 good)"),
            "{seen}"
        );
    }
    let csv = room.text("all.csv");
    assert!(csv.starts_with("image_path,split,label,defect,mask_path,category\nset/bolt/train/good/000.png,train,normal,good,,bolt\n"), "{csv}");
    assert!(csv.contains(
        "set/bolt/test/dent/000.png,test,anomaly,dent,set/bolt/ground_truth/dent/000_mask.png,bolt\n"
    ));
    room.run("dataset manifest set -o all.txt").fails(2, &["neither .csv nor .jsonl"]);
    room.run("dataset manifest all.csv -o all.csv --force").fails(2, &["is one of the inputs"]);
    let one = room.run("dataset manifest set --category nut -o nut.csv --json").succeeds().json();
    assert_eq!(one["pictures"], 10);
    // The same pictures give the same model, by whatever way they are named.
    room.run("fit --dataset set --category nut -o a.patchcore --imagesize 32 --bank-rows 4").succeeds();
    room.run("fit --dataset nut.csv -o b.patchcore --imagesize 32 --bank-rows 4").succeeds();
    let scores = |model: &str, set: &str| {
        room.run(&format!("evaluate --json {model} --dataset {set}")).succeeds().json()["mean"].clone()
    };
    assert_eq!(scores("a.patchcore", "set --category nut"), scores("b.patchcore", "nut.csv"));
}

#[test]
fn an_unknown_column_is_a_warning_and_a_bad_row_an_error() {
    let room = Room::with_data();
    room.write("m.csv", "image_path,split,label,colour\nset/bolt/train/good/000.png,train,,red\n");
    let run = room.run("dataset inspect m.csv");
    assert_eq!((run.code, run.stderr.as_str()), (0, "warning: m.csv: unknown column \"colour\", left out\n"));
    room.write("m.csv", "image_path,split,label\nset/bolt/train/good/000.png,training,\n");
    room.run("dataset inspect m.csv").fails(3, &["m.csv: line 2: split \"training\""]);
}

#[test]
fn plain_folders_are_fitted_and_measured_without_naming_anything() {
    let room = room_with_folders();
    room.run("fit --dataset plain -o plain.patchcore --imagesize 32 --bank-rows 4").succeeds();
    let all = room.run("evaluate --json plain.patchcore --dataset plain").succeeds().json();
    let plain = &all["categories"][0];
    assert_eq!((&plain["category"], &plain["test_pictures"]), (&"plain".into(), &4.into()));
    assert!(plain["pixel_auroc"].is_number(), "{plain}");
    room.run("run results --dataset plain --imagesize 32 --bank-rows 4").succeeds();
    assert!(room.text("results/project/group/results.csv").contains("folder_plain,"));
    room.run("fit --dataset set -o x.patchcore")
        .fails(2, &["which of its 2 categories", "\"bolt\", \"nut\""]);
}

#[test]
fn pictures_for_thresholds_and_without_labels_are_not_fitted_on() {
    let room = Room::with_data();
    let copies = [
        ("train/good", "train/good"),
        ("test/good", "validation/good"),
        ("test/dent", "test_public/bad"),
        ("ground_truth/dent", "test_public/ground_truth/bad"),
        ("test/good", "test_private"),
    ];
    for (from, to) in copies {
        for name in room.names(&format!("set/bolt/{from}")) {
            room.copy(format!("set/bolt/{from}/{name}"), format!("ad2/can/{to}/{name}"));
        }
    }
    let text = room.run("dataset inspect ad2").succeeds().stdout;
    assert!(text.contains("layout mvtec-ad2"), "{text}");
    assert!(text.contains("validation      2  good ones that are not fitted on: for thresholds"), "{text}");
    assert!(text.contains("unlabelled      2  without labels"), "{text}");
    let fitted =
        room.run("fit --dataset ad2 -o can.patchcore --imagesize 32 --bank-rows 4 --json").succeeds().json();
    assert_eq!(fitted["pictures"], 6);
    let all = room.run("evaluate can.patchcore --dataset ad2 --json").succeeds().json();
    assert_eq!(all["categories"][0]["test_pictures"], 2);
}

#[test]
fn a_layout_is_named_where_two_fit() {
    let room = room_with_folders();
    std::fs::rename(room.path("set/bolt"), room.path("plain/bolt")).unwrap();
    room.run("dataset inspect plain")
        .fails(3, &["plain: fits the layouts mvtec and folder", "--layout NAME"]);
    let text = room.run("dataset inspect plain --layout mvtec").succeeds().stdout;
    assert!(text.contains("layout mvtec, 1 category\n\nbolt\n"), "{text}");
    room.run("dataset inspect support").fails(3, &["support: no such folder"]);
    room.run("dataset inspect plain/good").fails(3, &["no known layout", "CATEGORY/train/good (mvtec)"]);
}

#[test]
fn test_pictures_of_one_name_in_several_folders_keep_their_own_files() {
    let room = Room::with_model();
    let mut rows = String::from("image_path,split,label,defect,mask_path\n");
    for (i, folder) in ["kos0", "kos1"].into_iter().enumerate() {
        room.copy(format!("set/bolt/test/good/00{i}.png"), format!("{folder}/Part0.png"));
        rows.extend([folder, "/Part0.png,test,normal,good,\n"]);
    }
    room.write("m.csv", rows);
    room.run("evaluate bolt.patchcore --dataset m.csv -o results").succeeds();
    for folder in ["kos0", "kos1"] {
        assert_eq!(room.names(&format!("results/m/good/{folder}")), ["Part0.png"]);
    }
}

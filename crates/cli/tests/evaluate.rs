//! `patchcore evaluate`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Room, draw};

/// With a folder `models` that has a model for each category.
fn room_with_models() -> Room {
    let room = Room::with_data();
    std::fs::create_dir(room.path("models")).unwrap();
    for category in ["bolt", "nut"] {
        room.run(&format!("fit --dataset set --category {category} -o models/{category}.patchcore"))
            .succeeds();
    }
    room
}

#[test]
fn a_category_is_measured_as_a_table() {
    let room = Room::with_model();
    let text = room.run("evaluate bolt.patchcore --dataset set --category bolt").succeeds().stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("image AUROC") && lines[0].ends_with("(percent)"), "{text}");
    assert!(lines[1].starts_with("bolt ") && lines[1].contains("100.00"), "{text}");
    assert_eq!(lines.len(), 2, "{text}");
}

#[test]
fn the_json_holds_metrics_and_scores() {
    let room = Room::with_model();
    let all = room.run("evaluate --json bolt.patchcore --dataset set --category bolt").succeeds().json();
    let bolt = &all["categories"][0];
    assert_eq!((&bolt["category"], &bolt["test_pictures"]), (&"bolt".into(), &4.into()));
    for metric in
        ["image_auroc", "image_ap", "pixel_auroc", "pixel_auroc_anomalous_only", "pixel_ap", "aupro_0.3"]
    {
        let value = bolt[metric].as_f64().unwrap();
        assert!(value > 0.8 && value <= 1.0, "{metric} {value}");
        assert_eq!(all["mean"][metric], bolt[metric]);
    }
    assert_eq!(bolt["undefined"], serde_json::json!({}));
    assert_eq!(bolt["scores"][0]["picture"], "000.png");
    assert_eq!(bolt["scores"].as_array().unwrap().len(), 4);
}

#[test]
fn a_folder_of_models_measures_every_category_and_their_mean() {
    let room = room_with_models();
    let text = room.run("evaluate models --dataset set -o results").succeeds().stdout;
    let heads: Vec<&str> = text.lines().skip(1).map(|l| l.split_whitespace().next().unwrap()).collect();
    assert_eq!(heads, ["bolt", "nut", "mean"]);

    let results = room.text("results/results.csv");
    let lines: Vec<&str> = results.split("\r\n").collect();
    assert_eq!(lines[0], "Row Names,instance_auroc,full_pixel_auroc,anomaly_pixel_auroc");
    assert!(lines[1].starts_with("mvtec_bolt,1.0,0."), "{results}");
    assert!(lines[2].starts_with("mvtec_nut,1.0,0."), "{results}");
    assert!(lines[3].starts_with("Mean,1.0,0."), "{results}");
    assert_eq!((lines.len(), lines[4]), (5, ""));
    assert_eq!(results.matches('\n').count(), 4);

    let scores = room.text("results/scores.csv");
    assert_eq!(scores.lines().count(), 9);
    assert!(scores.lines().nth(1).unwrap().starts_with("bolt,dent,000.png,1,"), "{scores}");
    assert_eq!(room.names("results"), ["bolt", "nut", "results.csv", "scores.csv"]);
    assert_eq!(room.names("results/bolt/dent"), ["000.png", "001.png"]);

    room.run("evaluate models --dataset set -o results").fails(5, &["results: is not empty"]);
    let one = room.run("evaluate models --dataset set --category nut -o results --force").succeeds();
    assert!(!one.stdout.contains("bolt"), "{}", one.stdout);
}

#[test]
fn models_and_categories_go_in_pairs_or_one_serves_all() {
    let room = room_with_models();
    let heads = |line: &str| -> Vec<String> {
        let text = room.run(line).succeeds().stdout;
        text.lines().skip(1).map(|l| l.split_whitespace().next().unwrap().to_string()).collect()
    };
    let (bolt, nut) = ("models/bolt.patchcore", "models/nut.patchcore");
    let both = "--dataset set --category nut --category bolt";
    assert_eq!(heads(&format!("evaluate {nut} {bolt} {both}")), ["nut", "bolt", "mean"]);
    assert_eq!(heads(&format!("evaluate {nut} {both}")), ["nut", "bolt", "mean"]);
    room.run(&format!("evaluate {nut} {bolt} {nut} {both}"))
        .fails(2, &["3 models for 2 categories", "one for all"]);
    // Each with its own: what pairs them wrongly would find other metrics.
    let score = |line: &str| room.run(line).succeeds().json()["categories"][0]["scores"].clone();
    let paired = score(&format!("evaluate --json {nut} {bolt} {both}"));
    assert_eq!(paired, score(&format!("evaluate --json {nut} --dataset set --category nut")));
}

#[test]
fn pictures_on_their_own_scale_only_when_asked() {
    let room = Room::with_model();
    let line = "evaluate bolt.patchcore --dataset set --category bolt";
    let size = |folder: &str| {
        let png = image::open(room.path(format!("{folder}/bolt/good/000.png"))).unwrap();
        (png.width(), png.height())
    };
    room.run(&format!("{line} -o fixed")).succeeds();
    room.run(&format!("{line} -o auto --autoscale")).succeeds();
    // Picture and overlay; picture, mask and map.
    assert!(size("auto").0 > size("fixed").0, "{:?} {:?}", size("auto"), size("fixed"));
}

#[test]
fn both_pixel_rules_work() {
    let room = Room::with_model();
    for rule in ["original", "reference"] {
        let line =
            format!("evaluate --json bolt.patchcore --dataset set --category bolt --pixel-rule {rule}");
        let all = room.run(&line).succeeds().json();
        assert!(all["mean"]["pixel_auroc"].as_f64().unwrap() > 0.9, "{rule}: {all}");
    }
}

#[test]
fn what_is_not_there_is_named_before_anything_is_written() {
    let room = Room::with_model();
    room.run("evaluate bolt.patchcore --dataset set --category bolt --category screw -o results")
        .fails(3, &["set: no category \"screw\"", "\"bolt\", \"nut\""]);
    room.run("evaluate bolt.patchcore --dataset set").fails(2, &["--category NAME"]);
    room.run("evaluate bolt.patchcore --dataset gone --category bolt -o results")
        .fails(3, &["gone: no such folder"]);
    room.run("evaluate gone.patchcore --dataset set --category bolt -o results")
        .fails(4, &["gone.patchcore"]);
    room.run("evaluate set --dataset set -o results").fails(4, &["set: no NAME.patchcore"]);
    room.run("evaluate set --dataset set --category bolt -o results").fails(4, &["bolt.patchcore"]);
    assert_eq!(room.names("."), ["bolt.patchcore", "set"]);
}

#[test]
fn a_mask_without_picture_and_a_picture_without_mask_are_named() {
    let room = Room::with_model();
    draw::save(&draw::dent_mask(), &room.path("set/bolt/ground_truth/dent/009_mask.png"));
    draw::save(&draw::dented(9), &room.path("set/bolt/test/dent/008.png"));
    room.run("evaluate bolt.patchcore --dataset set --category bolt")
        .fails(3, &["set/bolt: 2 problems", "dent/009_mask.png has no picture", "dent/008.png has no mask"]);
}

#[test]
fn a_mask_of_another_size_is_refused_with_both_sizes() {
    let room = Room::with_model();
    draw::save(&image::GrayImage::new(10, 12), &room.path("set/bolt/ground_truth/dent/001_mask.png"));
    room.run("evaluate bolt.patchcore --dataset set --category bolt")
        .fails(3, &["ground_truth/dent/001_mask.png: the mask is 10x12, its picture", "is 64x48"]);
}

#[test]
fn every_unreadable_test_file_is_listed() {
    let room = Room::with_model();
    room.write("set/bolt/test/good/001.png", "");
    room.write("set/bolt/ground_truth/dent/000_mask.png", "GIF89a");
    room.run("evaluate bolt.patchcore --dataset set --category bolt").fails(
        3,
        &["2 test pictures or masks", "good/001.png: empty file", "000_mask.png: unsupported: a GIF"],
    );
}

#[test]
fn with_good_pictures_only_a_metric_is_undefined_and_says_why() {
    let room = Room::with_model();
    std::fs::remove_dir_all(room.path("set/bolt/test/dent")).unwrap();
    std::fs::remove_dir_all(room.path("set/bolt/ground_truth")).unwrap();
    let line = "evaluate bolt.patchcore --dataset set --category bolt";
    let text = room.run(&format!("{line} -o results")).succeeds().stdout;
    assert!(text.contains("bolt: image_auroc is undefined: "), "{text}");
    assert!(!text.contains("NaN"), "{text}");
    assert!(room.text("results/results.csv").contains("mvtec_bolt,,,\r\nMean,,,\r\n"));
    let bolt = room.run(&format!("{line} --json")).succeeds().json()["categories"][0].clone();
    assert!(bolt["image_auroc"].is_null());
    assert!(!bolt["undefined"]["image_auroc"].as_str().unwrap().is_empty());
}

#[test]
fn without_masks_only_the_pixel_metrics_are_undefined() {
    let room = Room::with_model();
    std::fs::remove_dir_all(room.path("set/bolt/ground_truth")).unwrap();
    let all = room.run("evaluate --json bolt.patchcore --dataset set --category bolt").succeeds().json();
    let bolt = &all["categories"][0];
    assert_eq!(bolt["image_auroc"], 1.0);
    assert!(bolt["pixel_auroc"].is_null());
    assert_eq!(bolt["undefined"]["pixel_auroc"], "2 anomalous pictures have no mask");
}

#[test]
fn without_test_pictures_there_is_nothing_to_measure() {
    let room = Room::with_model();
    std::fs::remove_dir_all(room.path("set/bolt/test")).unwrap();
    std::fs::remove_dir_all(room.path("set/bolt/ground_truth")).unwrap();
    room.run("evaluate bolt.patchcore --dataset set --category bolt").fails(3, &["bolt: no test pictures"]);
}

#[cfg(unix)]
#[test]
fn scores_csv_holds_no_formula_and_no_broken_line() {
    let room = Room::with_model();
    for (i, name) in ["=cmd().png", "a,b.png", "a\nb.png"].into_iter().enumerate() {
        draw::save(&draw::plate(40 + i as u32), &room.path(format!("set/bolt/test/good/{name}")));
    }
    room.run("evaluate bolt.patchcore --dataset set --category bolt -o results").succeeds();
    let scores = room.text("results/scores.csv");
    for cell in [",good,'=cmd().png,0,", ",good,\"a,b.png\",0,", ",good,\"a\nb.png\",0,"] {
        assert!(scores.contains(cell), "no {cell:?} in\n{scores}");
    }
}

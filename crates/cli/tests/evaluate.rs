//! `patchcore evaluate`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Room, draw, first_words};

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
    assert!(lines[2].starts_with("  95 % from") && lines[3].starts_with("  to"), "{text}");
    let cells = |title: &str, row: &str| -> Vec<String> {
        let table = text.split(title).nth(1).unwrap_or_else(|| panic!("no {title:?} in\n{text}"));
        let line = table.lines().find(|l| l.starts_with(row)).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_string).collect()
    };
    let at = cells("At the threshold in use", "bolt");
    assert_eq!(at[2..6], ["0 of 2", "0.0 to 84.2", "0 of 2", "0.0 to 84.2"], "{text}");
    let oracle = cells("Oracle, at the thresholds that these labels choose", "bolt");
    assert_eq!((oracle[1].as_str(), oracle.len()), ("100.00", 7), "{text}");
    assert_eq!(cells("By type of defect", "dent"), ["dent", "2", "100.00", "0", "0.0 to 84.2"]);
    assert!(text.ends_with("too few to tell a false positive rate of 0.00001\n"), "{text}");
}

#[test]
fn the_json_holds_metrics_and_scores() {
    let room = Room::with_model();
    let all = room.run("evaluate --json bolt.patchcore --dataset set --category bolt").succeeds().json();
    let bolt = &all["categories"][0];
    assert_eq!((&bolt["category"], &bolt["test_pictures"]), (&"bolt".into(), &4.into()));
    for metric in [
        "image_auroc",
        "image_auroc_mean_of_types",
        "image_ap",
        "oracle_image_f1_max",
        "image_precision",
        "image_recall",
        "image_f1",
        "pixel_auroc",
        "pixel_auroc_anomalous_only",
        "pixel_ap",
        "oracle_pixel_f1_max",
        "aupro_0.3",
        "pixel_recall",
    ] {
        let value = bolt[metric].as_f64().unwrap();
        assert!(value > 0.8 && value <= 1.0, "{metric} {value}");
        assert_eq!(all["mean"][metric], bolt[metric]);
    }
    let undefined: Vec<&String> = bolt["undefined"].as_object().unwrap().keys().collect();
    assert_eq!(undefined, ["aupimo"]);
    assert_eq!((&bolt["escape_rate"], &bolt["overkill_rate"]), (&0.0.into(), &0.0.into()));
    assert_eq!(bolt["bounds"]["image_auroc"], serde_json::json!([1.0, 1.0]));
    let upper = bolt["bounds"]["escape_rate"][1].as_f64().unwrap();
    assert!((upper - (1.0 - 0.025_f64.sqrt())).abs() < 1e-12, "{upper}");
    let counts = serde_json::json!({
        "good": {"ok": 2, "review": 0, "defect": 0},
        "defective": {"ok": 0, "review": 0, "defect": 2},
    });
    assert_eq!(bolt["counts"]["image"], counts);
    let pixels: u64 =
        bolt["counts"]["pixel"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(pixels, 4 * 64 * 48);
    assert_eq!(bolt["pixel_rule"], serde_json::json!({"grid": "picture", "mask": "any"}));
    assert_eq!((&bolt["types"][0]["defect"], &bolt["types"][0]["escapes"]), (&"dent".into(), &0.into()));
    for name in ["image", "pixel", "oracle_image_f1_max", "oracle_pixel_f1_max", "oracle_pixel_iou_max"] {
        assert!(bolt["thresholds"][name].as_f64().unwrap() > 0.0, "{name}");
    }
    for (curve, axes) in
        [("roc", ["fpr", "tpr"]), ("precision_recall", ["recall", "precision"]), ("pro", ["fpr", "pro"])]
    {
        let points = axes.map(|axis| bolt["curves"][curve][axis].as_array().unwrap());
        assert!(points[0].len() >= 3 && points[0].len() <= 200, "{curve}");
        assert_eq!(points[0].len(), points[1].len());
        assert_eq!((points[0][0].as_f64(), points[0].last().unwrap().as_f64()), (Some(0.0), Some(1.0)));
    }
    let first = &bolt["scores"][0];
    assert_eq!((&first["picture"], &first["verdict"]), (&"bolt/test/dent/000.png".into(), &"defect".into()));
    assert_eq!(bolt["scores"].as_array().unwrap().len(), 4);
}

#[test]
fn a_threshold_of_ones_own_makes_other_decisions() {
    let room = Room::with_model();
    let line = "evaluate --json bolt.patchcore --dataset set --category bolt";
    let of =
        |options: &str| room.run(&format!("{line} {options}")).succeeds().json()["categories"][0].clone();
    let silent = of("--threshold 1e9 --pixel-threshold 1e9");
    // What is no defect any more is still for review, and so no escape.
    assert_eq!((&silent["image_recall"], &silent["overkill_rate"]), (&0.0.into(), &0.0.into()));
    assert_eq!(
        (&silent["escape_rate"], &silent["counts"]["image"]["defective"]["review"]),
        (&0.0.into(), &2.into())
    );
    assert_eq!(silent["counts"]["image"]["defective"]["ok"], 0);
    assert_eq!(silent["scores"][0]["verdict"], "review");
    assert_eq!(silent["undefined"]["image_precision"], "nothing raises an alarm at the threshold");
    assert_eq!(silent["pixel_f1"], 0.0);
    assert_eq!(silent["thresholds"]["image"].as_f64(), Some(1e9));
    let loud = of("--threshold -1");
    assert_eq!((&loud["escape_rate"], &loud["overkill_rate"]), (&0.0.into(), &1.0.into()));
    assert_eq!(loud["scores"][3]["verdict"], "defect");
    // The model's own threshold means nothing on another scale.
    let other_scale = of("--fusion reference");
    assert!(other_scale["escape_rate"].is_null() && other_scale["scores"][0]["verdict"].is_null());
    assert!(other_scale["undefined"]["escape_rate"].as_str().unwrap().contains("own scale"));
    room.run(&format!("{line} --threshold NaN")).fails_in_json(2, &["must be a finite number"]);
}

#[test]
fn limits_of_the_aupro_are_asked_for() {
    let room = Room::with_model();
    let line = "evaluate --json bolt.patchcore --dataset set --category bolt";
    let all = room.run(&format!("{line} --pro-limit 0.1 --pro-limit 0.3 --pro-limit 1")).succeeds().json();
    let areas: Vec<f64> = ["aupro_0.05", "aupro_0.1", "aupro_0.3", "aupro_1"]
        .iter()
        .map(|name| all["categories"][0][name].as_f64().unwrap())
        .collect();
    assert!(areas.is_sorted() && areas[0] < areas[3], "{areas:?}");
    room.run(&format!("{line} --pro-limit 1.5")).fails_in_json(2, &["more than 0 and at most 1"]);
}

#[test]
fn sizes_and_mask_rules_go_together_with_the_pixel_rule() {
    let room = Room::with_model();
    let line = "evaluate --json bolt.patchcore --dataset set --category bolt";
    let of =
        |options: &str| room.run(&format!("{line} {options}")).succeeds().json()["categories"][0].clone();
    let pixels = |result: &serde_json::Value| -> u64 {
        result["counts"]["pixel"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
    };
    let marked = |result: &serde_json::Value| {
        let counts = &result["counts"]["pixel"];
        counts["hits"].as_u64().unwrap() + counts["escapes"].as_u64().unwrap()
    };
    let small = of("--metric-size 24x32");
    assert_eq!(small["pixel_rule"], serde_json::json!({"grid": [24, 32], "mask": "any"}));
    assert_eq!(pixels(&small), 4 * 24 * 32);
    assert!(small["pixel_auroc"].as_f64().unwrap() > 0.9);
    // The edge of the dent is soft at half the size: 14 pixels from 16 on, halved exactly, would be 7.
    let by_rule =
        ["any", "half", "one"].map(|rule| marked(&of(&format!("--metric-size 20 --mask-rule {rule}"))));
    assert!(by_rule[0] > by_rule[1] && by_rule[1] > by_rule[2] && by_rule[2] > 0, "{by_rule:?}");
    let reference = of("--pixel-rule reference");
    assert_eq!(reference["pixel_rule"], serde_json::json!({"grid": "input", "mask": "one"}));
    let soft = of("--pixel-rule reference --mask-rule half");
    assert_eq!(soft["pixel_rule"], serde_json::json!({"grid": "input", "mask": "half"}));
    assert!(marked(&soft) > marked(&reference));
    room.run(&format!("{line} --metric-size 0")).fails_in_json(2, &["must be a number between 1 and 16384"]);
}

#[test]
fn other_layouts_have_names_of_their_own() {
    let room = Room::with_model();
    std::fs::rename(room.path("set/bolt"), room.path("bolt")).unwrap();
    for (from, to) in [("train/good", "train/ok"), ("test/good", "test/ok"), ("test/dent", "test/ko")] {
        std::fs::create_dir_all(room.path("btad/01").join(to).parent().unwrap()).unwrap();
        std::fs::rename(room.path("bolt").join(from), room.path("btad/01").join(to)).unwrap();
    }
    for name in ["000", "001"] {
        room.copy(
            format!("bolt/ground_truth/dent/{name}_mask.png"),
            format!("btad/01/ground_truth/ko/{name}.png"),
        );
    }
    room.run("evaluate bolt.patchcore --dataset btad -o results").succeeds();
    assert!(room.text("results/results.csv").contains("\r\nbtad_01,1.0,"));
}

/// Two parts of one file name, as in every folder of the set.
#[test]
fn pictures_are_named_by_their_path_below_the_root() {
    let room = Room::with_model();
    for (i, part) in ["kos01", "kos02", "kos03"].into_iter().enumerate() {
        for name in ["Part0", "Part1"] {
            draw::save(&draw::plate(30 + i as u32), &room.path(format!("kolektor/{part}/{name}.png")));
            draw::save(
                &image::GrayImage::new(64, 48),
                &room.path(format!("kolektor/{part}/{name}_label.bmp")),
            );
        }
        draw::save(&draw::dented(40 + i as u32), &room.path(format!("kolektor/{part}/Part2.png")));
        draw::save(&draw::dent_mask(), &room.path(format!("kolektor/{part}/Part2_label.bmp")));
    }
    room.run("evaluate bolt.patchcore --dataset kolektor -o results").succeeds();
    let scores = room.text("results/scores.csv");
    for part in ["kos01", "kos02", "kos03"] {
        assert!(scores.contains(&format!(",defect,{part}/Part2.png,1,")), "{scores}");
    }
    assert!(room.text("results/results.csv").contains("\r\nkolektor-sdd_kolektor,"));
}

/// A part of a logical anomaly's region is enough where its saturation says so; of a structural one the whole is asked for.
#[test]
fn saturated_regions_count_in_the_layout_that_has_them() {
    let room = Room::with_model();
    let loco = |place: &str| room.path(format!("loco/bolt/{place}"));
    for (from, to) in
        [("train/good", "train/good"), ("test/good", "test/good"), ("test/dent", "test/structural_anomalies")]
    {
        std::fs::create_dir_all(loco(to).parent().unwrap()).unwrap();
        std::fs::rename(room.path("set/bolt").join(from), loco(to)).unwrap();
    }
    draw::save(&draw::plate(300), &loco("validation/good/000.png"));
    draw::save(&draw::dented(50), &loco("test/logical_anomalies/000.png"));
    let value = |value: u8| {
        image::GrayImage::from_fn(64, 48, |x, y| {
            image::Luma([draw::dent_mask().get_pixel(x, y).0[0].min(value)])
        })
    };
    for (kind, picture, own) in [
        ("structural_anomalies", "000", 200),
        ("structural_anomalies", "001", 200),
        ("logical_anomalies", "000", 201),
    ] {
        draw::save(&value(own), &loco(&format!("ground_truth/{kind}/{picture}/000.png")));
    }
    let config = |logical: f64| {
        let entry = |name: &str, value: u8, threshold: f64, relative: bool| {
            serde_json::json!({
                "defect_name": name, "pixel_value": value, "saturation_threshold": threshold, "relative_saturation": relative,
            })
        };
        serde_json::json!([entry("dent", 200, 1.0, true), entry("missing", 201, logical, false)]).to_string()
    };
    let line = "evaluate --json bolt.patchcore --dataset loco";
    let of =
        |options: &str| room.run(&format!("{line} {options}")).succeeds().json()["categories"][0].clone();
    room.write("loco/bolt/defects_config.json", config(1e6));
    let whole = of("");
    // With every region asked for as a whole it is the AUPRO.
    let (spro, pro) = (whole["au_spro_0.05"].as_f64().unwrap(), whole["aupro_0.05"].as_f64().unwrap());
    assert!((spro - pro).abs() < 1e-12, "{spro} {pro}");
    room.write("loco/bolt/defects_config.json", config(1.0));
    assert!(of("")["au_spro_0.05"].as_f64().unwrap() > spro);
    let types: Vec<&str> =
        whole["types"].as_array().unwrap().iter().map(|t| t["defect"].as_str().unwrap()).collect();
    assert_eq!(types, ["logical_anomalies", "structural_anomalies"]);
    let area = |i: usize| whole["types"][i]["auroc"].as_f64().unwrap();
    let mean = f64::midpoint(area(0), area(1));
    assert_eq!(whole["image_auroc_mean_of_types"], mean);
    assert!(of("--metric-size 32")["undefined"]["au_spro_0.05"].as_str().unwrap().contains("own size only"));
    draw::save(&value(7), &loco("ground_truth/logical_anomalies/000/000.png"));
    let reason = of("")["undefined"]["au_spro_0.05"].to_string();
    assert!(
        reason.contains("logical_anomalies/000/000.png: the data set tells no saturation for the value 7"),
        "{reason}"
    );
    let text = room.run("evaluate bolt.patchcore --dataset loco").succeeds().stdout;
    assert!(text.contains("(by type)") && text.contains("AU-sPRO 0.05"), "{text}");
}

#[test]
fn a_folder_of_models_measures_every_category_and_their_mean() {
    let room = room_with_models();
    let text = room.run("evaluate models --dataset set -o results").succeeds().stdout;
    assert_eq!(first_words(&text), ["bolt", "nut", "mean"]);

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
    assert!(scores.lines().nth(1).unwrap().starts_with("bolt,dent,bolt/test/dent/000.png,1,"), "{scores}");
    assert!(scores.lines().nth(1).unwrap().ends_with(",defect"), "{scores}");
    assert_eq!(
        room.names("results"),
        ["bolt", "nut", "report.html", "report.json", "results.csv", "scores.csv"]
    );
    assert_eq!(room.names("results/bolt/dent"), ["000.png", "001.png"]);

    room.run("evaluate models --dataset set -o results").fails(5, &["results: is not empty"]);
    let one = room.run("evaluate models --dataset set --category nut -o results --force").succeeds();
    assert!(!one.stdout.contains("bolt"), "{}", one.stdout);
}

#[test]
fn models_and_categories_go_in_pairs_or_one_serves_all() {
    let room = room_with_models();
    let heads = |line: &str| first_words(&room.run(line).succeeds().stdout);
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
fn without_masks_only_the_pixel_metrics_are_undefined() {
    let room = Room::with_model();
    std::fs::remove_dir_all(room.path("set/bolt/ground_truth")).unwrap();
    let all = room.run("evaluate --json bolt.patchcore --dataset set --category bolt").succeeds().json();
    let bolt = &all["categories"][0];
    assert_eq!(bolt["image_auroc"], 1.0);
    assert!(bolt["pixel_auroc"].is_null());
    assert_eq!(bolt["undefined"]["pixel_auroc"], "2 anomalous pictures have no mask");
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
    for cell in [
        ",good,bolt/test/good/=cmd().png,0,",
        ",good,\"bolt/test/good/a,b.png\",0,",
        ",good,\"bolt/test/good/a\nb.png\",0,",
    ] {
        assert!(scores.contains(cell), "no {cell:?} in\n{scores}");
    }
}

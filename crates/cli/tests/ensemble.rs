//! Several networks, or one at several scales, in one model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::json;
use support::Room;

const TWO: &str = "--backbone efficientnet_lite0 --backbone efficientnet_lite0.seed-5 --layers \
                   0.blocks.2,0.blocks.4,1.blocks.1 --imagesize 64 --bank-rows 40";

#[test]
fn an_ensemble_is_fitted_judges_single_pictures_and_is_measured() {
    let room = Room::with_data();
    let fit = format!("fit --dataset set --category bolt -o both.patchcore {TWO}");
    let said = room.run(&fit).succeeds().stdout;
    assert_eq!(said.matches("efficientnet_lite0: 40 of ").count(), 2, "{said}");
    let model = room.run("inspect --json both.patchcore").succeeds().json();
    let part = |member: usize, field: &str| model["members"][member]["params"][field].clone();
    assert_eq!(
        (part(0, "layers"), part(1, "layers")),
        (json!(["blocks.2", "blocks.4"]), json!(["blocks.1"]))
    );
    assert_eq!((&part(0, "sampler")["seed"], &part(1, "sampler")["seed"]), (&json!(0), &json!(5)));
    let text = room.run("inspect both.patchcore").succeeds().stdout;
    assert!(text.contains("member         2, scores divided by "), "{text}");

    let judged = room.run("predict --json both.patchcore set/bolt/test/dent").succeeds().json_lines();
    assert!(judged.iter().all(|record| record["verdict"] == "defect"), "{judged:?}");
    let one = room.run("predict --json both.patchcore set/bolt/test/dent/000.png").succeeds().json();
    assert_eq!(one["image_score"], judged[0]["image_score"]);
    let bench = room.run("bench --json --rounds 1 both.patchcore set/bolt/test/dent").succeeds().json();
    assert_eq!(bench["backbone"], "efficientnet_lite0 + efficientnet_lite0");
    assert!(bench["multiply_adds"].as_f64().unwrap() > 0.0);

    let measured = |options: &str| {
        let run = format!("evaluate both.patchcore --dataset set --category bolt --json {options}");
        room.run(&run).succeeds().json()["categories"][0].clone()
    };
    assert_eq!(measured("")["image_auroc"], 1.0);
    let fused = measured("--fusion reference -o fused");
    assert_eq!(fused["image_auroc"], 1.0);
    // Of the whole test set, the worst picture for both members scores 1, the best 0.
    let scores = room.text("fused/scores.csv");
    let scores: Vec<f64> = scores
        .lines()
        .skip(1)
        .map(|line| line.split(',').find_map(|cell| cell.parse().ok()).unwrap())
        .collect();
    assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
}

#[test]
fn the_original_scales_a_single_model_too() {
    let room = Room::with_model();
    let run = "evaluate bolt.patchcore --dataset set --category bolt --json";
    let (raw, fused) = (room.run(run).succeeds().json(), room.run(&format!("{run} --fusion reference")));
    let fused = fused.succeeds().json();
    let metric = |all: &serde_json::Value, name: &str| all["categories"][0][name].as_f64().unwrap();
    for name in ["image_auroc", "pixel_auroc"] {
        assert!((metric(&raw, name) - metric(&fused, name)).abs() < 1e-6, "{name}: {raw} {fused}");
    }
}

#[test]
fn the_accurate_preset_looks_twice() {
    let room = Room::with_data();
    let fit = "fit --good set/bolt/train/good -o m.patchcore --preset accurate --bank-rows 50 --json";
    let summary = room.run(fit).succeeds().json();
    assert_eq!(summary["members"].as_array().map(Vec::len), Some(2));
    let text = room.run("inspect m.patchcore").succeeds().stdout;
    for side in [224, 320] {
        assert!(text.contains(&format!("\"area_side\":{side}")), "{text}");
    }
    let evaluate = "evaluate m.patchcore --dataset set --category bolt --fusion reference --json";
    assert_eq!(room.run(evaluate).succeeds().json()["categories"][0]["image_auroc"], 1.0);
    room.run("predict m.patchcore set/bolt/test/good -o seen").succeeds();
    assert_eq!(room.names("seen").len(), 3 * room.names("set/bolt/test/good").len());
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let room = Room::with_data();
    let two = "--backbone efficientnet_lite0 --backbone resnet18";
    for (options, code, words) in [
        (format!("{two} --layers blocks.2,layer2"), 2, vec!["layer blocks.2", "I.NAME, I from 0 to 1"]),
        (format!("{two} --layers 2.layer2"), 2, vec!["layer 2.layer2"]),
        (format!("{two} --layers 0.blocks.2"), 2, vec!["no layer of network 1 is named: add 1.NAME"]),
        (two.to_string(), 4, vec!["resnet18", "--weights FILE"]),
        (format!("{two} --weights a --weights b --weights c"), 2, vec!["3 files of weights for 2 networks"]),
        ("--backbone resnet18.seed-x".into(), 2, vec!["the seed is no number"]),
        ("--preset accurate --imagesize 100".into(), 2, vec!["--preset accurate has its own sizes"]),
        (
            "--preset IM224_WR50_L2-3_P01_D1024-1024_PS-3_AN-1 --backbone resnet18".into(),
            2,
            vec!["names its own networks"],
        ),
        ("--preset best".into(), 2, vec!["accurate", "IM320_Ensemble_L2-3_P001_D1024-384_PS-5_AN-5"]),
    ] {
        room.run(&format!("fit --good set/bolt/train/good -o m.patchcore {options}")).fails(code, &words);
    }
    room.run("bench coreset --good set/bolt/train/good --preset accurate")
        .fails(2, &["bench coreset takes one network at one scale"]);
}

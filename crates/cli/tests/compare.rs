//! `patchcore compare`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::{Room, resnet18};

/// The lines of a `scores.csv`: good and defective pictures with these scores, a defect from 1 on.
fn scores(category: &str, good: &[f32], bad: &[f32]) -> String {
    let row = |(i, &(score, anomalous)): (usize, &(f32, u8))| {
        let verdict = if score >= 1.0 { "defect" } else { "ok" };
        let kind = if anomalous == 1 { "dent" } else { "good" };
        format!("{category},{kind},{category}/test/{kind}/{i:03}.png,{anomalous},{score},{verdict}\n")
    };
    let all: Vec<(f32, u8)> = good.iter().map(|&s| (s, 0)).chain(bad.iter().map(|&s| (s, 1))).collect();
    let rows: String = all.iter().enumerate().map(row).collect();
    format!("category,defect,picture,anomalous,image_score,verdict\n{rows}")
}

/// Twenty good and twenty defective pictures; a larger `overlap` mixes more of them.
fn spread(overlap: f32) -> (Vec<f32>, Vec<f32>) {
    let step = |i: usize| i as f32 / 20.0;
    ((0..20).map(step).collect(), (0..20).map(|i| 1.0 - overlap + step(i)).collect())
}

fn json(room: &Room, line: &str) -> Value {
    room.run(&format!("compare --json {line}")).succeeds().json()
}

#[test]
fn a_clear_difference_is_told_with_its_sign() {
    let room = Room::new();
    let ((good, bad), (worse_good, worse_bad)) = (spread(0.1), spread(0.8));
    room.write("a/scores.csv", scores("bolt", &worse_good, &worse_bad));
    room.write("b.csv", scores("bolt", &good, &bad));
    let text = room.run("compare a b.csv").succeeds().stdout;
    assert!(text.starts_with("bolt: 20 good and 20 defective test pictures"), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("B is better: image AUROC ") && last.ends_with(" on 40 pictures."), "{text}");

    let found = json(&room, "a b.csv");
    let bolt = &found["categories"][0];
    assert_eq!((&found["better"], &found["mean"]), (&"B".into(), &Value::Null));
    assert_eq!(found["conclusion"], last);
    let difference = |name: &str| bolt[name]["difference"].as_f64().unwrap();
    let auroc = |who: &str| bolt["image_auroc"][who].as_f64().unwrap();
    assert!((difference("image_auroc_bootstrap") - (auroc("b") - auroc("a"))).abs() < 1e-12);
    assert!((difference("image_auroc_delong") - (auroc("b") - auroc("a"))).abs() < 1e-12);
    assert!(difference("image_ap_bootstrap") > 0.0);
    // Two of B's defects lie below 1, sixteen of A's.
    let escapes = serde_json::json!({"of": 20, "a": 16, "b": 2, "only_a": 14, "only_b": 0});
    for (key, value) in escapes.as_object().unwrap() {
        assert_eq!(&bolt["escapes"][key], value, "{key}");
    }
    let p = bolt["escapes"]["p_value"].as_f64().unwrap();
    assert!((p - 2.0 * 0.5_f64.powi(14)).abs() < 1e-15, "{p}");
    assert_eq!((&bolt["overkill"]["a"], &bolt["overkill"]["p_value"]), (&0.into(), &1.0.into()));

    assert_eq!(json(&room, "b.csv a")["better"], "A");
}

#[test]
fn where_nothing_can_be_told_that_is_said() {
    let room = Room::new();
    let (good, bad) = spread(0.5);
    let mut other = bad.clone();
    other.swap(0, 19);
    room.write("a.csv", scores("bolt", &good, &bad));
    room.write("b.csv", scores("bolt", &good, &other));
    let text = room.run("compare a.csv b.csv").succeeds().stdout;
    assert!(text.ends_with(" (B), p = 1.000.\n"), "{text}");
    assert!(text.contains("No difference can be told with these 40 pictures: image AUROC "), "{text}");
    room.write("good.csv", scores("bolt", &good, &[]));
    let text = room.run("compare good.csv good.csv").succeeds().stdout;
    assert!(text.contains("with these 20 pictures: nothing is labelled anomalous."), "{text}");
    assert!(!text.contains("NaN"), "{text}");
}

#[test]
fn several_categories_and_their_mean() {
    let room = Room::new();
    let ((good, bad), (worse_good, worse_bad)) = (spread(0.3), spread(0.7));
    let two = |first: String, second: String| first + second.split_once('\n').unwrap().1;
    room.write("a.csv", two(scores("bolt", &worse_good, &worse_bad), scores("nut", &worse_good, &worse_bad)));
    room.write("b.csv", two(scores("bolt", &good, &bad), scores("nut", &worse_good, &worse_bad)));
    let found = json(&room, "a.csv b.csv");
    let difference = |value: &Value| value["image_auroc_bootstrap"]["difference"].as_f64().unwrap();
    let each = [0, 1].map(|i| difference(&found["categories"][i]));
    assert_eq!(each[1], 0.0);
    assert!((difference(&found["mean"]) - each[0] / 2.0).abs() < 1e-12);
    assert_eq!((&found["better"], &found["mean"]["pictures"]), (&"B".into(), &80.into()));
    let text = room.run("compare a.csv b.csv").succeeds().stdout;
    assert!(
        text.contains("\nmean of 2 categories") && text.contains("mean image AUROC over 2 categories"),
        "{text}"
    );
    assert_eq!(json(&room, "a.csv b.csv --category nut")["better"], Value::Null);
    room.run("compare a.csv b.csv --category screw").fails(3, &["a.csv: no category \"screw\""]);
}

#[test]
fn other_pictures_are_named() {
    let room = Room::new();
    let (good, bad) = spread(0.3);
    room.write("a.csv", scores("bolt", &good, &bad));
    room.write("b.csv", scores("bolt", &good, &bad[1..]));
    room.run("compare a.csv b.csv").fails(
        3,
        &["bolt: A and B were not measured on the same pictures", "only A has bolt/test/dent/039.png"],
    );
    let turned = room.text("a.csv").replace("good/003.png,0,", "good/003.png,1,");
    room.write("turned.csv", turned);
    room.run("compare a.csv turned.csv").fails(3, &["good/003.png is good in A and defective in B"]);
    room.write("nut.csv", scores("nut", &good, &bad));
    room.run("compare a.csv nut.csv")
        .fails(3, &["not measured on the same categories", "only A has bolt", "only B has nut"]);
}

#[test]
fn files_that_hold_no_scores_are_refused_with_their_reason() {
    let room = Room::new();
    let (good, bad) = spread(0.3);
    room.write("a.csv", scores("bolt", &good, &bad));
    for (name, bytes, word) in [
        ("empty.csv", String::new(), "there are no scores in it"),
        ("other.csv", "x,y\n1,2\n".into(), "missing field `category`"),
        ("nan.csv", scores("bolt", &[f32::NAN], &[1.0]), "the score is not a finite number"),
        ("word.csv", scores("bolt", &good, &bad).replace(",defect\n", ",perhaps\n"), "the verdict is \"perhaps\""),
        ("label.csv", scores("bolt", &good, &bad).replace(",1,", ",2,"), "anomalous is 2, expected 0 or 1"),
        ("cut.json", "{\"categories\": [".into(), "EOF while parsing"),
        ("list.json", "[]".into(), "expected struct"),
        ("huge.json", "{\"categories\": [{\"category\": \"b\", \"scores\": [{\"picture\": \"p\", \"anomalous\": true, \"image_score\": 1e39}]}]}".into(), "number out of range"),
    ] {
        room.write(name, bytes);
        room.run(&format!("compare a.csv {name}")).fails(3, &[name, word]);
    }
    room.run("compare a.csv gone.csv").fails(5, &["gone.csv"]);
    room.run("compare a.csv gone.patchcore").fails(2, &["gone.patchcore: a model needs pictures"]);
    room.run("compare a.csv a.csv --dataset .").fails(3, &["."]);
}

/// Models, and what was written about them, say the same.
#[test]
fn models_and_their_results_give_one_answer() {
    let room = Room::with_model();
    room.run("fit --dataset set --category bolt -o small.patchcore --imagesize 32 --bank-rows 4").succeeds();
    let models = json(&room, "small.patchcore bolt.patchcore --dataset set --category bolt");
    assert_eq!(models["categories"][0]["defective_pictures"], 2);
    assert_eq!(models["categories"][0]["escapes"]["of"], 2);
    let of = |model: &str, folder: &str| {
        let line = format!("evaluate {model}.patchcore --dataset set --category bolt");
        room.run(&format!("{line} -o {folder}")).succeeds();
        room.write(format!("{folder}.json"), room.run(&format!("{line} --json")).succeeds().stdout);
    };
    of("small", "a");
    of("bolt", "b");
    for line in ["a b", "a.json b.json", "a/scores.csv b.json"] {
        assert_eq!(json(&room, line), models, "{line}");
    }
    assert_eq!(json(&room, "a bolt.patchcore --dataset set --category bolt"), models);
    room.run("compare a b --dataset set").fails(2, &["both A and B are saved results"]);
    room.run("compare bolt.patchcore gone.patchcore --dataset set --category bolt")
        .fails(4, &["gone.patchcore: no such model"]);
    room.run("compare bolt.patchcore b --dataset set").fails(2, &["--category NAME"]);
}

/// Each model is measured with its own network's weights.
#[test]
fn models_of_two_networks_have_their_own_weights() {
    let room = Room::with_model();
    room.write(resnet18::NAME, resnet18::file());
    let fit = "fit --dataset set --category bolt -o other.patchcore --backbone resnet18 --imagesize 32 --bank-rows 4";
    room.run(&format!("{fit} --weights {}", resnet18::NAME)).succeeds();
    let line = "other.patchcore bolt.patchcore --dataset set --category bolt";
    let found = json(&room, &format!("{line} --weights-a {}", resnet18::NAME));
    assert_eq!(found["categories"][0]["image_auroc"]["b"], 1.0);
    room.run(&format!("compare {line} --weights-b {}", resnet18::NAME)).fails(4, &["resnet18"]);
    room.run(&format!("compare {line} --weights x --weights-a y")).fails(2, &["cannot be used with"]);
}

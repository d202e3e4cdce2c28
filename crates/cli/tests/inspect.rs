//! `patchcore inspect`.

mod support;

use serde_json::json;
use support::{Room, tiny_model};

#[test]
fn the_text_names_what_matters() {
    let room = Room::new();
    room.write("part.patchcore", tiny_model());
    let text = room.run("inspect part.patchcore").succeeds().stdout;
    let heads: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(
        heads,
        [
            "model",
            "training",
            "pictures",
            "backbone",
            "weights",
            "preprocess",
            "embedding",
            "sampler",
            "scoring",
            "memory",
            "threshold",
            "review",
            "pixels",
            "from",
            "too"
        ]
    );
    for part in [
        "part.patchcore (format 3, made by patchcore ",
        "efficientnet_lite0, layers blocks.2 blocks.4",
        "6 pictures; 0 left out",
        "64 x 48 pixels, in colour",
        "4 rows of 96 patches, covering radius ",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn the_json_holds_everything_but_the_bank() {
    let room = Room::new();
    room.write("part.patchcore", tiny_model());
    let all = room.run("inspect --json part.patchcore").succeeds().json();
    assert_eq!(all["format_version"], 3);
    let member = &all["members"][0];
    assert_eq!(member["patches"], 96);
    assert_eq!(member["bank_rows"], 4);
    assert_eq!(member["embedding_dimension"], 152);
    assert_eq!(member["params"]["backbone"], "efficientnet_lite0");
    assert_eq!(
        member["params"]["preprocess"]["geometry"],
        json!({"whole": {"area_side": 32, "multiple": 16}})
    );
    assert_eq!(all["training"]["pictures"].as_array().map(Vec::len), Some(6));
    assert_eq!(all["training"]["skipped"], json!([]));
    assert_eq!(all["calibration"]["image_scores"].as_array().map(Vec::len), Some(6));
    assert_eq!(member["weights_fingerprint"].as_str().map(str::is_empty), Some(false));
}

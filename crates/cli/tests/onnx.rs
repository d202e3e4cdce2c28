//! Networks from ONNX files.

#![cfg(feature = "onnx")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use serde_json::json;
use support::Room;

fn room() -> Room {
    let room = Room::with_data();
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/onnx");
    for name in ["maps.onnx", "tokens.onnx", "channels_last.onnx"] {
        room.write(format!("nets/{name}"), std::fs::read(from.join(name)).unwrap());
    }
    room
}

const CROP: &str = "--resize 40 --imagesize 24x40 --bank-rows 20";

#[test]
fn a_network_from_a_file_fits_and_judges() {
    let room = room();
    let fit = format!(
        "fit --good set/bolt/train/good -o m.patchcore --backbone nets/tokens.onnx --layers block {CROP}"
    );
    room.run(&fit).succeeds();
    let params = room.run("inspect --json m.patchcore").succeeds().json()["members"][0]["params"].clone();
    assert_eq!((&params["backbone"], &params["layers"]), (&json!("tokens"), &json!(["block"])));
    assert_eq!(params["onnx"], json!({"layout": null, "prefix_tokens": null}));
    room.run("predict m.patchcore set/bolt/test/good")
        .fails(4, &["tokens", "its ONNX file with --weights FILE"]);
    let judged = "predict --json m.patchcore set/bolt/test/dent --weights";
    let judged = room.run(&format!("{judged} nets/tokens.onnx")).succeeds().json_lines();
    assert!(judged.iter().all(|record| record["image_score"].as_f64().is_some()), "{judged:?}");
    room.run("predict m.patchcore set/bolt/test/dent --weights nets/maps.onnx").fails(2, &["block"]);
}

#[test]
fn it_may_be_a_member_beside_others() {
    let room = room();
    let two = "--backbone efficientnet_lite0 --backbone nets/maps.onnx --layers 0.blocks.1,1.stage1,1.stage2";
    room.run(&format!("fit --good set/bolt/train/good -o m.patchcore {two} {CROP}")).succeeds();
    let judged = "predict --json m.patchcore set/bolt/test/dent --weights nets/maps.onnx";
    let judged = room.run(judged).succeeds().json_lines();
    assert!(judged.iter().all(|record| record["verdict"] == "defect"), "{judged:?}");
}

#[test]
fn what_is_missing_is_asked_for() {
    let room = room();
    let fit = "fit --good set/bolt/train/good -o m.patchcore --backbone";
    room.run(&format!("{fit} nets/maps.onnx")).fails(2, &["nets/maps.onnx: which layers?"]);
    room.run(&format!("{fit} nets/maps.onnx --layers stage9 {CROP}"))
        .fails(2, &["nets/maps.onnx", "stage9", "stage1"]);
    room.run(&format!("{fit} gone.onnx --layers a {CROP}")).fails(4, &["gone.onnx"]);
    room.run(&format!("{fit} nets/channels_last.onnx --layers block"))
        .fails(3, &["24 x 40 only", "--imagesize"]);
    room.run(&format!("{fit} nets/tokens.onnx --layers block {CROP} --onnx-layout nchw"))
        .fails(4, &["block"]);
    room.run(&format!("{fit} nets/tokens.onnx --layers block {CROP} --precision bf16")).fails(2, &["bf16"]);
    assert!(!room.names(".").contains(&"m.patchcore".to_string()));
}

//! `patchcore import` and `patchcore export`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::Room;

const R18: &str = "--backbone resnet18 --layers act1 --weights r18.safetensors";
const REFERENCE: &str = "--preset reference-224 --resize 40 --imagesize 32 --pretrain-embed-dimension 64 \
                         --target-embed-dimension 32 --percentage 0.02";

/// With anomalib's files, and the start of a ResNet-18 that lies in one of them.
fn room() -> Room {
    let room = Room::with_data();
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/anomalib");
    for name in ["patchcore.ckpt", "patchcore.pt"] {
        room.write(name, std::fs::read(from.join(name)).unwrap());
    }
    let import = "import patchcore.ckpt -o first.patchcore --save-weights r18.safetensors";
    let said = room.run(import).succeeds();
    assert!(said.stderr.contains("was chosen on pictures with labels and is left out"), "{}", said.stderr);
    assert!(said.stdout.contains("resnet18: a bank of "), "{}", said.stdout);
    room
}

fn scores(room: &Room, model: &str) -> Vec<f64> {
    let run = format!("predict --json {model} set/bolt/test --weights r18.safetensors");
    room.run(&run).succeeds().json_lines().iter().map(|p| p["image_score"].as_f64().unwrap()).collect()
}

#[test]
fn a_model_of_anomalib_judges_pictures() {
    let room = room();
    room.run("import patchcore.pt -o second.patchcore").succeeds();
    assert_eq!(scores(&room, "first.patchcore"), scores(&room, "second.patchcore"));
    let text = room.run("inspect first.patchcore").succeeds().stdout;
    for part in ["not known: made by another program", "none: imported without good pictures"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    // Without good pictures there is no threshold, and so no verdict.
    let one = "predict --json first.patchcore set/bolt/test/good/000.png --weights r18.safetensors";
    assert_eq!(room.run(one).succeeds().json()["verdict"], "unknown");
    let import = "import patchcore.ckpt -o third.patchcore --good set/bolt/train/good --json --weights r18.safetensors";
    assert!(room.run(import).succeeds().json()["thresholds"]["image"].as_f64().unwrap() > 0.0);
    assert_eq!(room.run(&one.replace("first", "third")).succeeds().json()["verdict"], "ok");
}

#[test]
fn a_model_of_the_original_goes_out_and_comes_back() {
    let room = room();
    room.run(&format!("fit --good set/bolt/train/good -o own.patchcore {R18} {REFERENCE}")).succeeds();
    room.run("export own.patchcore --format reference -o pair").succeeds();
    assert_eq!(room.names("pair"), ["nnscorer_search_index.faiss", "patchcore_params.pkl"]);
    room.run("export own.patchcore --format reference -o pair").fails(5, &["exists already", "--force"]);

    let import = "import pair --weights r18.safetensors -o back.patchcore";
    room.run(import).fails(2, &["pair: the files do not say to which size", "32x32", "--resize"]);
    room.run(&format!("{import} --resize 40")).succeeds();
    assert_eq!(scores(&room, "own.patchcore"), scores(&room, "back.patchcore"));
    room.run("export back.patchcore --format reference -o again").succeeds();
    for name in ["nnscorer_search_index.faiss", "patchcore_params.pkl"] {
        assert_eq!(room.read(format!("pair/{name}")), room.read(format!("again/{name}")));
    }
}

/// Two members: judged alone only when good pictures gave them a common scale.
#[test]
fn an_ensemble_of_the_original_is_measured_or_calibrated() {
    let room = room();
    let two = "--backbone resnet18 --backbone resnet18 --layers 0.act1,1.conv1 --weights r18.safetensors";
    room.run(&format!("fit --good set/bolt/train/good -o own.patchcore {two} {REFERENCE}")).succeeds();
    room.run("export own.patchcore --format reference -o pairs").succeeds();
    assert_eq!(room.names("pairs").len(), 4);
    assert!(room.names("pairs").contains(&"Ensemble-2-2_patchcore_params.pkl".to_string()));
    let import = "import pairs --resize 40 --weights r18.safetensors --force -o back.patchcore";
    let said = room.run(import).succeeds().stdout;
    assert!(said.contains("not calibrated"), "{said}");
    let weights = "--weights r18.safetensors";
    room.run(&format!("predict back.patchcore set/bolt/test/dent/000.png {weights}"))
        .fails(7, &["the ensemble was not calibrated with good pictures"]);
    let table = |model: &str| {
        let run = format!("evaluate {model} --dataset set --category bolt --fusion reference {weights}");
        room.run(&run).succeeds().stdout
    };
    assert_eq!(table("back.patchcore"), table("own.patchcore"));
    room.run(&format!("{import} --good set/bolt/train/good")).succeeds();
    let judged = room.run(&format!("predict --json back.patchcore set/bolt/test/dent {weights}")).succeeds();
    assert!(judged.json_lines().iter().all(|record| record["verdict"] == "defect"), "{}", judged.stdout);
}

#[test]
fn what_cannot_be_imported_or_exported_is_named() {
    let room = room();
    room.run("import gone -o new.patchcore").fails(4, &["gone"]);
    room.run("import set -o new.patchcore --resize 40").fails(4, &["set"]);
    room.run("import set/bolt/test/dent/000.png -o new.patchcore").fails(4, &["000.png"]);
    room.write(
        "lfs/nnscorer_search_index.faiss",
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
    );
    room.write(
        "lfs/patchcore_params.pkl",
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
    );
    room.run("import lfs -o new.patchcore --resize 40").fails(4, &["Git", "LFS"]);
    room.write("own.patchcore", support::default_model());
    room.run("export own.patchcore --format reference -o pair").fails(2, &["own.patchcore: geometry is "]);
    assert!(!room.names(".").contains(&"pair".to_string()));
    assert!(!room.names(".").contains(&"new.patchcore".to_string()));
}

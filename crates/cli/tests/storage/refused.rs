//! Cases 61 and 62: outputs that may not, or cannot, be written.

use crate::support::{Room, draw};
use std::path::Path;

/// Every file below a folder with its bytes, but for folders.
fn everything(room: &Room) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    fn add(folder: &Path, all: &mut Vec<(std::path::PathBuf, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(&path, all);
            } else {
                all.push((path.clone(), std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut all = Vec::new();
    add(&room.path("."), &mut all);
    all.sort();
    all
}

const FIT: &str = "fit --good set/bolt/train/good --imagesize 32 --bank-rows 4";
const R18: &str = "--backbone resnet18 --layers act1 --weights r18.safetensors";

/// With weights, and a model made with them that the original could have made.
pub(super) fn room_with_original() -> Room {
    let room = Room::with_data();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/anomalib/patchcore.ckpt");
    room.write("patchcore.ckpt", std::fs::read(from).unwrap());
    room.run("import patchcore.ckpt -o first.patchcore --save-weights r18.safetensors");
    let reference =
        "--preset reference-224 --resize 40 --pretrain-embed-dimension 64 --target-embed-dimension 32";
    room.run(&format!("{FIT} {reference} {R18} -o flat.patchcore")).succeeds();
    room
}

#[test]
fn case_61_an_output_that_exists_is_refused_before_the_work() {
    let room = Room::with_model();
    for name in ["old.patchcore", "old.html", "old.json", "full/old.csv", "old.csv"] {
        room.write(name, "last year's");
    }
    let before = everything(&room);
    for line in [
        &format!("{FIT} -o old.patchcore"),
        &format!("{FIT} -o new.patchcore --report old.html"),
        "calibrate bolt.patchcore --good set/bolt/test/good -o old.patchcore",
        "predict bolt.patchcore set/bolt/test --coco old.json",
        "dataset manifest set -o old.csv",
        "bench coreset --good set/bolt/train/good --save old.json",
        "bench search bolt.patchcore set/bolt/test --save old.json",
    ] {
        room.run(line).fails(5, &[": exists already", "--force"]);
    }
    for line in [
        "predict bolt.patchcore set/bolt/test -o full",
        "evaluate bolt.patchcore --dataset set --category bolt -o full",
    ] {
        room.run(line).fails(5, &["full: is not empty", "--force"]);
    }
    assert_eq!(everything(&room), before);
}

#[test]
fn case_61_an_output_that_is_an_input_is_refused_even_with_force() {
    let room = Room::with_model();
    room.write("weights.safetensors", "weights");
    room.write("names.txt", "000.png");
    room.write("saved/patchcore_params.pkl", "saved");
    room.copy("set/bolt/test/good/000.png", "shots/a.png");
    room.copy("set/bolt/test/good/000.png", "shots/a_overlay.png");
    room.run("dataset manifest set -o list.csv").succeeds();
    std::os::unix::fs::symlink("bolt.patchcore", room.path("link")).unwrap();
    let before = everything(&room);
    let picture = "set/bolt/train/good/000.png";
    for force in ["", " --force"] {
        for line in [
            &format!("{FIT} -o {picture}"),
            &format!("{FIT} -o set/../{picture}"),
            &format!("{FIT} -o names.txt --drop names.txt"),
            &format!("{FIT} -o new.patchcore --report {picture}"),
            "fit --dataset list.csv --category bolt -o list.csv",
            "calibrate bolt.patchcore --good set/bolt/test/good -o bolt.patchcore",
            "calibrate bolt.patchcore --good set/bolt/test/good -o link",
            "calibrate bolt.patchcore --good set/bolt/test/good -o set/bolt/test/good/000.png",
            "predict bolt.patchcore set/bolt/test --coco bolt.patchcore",
            "predict bolt.patchcore set/bolt/test --coco set/bolt/test/good/000.png",
            "predict bolt.patchcore set/bolt/test -o set/bolt/test",
            "predict bolt.patchcore shots/a.png shots/a_overlay.png -o shots",
            "evaluate bolt.patchcore --dataset set --category bolt -o set",
            "import saved -o saved/patchcore_params.pkl --resize 40",
            "import saved -o both --save-weights both --resize 40",
            "dataset manifest list.csv -o list.csv",
        ] {
            let run = room.run(&format!("{line}{force}"));
            assert!(!run.stderr.contains("exists already"), "{}", run.stderr);
            run.fails(2, &[": is "]);
        }
    }
    assert_eq!(everything(&room), before);
}

#[test]
fn case_61_neither_weights_nor_a_model_are_replaced_by_what_is_made_of_them() {
    let room = room_with_original();
    room.copy("flat.patchcore", "out/nnscorer_search_index.faiss");
    let before = everything(&room);
    for force in ["", " --force"] {
        room.run(&format!("{FIT} {R18} -o r18.safetensors{force}"))
            .fails(2, &["r18.safetensors: is one of the inputs"]);
        room.run(&format!("export out/nnscorer_search_index.faiss --format reference -o out{force}"))
            .fails(2, &["nnscorer_search_index.faiss: is one of the inputs"]);
    }
    assert_eq!(everything(&room), before);
}

/// The pictures are missing too, or the model is no model: an error about the output shows that it was looked at first.
#[test]
fn case_62_an_output_that_cannot_be_written_is_refused_before_the_work() {
    let room = Room::with_model();
    room.write("file", "a file");
    let before = everything(&room);
    for place in ["gone/x", "file/x", "/proc/x", "/sys/x"] {
        for line in [
            format!("fit --good nowhere -o {place}"),
            format!("fit --good set/bolt/train/good -o new.patchcore --report {place}.html"),
            format!("calibrate nothing --good nowhere -o {place}"),
            format!("predict nothing nowhere --coco {place}"),
            format!("bench coreset --good nowhere --save {place}"),
            format!("bench search nothing nowhere --save {place}"),
            format!("import nothing -o {place}"),
            format!("import nothing -o new.patchcore --save-weights {place}"),
            format!("dataset manifest nowhere -o {place}.csv"),
        ] {
            room.run(&line).fails(5, &[place]);
        }
    }
    for place in ["file", "file/x", "/proc/x", "/sys"] {
        for line in [
            format!("predict nothing nowhere -o {place} --force"),
            format!("evaluate bolt.patchcore --dataset set --category bolt -o {place} --force"),
            format!("export bolt.patchcore --format reference -o {place}"),
            format!("run {place} --dataset set --category bolt"),
            format!("demo {place}"),
        ] {
            let run = room.run(&line);
            // An export of a model that the original does not know is refused first.
            if !line.starts_with("export") {
                run.fails(5, &[place.trim_end_matches("/x")]);
            }
        }
    }
    assert_eq!(everything(&room), before);
}

#[test]
fn case_62_an_export_into_no_folder_is_refused() {
    let room = room_with_original();
    room.write("file", "a file");
    let before = everything(&room);
    for place in ["file", "file/x", "/proc/x", "/sys"] {
        room.run(&format!("export flat.patchcore --format reference -o {place}"))
            .fails(5, &[place.trim_end_matches("/x")]);
    }
    assert_eq!(everything(&room), before);
}

#[test]
fn case_62_a_device_or_a_folder_is_no_place_for_a_file() {
    let room = Room::with_data();
    room.run("fit --good nowhere -o /dev/null --force").fails(5, &["/dev/null: not a regular file"]);
    room.run("fit --good nowhere -o set --force").fails(5, &["set: is a folder"]);
    room.run("fit --good nowhere -o new/").fails(5, &["new/: not a regular file but a folder"]);
    room.run(&format!("fit --good nowhere -o {}", "m".repeat(300))).fails(5, &["mmm: cannot make a file"]);
    assert_eq!(room.names("."), ["set"]);
}

/// The temporary file lies beside the file that it becomes, so that no device lies between them.
#[test]
fn case_62_another_device_is_no_hindrance() {
    let room = Room::with_data();
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let model = other.path().join("m.patchcore");
    let line = format!("{FIT} -o {}", model.display());
    room.run(&line).succeeds();
    room.run(&format!("{line} --force")).succeeds();
    room.run(&format!("inspect {}", model.display())).succeeds();
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 1);
    draw::save(&draw::plate(3), &room.path("new/a.png"));
    let results = other.path().join("results");
    room.run(&format!("predict {} new -o {}", model.display(), results.display())).succeeds();
    assert_eq!(std::fs::read_dir(results).unwrap().count(), 3);
}

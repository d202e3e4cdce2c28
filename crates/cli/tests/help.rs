//! What people read: help and error messages, as they were approved in `snapshots/`.

mod support;

use support::{Room, Run};

/// The program's own text, the same on every system and in every version.
fn text(run: &Run) -> String {
    let all = format!("exit code {}\n{}{}", run.code, run.stdout, run.stderr);
    all.replace("patchcore.exe", "patchcore").replace(env!("CARGO_PKG_VERSION"), "[version]")
}

#[test]
fn help() {
    let room = Room::new();
    for command in [
        "",
        "fit",
        "calibrate",
        "predict",
        "evaluate",
        "compare",
        "run",
        "inspect",
        "dataset",
        "dataset inspect",
        "dataset manifest",
        "import",
        "export",
        "bench",
        "bench coreset",
        "bench search",
        "demo",
        "weights",
        "weights list",
        "weights fetch",
        "weights import",
        "weights verify",
        "weights path",
    ] {
        let run = room.run(&format!("{command} --help")).succeeds();
        insta::assert_snapshot!(format!("help {command}").trim_end().replace(' ', "_"), text(&run));
    }
    insta::assert_snapshot!("no_words", text(&room.run("")));
    insta::assert_snapshot!("version", text(&room.run("--version")));
}

#[test]
fn errors() {
    let room = Room::with_model();
    room.write("bad/a.png", "");
    room.write("bad/b.png", "<!DOCTYPE html>");
    room.write("cut.patchcore", &room.read("bolt.patchcore")[..5000]);
    for (name, line) in [
        ("unknown_option", "fit --good bad -o new.patchcore --speed 3"),
        ("share_out_of_range", "fit --good bad -o new.patchcore --percentage 1.1"),
        ("unknown_backbone", "fit --good bad -o new.patchcore --backbone vgg16"),
        ("no_weights", "fit --good bad -o new.patchcore --preset reference-224"),
        ("output_exists", "fit --good bad -o bolt.patchcore"),
        ("bad_pictures", "fit --good bad -o new.patchcore"),
        ("invalid_pictures", "predict bolt.patchcore bad"),
        ("cut_model", "predict cut.patchcore bad"),
        ("no_pictures", "predict bolt.patchcore set/bolt/ground_truth/*.jpg"),
        ("unknown_category", "evaluate bolt.patchcore --dataset set --category screw"),
        ("as_json", "fit --good bad -o new.patchcore --json"),
    ] {
        insta::assert_snapshot!(format!("error_{name}"), text(&room.run(line)));
    }
}

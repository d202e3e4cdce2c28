//! `patchcore predict`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Room, draw, texts};

#[test]
fn a_folder_a_pattern_a_list_and_files_mean_the_same_pictures() {
    let room = Room::with_model();
    let folder = room.predict("set/bolt/test/dent");
    assert_eq!(texts(&folder, "path"), ["set/bolt/test/dent/000.png", "set/bolt/test/dent/001.png"]);
    assert_eq!(texts(&folder, "verdict"), ["defect", "defect"]);
    assert_eq!(room.predict("set/bolt/test/dent/*.png"), folder);
    assert_eq!(room.predict("set/bolt/test/dent/000.png set/bolt/test/dent/001.png"), folder);
    let list = "set/bolt/test/dent/000.png\n\nset/bolt/test/dent/001.png\r\n";
    let listed = room.run_with_input("predict --json bolt.patchcore -", list).succeeds();
    assert_eq!(listed.json_lines(), folder);
}

#[test]
fn a_pattern_may_mean_folders() {
    let room = Room::with_model();
    let found = room.predict("set/bolt/test/*");
    assert_eq!(texts(&found, "verdict"), ["defect", "defect", "ok", "ok"]);
}

#[test]
fn a_record_says_size_score_and_threshold() {
    let room = Room::with_model();
    let record = room.predict("set/bolt/test/good/000.png").remove(0);
    let calibration = room.run("inspect --json bolt.patchcore").json()["calibration"].take();
    let threshold = &calibration["image_threshold"];
    assert_eq!((&record["width"], &record["height"]), (&64.into(), &48.into()));
    assert_eq!(record["threshold"], *threshold);
    assert_eq!(record["review_threshold"], calibration["review_threshold"]);
    assert!(record["image_score"].as_f64() < threshold.as_f64(), "{record}");
    assert_eq!(record.get("error"), None);
}

#[test]
fn the_forms_of_the_output_agree() {
    let room = Room::with_model();
    let records = room.predict("set/bolt/test");
    let jsonl = room.run("predict bolt.patchcore set/bolt/test --format jsonl").succeeds();
    assert_eq!(jsonl.json_lines(), records);

    let text = room.run("predict bolt.patchcore set/bolt/test").succeeds().stdout;
    let csv = room.run("predict bolt.patchcore set/bolt/test --format csv").succeeds().stdout;
    let mut rows = csv.lines();
    assert_eq!(
        rows.next(),
        Some(
            "path,verdict,image_score,threshold,review_threshold,width,height,overlay,heat_map,raw_map,error"
        )
    );
    for ((record, line), row) in records.iter().zip(text.lines()).zip(rows) {
        let (path, verdict) = (record["path"].as_str().unwrap(), record["verdict"].as_str().unwrap());
        assert!(line.starts_with(verdict) && line.ends_with(path), "{line}");
        let score = &record["image_score"];
        assert!(
            row.starts_with(&format!(
                "{path},{verdict},{score},{},{},64,48,",
                record["threshold"], record["review_threshold"]
            )),
            "{row}"
        );
    }
    assert_eq!((text.lines().count(), csv.lines().count()), (4, 5));
}

#[test]
fn the_exit_code_tells_a_defect_only_when_asked() {
    let room = Room::with_model();
    room.run("predict bolt.patchcore set/bolt/test").succeeds();
    let found = room.run("predict bolt.patchcore set/bolt/test --exit-code");
    assert_eq!((found.code, found.stderr.as_str()), (1, ""));
    room.run("predict bolt.patchcore set/bolt/test/good --exit-code").succeeds();
}

#[test]
fn a_threshold_of_ones_own_replaces_the_models() {
    let room = Room::with_model();
    let lenient = room.predict("set/bolt/test --threshold 1e9 --review-threshold 1e9");
    assert_eq!(texts(&lenient, "verdict"), ["ok"; 4]);
    assert_eq!(lenient[0]["threshold"], 1e9);
    assert_eq!(texts(&room.predict("set/bolt/test --threshold 0"), "verdict"), ["defect"; 4]);
    assert_eq!(texts(&room.predict("set/bolt/test --threshold -1"), "verdict"), ["defect"; 4]);
    // What is between the two thresholds is for review, and not ok.
    let between = room.predict("set/bolt/test --threshold 1e9 --review-threshold 0");
    assert_eq!(texts(&between, "verdict"), ["review"; 4]);
    let code =
        |words: &str| room.run(&format!("predict bolt.patchcore set/bolt/test --exit-code {words}")).code;
    assert_eq!(code("--threshold 1e9 --review-threshold 0"), 1);
    assert_eq!(code("--threshold 1e9 --review-threshold 1e9"), 0);
    room.run("predict bolt.patchcore set/bolt/test --threshold 1 --review-threshold 2")
        .fails(2, &["--review-threshold 2 is above the threshold of a defect, 1"]);
    for threshold in ["nan", "inf", "-inf", "1e400"] {
        room.run(&format!("predict bolt.patchcore set/bolt/test --threshold={threshold}"))
            .fails(2, &["--threshold", "must be a finite number"]);
    }
}

#[test]
fn maps_have_the_size_of_a_picture_of_any_size() {
    let room = Room::with_model();
    draw::save(&draw::plate_of(50, 91, 33), &room.path("new/wide.png"));
    let run = room.run("predict --json bolt.patchcore new/wide.png -o results");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let record = run.json_lines().remove(0);
    for (key, path) in [("overlay", "results/wide_overlay.png"), ("heat_map", "results/wide_heatmap.png")] {
        assert_eq!(record[key], path);
        let picture = image::open(room.path(path)).unwrap();
        assert_eq!((picture.width(), picture.height()), (91, 33), "{path}");
    }
    assert_eq!(record["raw_map"], "results/wide_map.tiff");
    let (width, height, values) = room.raw_map("results/wide_map.tiff");
    assert_eq!((width, height, values.len()), (91, 33, 91 * 33));
    assert_eq!(room.names("results").len(), 3);
}

#[test]
fn the_raw_map_is_high_where_the_defect_is() {
    let room = Room::with_model();
    room.predict("set/bolt/test/dent/000.png -o results");
    let (width, _, values) = room.raw_map("results/000_map.tiff");
    let at = |x: usize, y: usize| values[y * width as usize + x];
    let (dent, far) = (at(23, 23), at(60, 4));
    assert!(dent > 2.0 * far && far >= 0.0, "{dent} in the dent, {far} far from it");
}

#[test]
fn pictures_of_one_name_in_two_folders_keep_their_folders() {
    let room = Room::with_model();
    room.predict("set/bolt/test -o results");
    assert_eq!(room.names("results"), ["dent", "good"]);
    assert_eq!(room.names("results/good").len(), 6);
}

#[test]
fn case_61_a_folder_in_use_is_not_written_into_without_force() {
    let room = Room::with_model();
    room.write("results/mine.txt", "notes");
    let line = "predict bolt.patchcore set/bolt/test/good -o results";
    room.run(line).fails(5, &["results: is not empty", "hint: --force"]);
    assert_eq!(room.names("results"), ["mine.txt"]);
    room.run(&format!("{line} --force")).succeeds();
    assert_eq!(room.text("results/mine.txt"), "notes");
}

#[test]
fn one_bad_picture_does_not_stop_the_others() {
    let room = Room::with_model();
    room.copy("set/bolt/test/dent/000.png", "new/a.png");
    room.write("new/b.png", &room.read("set/bolt/test/dent/000.png")[..900]);
    room.copy("set/bolt/test/good/000.png", "new/c.png");
    let run = room.run("predict bolt.patchcore new --format jsonl --exit-code");
    let run = run.fails(7, &["1 of 3 pictures have no complete result", "new/b.png: truncated PNG"]);
    let records = run.json_lines();
    assert_eq!(texts(&records, "verdict"), ["defect", "invalid", "ok"]);
    assert!(records[1]["error"].as_str().unwrap().starts_with("new/b.png: truncated PNG"));
    assert!(records[1]["image_score"].is_null());
    let text = room.run("predict bolt.patchcore new").stdout;
    assert!(
        text.lines().nth(1).unwrap().starts_with("invalid           -  new/b.png: truncated PNG"),
        "{text}"
    );
}

#[test]
fn a_picture_that_is_not_there_is_invalid() {
    let room = Room::with_model();
    let run = room.run("predict bolt.patchcore none.png set/bolt/test/good/000.png");
    let run = run.fails(7, &["1 of 2 pictures", "none.png: "]);
    assert!(run.stdout.starts_with("invalid "), "{}", run.stdout);
    assert!(run.stdout.contains("\nok "), "{}", run.stdout);
    let error = room.run("predict --json bolt.patchcore none.png").fails_in_json(7, &[]);
    assert!(error["parts"][0].as_str().unwrap().starts_with("none.png: "), "{error}");
}

#[test]
fn nothing_to_judge_is_an_error() {
    let room = Room::with_model();
    std::fs::create_dir(room.path("empty")).unwrap();
    room.write("hidden/.a.png", "");
    room.write("hidden/notes.txt", "");
    for folder in ["empty", "hidden"] {
        room.run(&format!("predict bolt.patchcore {folder}"))
            .fails(3, &[&format!("{folder}: no pictures; looked for *.png, *.jpg")]);
    }
    room.run("predict bolt.patchcore set/*.gif").fails(3, &["set/*.gif: nothing matches"]);
    room.run("predict bolt.patchcore a[").fails(2, &["a[: not a usable pattern"]);
    room.run("predict bolt.patchcore a***").fails(2, &["a***: not a usable pattern"]);
    room.run_with_input("predict bolt.patchcore -", "\n").fails(3, &["no pictures to judge"]);
    room.run("predict bolt.patchcore").fails(2, &["<PATH>"]);
}

/// Every write fails, since nobody holds the other end.
#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let room = Room::with_model();
    for line in ["predict bolt.patchcore set/bolt/test", "inspect bolt.patchcore", "--help"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
        command.current_dir(room.path(".")).args(line.split_whitespace()).stdout(writer);
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
        assert_eq!(output.status.code(), Some(0), "{line}");
    }
}

#[test]
fn an_error_that_nobody_reads_keeps_its_exit_code() {
    let room = Room::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
    command.current_dir(room.path(".")).args(["inspect", "none.patchcore"]).stderr(writer);
    assert_eq!(command.status().unwrap().code(), Some(4));
}

#[test]
fn results_inside_the_pictures_folder_are_not_judged_again() {
    let room = Room::with_model();
    let command = "predict --json bolt.patchcore set/bolt/test -o set/bolt/test/results --force";
    let first = room.run(command).succeeds().json_lines();
    let again = room.run(command).succeeds().json_lines();
    assert_eq!(first.len(), 4);
    assert_eq!(texts(&again, "path"), texts(&first, "path"));
    room.run("predict bolt.patchcore set/bolt/test/results/good -o set/bolt/test/results --force")
        .fails(3, &["no pictures to judge"]);
}

#[test]
fn regions_say_where_and_what_comes_nearest() {
    let room = Room::with_model();
    let predict = "predict --json bolt.patchcore set/bolt/test/dent/000.png --regions --coco found.json";
    let record = room.run(predict).succeeds().json();
    let region = &record["regions"][0];
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let [x, y, w, h] = [0, 1, 2, 3].map(|i| number(&region["bounds"][i]));
    // The dent of the drawn picture lies within the box of the first region, or the other way round.
    let (px, py) = (number(&region["peak_at"][0]), number(&region["peak_at"][1]));
    assert!(x <= px && px < x + w && y <= py && py < y + h, "{region}");
    assert!(
        number(&region["area"]) <= w * h && number(&region["peak"]) >= number(&region["mean"]),
        "{region}"
    );
    let source = region["nearest"]["picture"].as_str().unwrap();
    assert!(
        room.path("set/bolt/train/good").join(source).is_file() || source.contains("train/good"),
        "{source}"
    );

    let coco: serde_json::Value = serde_json::from_str(&room.text("found.json")).unwrap();
    assert_eq!(coco["images"][0]["file_name"], "set/bolt/test/dent/000.png");
    assert_eq!(coco["annotations"].as_array().unwrap().len(), record["regions"].as_array().unwrap().len());
    assert_eq!(coco["annotations"][0]["bbox"], region["bounds"]);
    room.run(predict).fails_in_json(5, &["found.json"]);

    // Below the lowest value all is one region, of the whole picture; above the highest there is none.
    let of = |options: &str| {
        let run = format!("predict --json bolt.patchcore set/bolt/test/dent/000.png --regions {options}");
        room.run(&run).succeeds().json()
    };
    let all = of("--pixel-threshold -1");
    let area = number(&all["width"]) * number(&all["height"]);
    assert_eq!((all["regions"].as_array().unwrap().len(), number(&all["regions"][0]["area"])), (1, area));
    assert_eq!(of("--pixel-threshold 1e9")["regions"], serde_json::json!([]));
    assert_eq!(
        of(&format!("--pixel-threshold -1 --min-area {}", area as usize + 1))["regions"],
        serde_json::json!([])
    );
    room.run("predict bolt.patchcore set/bolt/test/dent --regions --pixel-threshold nan")
        .fails(2, &["--pixel-threshold", "must be a finite number"]);
}

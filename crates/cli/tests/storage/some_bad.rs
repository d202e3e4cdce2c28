//! Case 75: files of one picture that cannot be written.

use crate::support::{Room, texts};

#[test]
fn case_75_a_picture_without_its_files_is_flagged_and_the_others_are_written() {
    let room = Room::with_model();
    std::fs::create_dir_all(room.path("out/good/000_heatmap.png/taken")).unwrap();
    let line = "predict bolt.patchcore set/bolt/test -o out --force";
    let words = [
        "1 of 4 pictures have no complete result",
        "set/bolt/test/good/000.png: out/good/000_heatmap.png: cannot give it its name",
    ];
    let run = room.run(&format!("{line} --format jsonl")).fails(7, &words);
    let records = run.json_lines();
    // Not ok without its files; a defect stays one.
    assert_eq!(texts(&records, "verdict"), ["defect", "defect", "invalid", "ok"]);
    let flagged = &records[2];
    assert!(flagged["heat_map"].is_null() && flagged["image_score"].is_number(), "{flagged}");
    assert!(flagged["error"].as_str().unwrap().starts_with("out/good/000_heatmap.png: "), "{flagged}");
    assert_eq!(texts(&records, "overlay")[2], "out/good/000_overlay.png");
    assert_eq!((room.names("out/dent").len(), room.names("out/good").len()), (6, 6));

    let text = room.run(line).fails(7, &words).stdout;
    let row = text.lines().nth(2).unwrap();
    assert!(row.starts_with("invalid ") && row.contains(": out/good/000_heatmap.png: cannot"), "{row}");
    let csv = room.run(&format!("{line} --format csv")).fails(7, &words).stdout;
    let row = csv.lines().nth(3).unwrap();
    assert!(
        row.contains(",out/good/000_overlay.png,,out/good/000_map.tiff,out/good/000_heatmap.png: "),
        "{row}"
    );
}

#[test]
fn case_75_a_defect_stays_a_defect() {
    let room = Room::with_model();
    room.write("out/dent", "no folder");
    let run = room.run("predict bolt.patchcore set/bolt/test -o out --force --exit-code --json");
    let error = run.fails_in_json(7, &["2 of 4 pictures", "out/dent"]);
    assert_eq!(error["parts"].as_array().unwrap().len(), 2, "{error}");
    assert_eq!(room.names("out/good").len(), 6);
    let records = room
        .run("predict bolt.patchcore set/bolt/test -o out --force --format jsonl")
        .fails(7, &["out/dent"])
        .json_lines();
    assert_eq!(texts(&records, "verdict"), ["defect", "defect", "ok", "ok"]);
    assert!(records[0]["overlay"].is_null() && records[0]["error"].is_string(), "{}", records[0]);
}

#[test]
fn case_75_an_evaluation_goes_on_without_a_sheet() {
    let room = Room::with_model();
    std::fs::create_dir_all(room.path("out/bolt/dent/001.png/taken")).unwrap();
    let line = "evaluate bolt.patchcore --dataset set --category bolt -o out --force";
    let words = [
        "1 of 4 pictures have no complete result",
        "set/bolt/test/dent/001.png: out/bolt/dent/001.png: cannot give it its name",
    ];
    let told = room.run(line).fails(7, &words).stdout;
    assert_eq!(told, room.run("evaluate bolt.patchcore --dataset set --category bolt").succeeds().stdout);
    assert_eq!(room.names("out"), ["bolt", "report.html", "report.json", "results.csv", "scores.csv"]);
    assert_eq!((room.names("out/bolt/good").len(), room.names("out/bolt/dent").len()), (2, 2));
}

#[test]
fn case_75_a_report_that_cannot_be_written_hides_no_result() {
    let room = Room::with_model();
    std::fs::create_dir_all(room.path("out/report.html/taken")).unwrap();
    let line = "evaluate bolt.patchcore --dataset set --category bolt -o out --force";
    let told = room.run(line).fails(5, &["out/report.html: cannot give it its name"]).stdout;
    assert!(told.contains("bolt"), "{told}");
    assert_eq!(room.names("out"), ["bolt", "report.html", "report.json", "results.csv", "scores.csv"]);
}

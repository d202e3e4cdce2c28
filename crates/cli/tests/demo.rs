//! `patchcore demo`.

mod support;

use support::Room;

#[test]
fn the_demo_shows_the_whole_way_and_may_be_repeated_on_its_results() {
    let room = Room::new();
    let text = room.run("demo tour").succeeds().stdout;
    for part in [
        "drew 108 pictures of 2 products into tour",
        "fitted tour/widget.patchcore on 24 good pictures",
        "at its thresholds: of defects ",
        "image AUROC",
        "\nmean ",
        "patchcore inspect tour/widget.patchcore",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert_eq!(
        room.names("tour"),
        [".patchcore-demo", "results", "weave", "weave.patchcore", "widget", "widget.patchcore"]
    );
    assert_eq!(
        room.names("tour/results"),
        ["results.csv", "scores.csv", "weave", "weave.png", "widget", "widget.png"]
    );
    // The commands that it proposes.
    room.run("predict tour/widget.patchcore tour/widget/test/scratch").succeeds();
    room.run("inspect tour/widget.patchcore").succeeds();
}

#[test]
fn a_folder_of_someone_else_is_refused() {
    let room = Room::new();
    room.write("mine/notes.txt", "keep me");
    room.run("demo mine").fails(5, &["mine", "not empty and not a demo data set"]);
    assert_eq!(room.names("mine"), ["notes.txt"]);
    room.run("demo mine/notes.txt").fails(5, &["mine/notes.txt"]);
    assert_eq!(room.text("mine/notes.txt"), "keep me");
}

//! Model files that are no models any more.

use crate::support::{Room, tiny_model};

#[test]
fn every_truncation_is_refused() {
    let room = Room::new();
    let model = tiny_model();
    for length in (0..model.len()).step_by(97).chain([1, 7, 8, 9, model.len() - 1]) {
        room.write("cut.patchcore", &model[..length]);
        room.run("inspect cut.patchcore").fails(4, &["cut.patchcore: "]);
    }
}

#[test]
fn every_altered_byte_is_found() {
    let room = Room::new();
    let model = tiny_model();
    for place in (0..model.len()).step_by(50) {
        let mut altered = model.to_vec();
        altered[place] ^= 1 << (place % 8);
        room.write("altered.patchcore", &altered);
        room.run("inspect altered.patchcore").fails(4, &["altered.patchcore: "]);
    }
}

#[test]
fn appended_bytes_are_found() {
    let room = Room::new();
    for extra in [1, 8, 64] {
        room.write("longer.patchcore", [tiny_model(), &vec![0; extra]].concat());
        room.run("inspect longer.patchcore").fails(4, &["longer.patchcore: "]);
    }
}

#[test]
fn what_is_no_model_is_named_for_what_it_is() {
    let room = Room::with_data();
    room.write("empty.patchcore", "");
    room.write("notes.patchcore", "bolts, from the third line");
    room.write("pointer.patchcore", "version https://git-lfs.github.com/spec/v1\n");
    std::fs::create_dir(room.path("folder.patchcore")).unwrap();
    for command in
        ["inspect {}", "predict {} set/bolt/test/good", "evaluate {} --dataset set --category bolt"]
    {
        let run = |name: &str| room.run(&command.replace("{}", name));
        run("empty.patchcore").fails(4, &["empty.patchcore: the file is empty"]);
        run("notes.patchcore").fails(4, &["notes.patchcore: not a patchcore model"]);
        run("pointer.patchcore").fails(4, &["pointer.patchcore: this is a Git LFS pointer"]);
        run("gone.patchcore").fails(4, &["gone.patchcore: "]);
        run("set/bolt/test/good/000.png").fails(4, &["000.png: not a patchcore model"]);
    }
    room.run("inspect folder.patchcore").fails(5, &["folder.patchcore: not a regular file but a folder"]);
    room.run("predict folder.patchcore set").fails(5, &["folder.patchcore: not a regular file but a folder"]);
    room.run("inspect --json gone.patchcore").fails_in_json(4, &["gone.patchcore"]);
}

/// A version and its checksum, changed together as a later program would write them.
#[test]
fn a_newer_format_is_refused_with_both_versions() {
    let room = Room::new();
    room.write(
        "newer.patchcore",
        with_checksum(replaced(tiny_model(), r#"\"format_version\":3"#, r#"\"format_version\":4"#)),
    );
    room.run("inspect newer.patchcore")
        .fails(4, &["newer.patchcore: format version 4; this program reads 3"]);
}

/// Numbers inside the header that a checksum does not question.
#[test]
fn parameters_out_of_range_are_refused_when_the_model_is_read() {
    let room = Room::with_data();
    for (from, to) in [
        (r#"\"num_nn\":1"#, r#"\"num_nn\":0"#),
        (r#"\"multiple\":16"#, r#"\"multiple\":00"#),
        (r#"\"multiple\":16"#, r#"\"multiple\":0 "#),
        (r#"\"size\":3"#, r#"\"size\":0"#),
        (r#"\"map_sigma\":6.0"#, r#"\"map_sigma\":-60"#),
        (r#"\"map_sigma\":6.0"#, r#"\"map_sigma\":1e9"#),
    ] {
        room.write("odd.patchcore", with_checksum(replaced(tiny_model(), from, to)));
        room.run("predict odd.patchcore set/bolt/test/good").fails(4, &["odd.patchcore: "]);
    }
}

#[cfg(unix)]
#[test]
fn a_device_is_not_read() {
    Room::new().run("inspect /dev/zero").fails(5, &["/dev/zero: not a regular file"]);
}

fn replaced(model: &[u8], from: &str, to: &str) -> Vec<u8> {
    let place =
        model.windows(from.len()).position(|w| w == from.as_bytes()).expect("the text is in the model");
    let mut bytes = model.to_vec();
    bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

fn with_checksum(mut model: Vec<u8>) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let end = model.len() - 32;
    let sum = Sha256::digest(&model[..end]);
    model[end..].copy_from_slice(&sum);
    model
}

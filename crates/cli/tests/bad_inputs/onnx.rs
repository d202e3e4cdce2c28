//! ONNX files that read other files, have no end, or are no network.

use crate::support::Room;
use patchcore_testkit::onnx::{bytes, constant, external, int, model, node};
use std::fs;

const FIT: &str = "fit --dataset set --category bolt -o part.patchcore --backbone nets/net.onnx --layers out --imagesize 32 \
                   --bank-rows 9";

/// Weights of a convolution of one pixel: four maps of three colours.
const WEIGHTS: [u8; 48] = [0x3e; 48];

fn convolution() -> [Vec<u8>; 2] {
    [node("Conv", &["image", "w"], "map"), node("Relu", &["map"], "out")]
}

fn good() -> Vec<u8> {
    model(17, &convolution(), &[constant("w", &[4, 3, 1, 1], &WEIGHTS)])
}

fn refused(room: &Room, file: impl AsRef<[u8]>, reason: &str) {
    room.write("nets/net.onnx", file);
    room.refuses(FIT, 4, &["nets/net.onnx: ", reason]);
}

/// The network whose weights are said to be at such a place.
fn elsewhere(about: &[(&str, &str)]) -> Vec<u8> {
    model(17, &convolution(), &[external("w", &[4, 3, 1, 1], about)])
}

#[test]
fn case_44_weights_beside_a_network_are_read_from_its_folder_alone() {
    let room = Room::with_data();
    room.write("secret.bin", WEIGHTS);
    room.write("nets/below/w.bin", WEIGHTS);
    room.write("nets/net.onnx", elsewhere(&[("location", "below/w.bin")]));
    room.run(FIT).succeeds();
    fs::remove_file(room.path("part.patchcore")).unwrap();

    let whole = room.path("secret.bin").display().to_string();
    let outside = "only files in the model's folder or below are read";
    for location in ["../secret.bin", "below/../../secret.bin", &whole, "/dev/zero", "", "."] {
        let reason = if location == "." { "not a regular file but a folder" } else { outside };
        refused(
            &room,
            elsewhere(&[("location", location)]),
            &format!("external data {location:?}: {reason}"),
        );
    }
    refused(&room, elsewhere(&[("location", "a\0b")]), "external data \"a\\0b\": ");
    refused(&room, elsewhere(&[]), "external data has no location");
    for (key, number, reason) in [
        ("length", "18446744073709551615", "has 18446744073709551615 bytes for a tensor of 48"),
        ("length", "99999999999999999999", "has the length \"99999999999999999999\""),
        ("length", "-1", "has the length \"-1\""),
        ("offset", "18446744073709551615", "needs 48 bytes from 18446744073709551615 on, the file has 48"),
        ("offset", "1", "needs 48 bytes from 1 on, the file has 48"),
    ] {
        refused(&room, elsewhere(&[("location", "below/w.bin"), (key, number)]), reason);
    }
    let two = |second: &str| {
        let one = |name, location| external(name, &[4, 3, 1, 1], &[("location", location)]);
        model(17, &convolution(), &[one("w", "below/w.bin"), one("v", second)])
    };
    refused(
        &room,
        two("./below/w.bin"),
        "external data \"./below/w.bin\": another location is the same file",
    );
    // A network in the current folder has an empty one.
    room.write("net.onnx", elsewhere(&[("location", "../secret.bin")]));
    room.refuses(&FIT.replace("nets/", ""), 4, &["net.onnx: external data", outside]);
}

#[cfg(unix)]
#[test]
fn case_44_links_and_pipes_beside_a_network_are_refused() {
    let room = Room::with_data();
    room.write("secret.bin", WEIGHTS);
    room.write("nets/below/own.bin", WEIGHTS);
    let there = room.path("nets/w.bin");
    let file = elsewhere(&[("location", "w.bin")]);
    let link = |target: &str| std::os::unix::fs::symlink(target, &there).unwrap();
    link("../secret.bin");
    refused(&room, &file, "a link leads out of the model's folder");
    fs::remove_file(&there).unwrap();
    link("/dev/zero");
    refused(&room, &file, "a link leads out of the model's folder");
    fs::remove_file(&there).unwrap();
    link("w.bin");
    refused(&room, &file, "external data \"w.bin\": ");
    fs::remove_file(&there).unwrap();
    fs::hard_link(room.path("secret.bin"), &there).unwrap();
    refused(&room, &file, "the file has another name elsewhere (a hard link)");
    fs::remove_file(&there).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&there).status().unwrap().success());
    refused(&room, &file, "not a regular file but a pipe, socket or device");
    fs::remove_file(&there).unwrap();
    room.write("nets/net.onnx", &file);
    room.refuses(FIT, 4, &["w.bin: No such file"]);
    // One that stays in the folder is a file there.
    link("below/own.bin");
    room.run(FIT).succeeds();
}

#[test]
fn case_45_networks_that_nobody_can_run_are_refused() {
    let room = Room::with_data();
    let [conv, relu] = convolution();
    let weights = || constant("w", &[4, 3, 1, 1], &WEIGHTS);
    let with_constant = |dims: &[i64]| model(17, &convolution(), &[constant("w", dims, &WEIGHTS)]);
    // An attribute that is a graph of one node with an attribute that is a graph, and so on.
    let nested = (0..10_000).fold(Vec::new(), |inner, _| bytes(5, bytes(6, bytes(1, inner))));
    for (file, reason) in [
        (
            model(17, &[[node("If", &["image"], "out"), nested].concat()], &[]),
            "node If holds a graph of its own",
        ),
        (model(17, &[conv.clone(), node("Relo", &["map"], "out")], &[weights()]), "Relo"),
        (
            model(
                17,
                &[conv.clone(), [node("Relu", &["map"], "out"), bytes(7, "evil.example")].concat()],
                &[weights()],
            ),
            "\"evil.example\", which has no version",
        ),
        (model(9999, &convolution(), &[weights()]), "version 9999 of the operators"),
        (model(-1, &convolution(), &[weights()]), "version -1 of the operators"),
        (
            model(17, &[node("Conv", &["out", "w"], "map"), relu.clone()], &[weights()]),
            "uses \"out\", which nothing before it gives",
        ),
        (model(17, &[relu, conv], &[weights()]), "uses \"map\", which nothing before it gives"),
        (model(17, &convolution(), &[]), "uses \"w\", which nothing before it gives"),
        (model(17, &convolution(), &[weights(), weights()]), "\"w\" has two origins"),
        (with_constant(&[-1, 3, 1, 1]), "\"w\" has a negative length"),
        (with_constant(&[0, 3, 1, 1]), "of shape [0, 3, 1, 1] needs 0 bytes and has 48"),
        (with_constant(&[1 << 62, 3, 1, 1]), "\"w\" is larger than any memory"),
        (with_constant(&[1 << 40, 3, 1, 1]), "needs 13194139533312 bytes and has 48"),
        (
            model(17, &convolution(), &[constant("w", &[0, 3, 1, 1], &[])]),
            "tensor \"w\" of shape [0, 3, 1, 1] is empty",
        ),
        ([good(), bytes(7, "")].concat(), "it has 2 graphs"),
        (int(1, 8), "it has 0 graphs"),
        (good()[..good().len() / 2].to_vec(), "it ends within a field, as after an interrupted download"),
        (b"\x0b\x0c".repeat(5000), "damaged ONNX file"),
    ] {
        refused(&room, file, reason);
    }
}

/// More than a protocol buffer can hold; nobody wrote it, and nobody reads it.
#[test]
fn case_45_a_file_of_more_than_2_gb_is_refused_unread() {
    let room = Room::with_data();
    room.write("nets/net.onnx", good());
    let file = fs::File::options().write(true).open(room.path("nets/net.onnx")).unwrap();
    file.set_len(1 << 31).unwrap();
    room.refuses(
        FIT,
        4,
        &["nets/net.onnx: ", "it has 2147483648 bytes, and no ONNX file has more than 2147483647"],
    );
}

#[test]
fn case_47_what_is_no_network_is_named_for_what_it_is() {
    let room = Room::with_data();
    for (bytes, reason) in [
        (&b""[..], "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "this is a Git-LFS pointer"),
        (b"<!DOCTYPE html><title>Sign in</title>", "this is an HTML page, not a network"),
        (b"PK\x03\x04", "this is a zip archive"),
    ] {
        refused(&room, bytes, reason);
    }
}

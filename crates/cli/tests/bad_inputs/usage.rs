//! Command lines that cannot be used.

use crate::support::Room;

#[test]
fn a_number_of_threads_outside_the_range_is_refused() {
    for threads in ["0", "100000"] {
        Room::new()
            .run(&format!("inspect part.patchcore --threads {threads}"))
            .fails(2, &["--threads", "between 1 and 1024"]);
    }
    Room::new().run("inspect part.patchcore --threads some").fails(2, &["--threads", "some"]);
}

#[test]
fn unknown_words_are_refused() {
    let room = Room::new();
    room.run("judge").fails(2, &["judge"]);
    room.run("fit --good g -o m --speed 3").fails(2, &["--speed"]);
    room.run("fit -o m").fails(2, &["--good", "--dataset"]);
    room.run("fit --good g").fails(2, &["--output"]);
    room.run("fit --good g --dataset d --category c -o m").fails(2, &["--good", "--dataset"]);
    room.run("fit --dataset d --layout best -o m").fails(2, &["--layout", "best"]);
    room.run("fit --good g -o m --sampler best").fails(2, &["best", "greedy", "random"]);
    room.run("fit --good g -o").fails(2, &["--output"]);
}

#[test]
fn an_unknown_network_or_layer_is_refused_with_the_known_ones() {
    let room = Room::with_data();
    let line = "fit --dataset set --category bolt -o part.patchcore";
    room.run(&format!("{line} --backbone vgg16"))
        .fails(2, &["vgg16", "efficientnet_lite0", "wide_resnet50_2"]);
    room.run(&format!("{line} --layers layer2")).fails(2, &["no layer layer2", "blocks.2", "blocks.4"]);
    room.run(&format!("{line} --layers blocks.2,blocks.2")).fails(2, &["blocks.2", "twice"]);
    room.run(&format!("{line} --layers blocks.2,")).fails(2, &["no layer"]);
}

#[test]
fn usage_errors_are_json_too_when_asked() {
    let room = Room::new();
    room.run("inspect part.patchcore --threads 0 --json").fails_in_json(2, &["between 1 and 1024"]);
    room.run("--json inspect part.patchcore --speed 3").fails_in_json(2, &["--speed"]);
}

#[test]
fn an_instruction_set_that_is_not_there_is_refused() {
    let room = Room::new();
    let mut command = room.command();
    let output = command.args(["inspect", "m"]).env("PATCHCORE_CPU", "abacus").output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr.starts_with("error[E002]: PATCHCORE_CPU=abacus") && stderr.contains("portable"),
        "{stderr}"
    );
}

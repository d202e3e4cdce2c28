//! Command lines that cannot be used.

use crate::support::Room;

#[test]
fn case_60_a_number_of_threads_outside_the_range_is_refused() {
    for threads in ["0", "100000"] {
        Room::new()
            .run(&format!("inspect part.patchcore --threads {threads}"))
            .fails(2, &["--threads", "between 1 and 1024"]);
    }
    Room::new().run("inspect part.patchcore --threads some").fails(2, &["--threads", "some"]);
}

#[test]
fn case_60_unknown_words_and_missing_values_are_refused() {
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

/// The unit test in `args/numbers.rs` tries every option there is; these go through the program.
#[test]
fn case_60_numbers_out_of_range_are_refused_with_the_range() {
    let room = Room::with_data();
    let fit = "fit --dataset set --category bolt -o part.patchcore";
    for value in ["0", "-1", "nan", "1.1", "1e400", "-0.0"] {
        room.run(&format!("{fit} --percentage {value}"))
            .fails(2, &["--percentage", "must be above 0 and below 1"]);
    }
    for value in ["0", "-1", "nan", "2.5", "1e400", "1025"] {
        for option in ["--patchsize", "--patchstride", "--anomaly-score-num-nn", "--threads"] {
            room.run(&format!("{fit} {option} {value}"))
                .fails(2, &[option, "must be a whole number between 1 and 1024"]);
        }
    }
    for value in ["0", "-1", "nan", "1e400", "16385", "1x0"] {
        room.run(&format!("{fit} --imagesize {value}")).fails(2, &["--imagesize", "between 1 and 16384"]);
    }
    assert_eq!(room.names("."), ["set"]);
}

/// There is no configuration file; lists and manifests are what comes closest.
#[test]
fn case_74_lists_that_cannot_be_read_are_refused_with_their_line() {
    let room = Room::with_data();
    let row =
        |path: &str| format!("{{\"image_path\": {path}, \"split\": \"train\", \"label\": \"normal\"}}\n");
    let good = row("\"set/bolt/train/good/000.png\"");
    let fit = "fit -o part.patchcore --dataset";
    for (name, text, reason) in [
        ("type.jsonl", format!("{good}{}", row("7")), "line 2"),
        ("cut.jsonl", format!("{good}{{"), "line 2"),
        ("list.jsonl", "[1, 2]\n".to_string(), "line 1"),
        ("columns.csv", "image_path,split,label\na.png,train\n".to_string(), "line"),
        ("nameless.csv", "picture,split,label\na.png,train,normal\n".to_string(), "image_path"),
        ("empty.csv", String::new(), "empty.csv"),
    ] {
        room.write(name, text);
        room.run(&format!("{fit} {name}")).fails(3, &[name, reason]);
    }
    room.write("unknown.jsonl", good.replace('{', "{\"colour\": 1, "));
    let run = room.run("dataset inspect unknown.jsonl");
    assert!(run.stderr.contains("warning: unknown.jsonl: unknown column \"colour\""), "{}", run.stderr);
    // A gigabyte that takes no disk: refused before it is read.
    for name in ["giant.csv", "giant.jsonl"] {
        room.write(name, "");
        std::fs::File::options().write(true).open(room.path(name)).unwrap().set_len(1 << 30).unwrap();
        room.run(&format!("{fit} {name}")).fails(6, &[name, "over the limit"]);
    }
    let drop = "fit --good set/bolt/train/good -o part.patchcore --drop giant.csv";
    room.run(drop).fails(6, &["giant.csv", "over the limit"]);
    assert!(!room.path("part.patchcore").exists());
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
fn case_60_usage_errors_are_json_too_when_asked() {
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

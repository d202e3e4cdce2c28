//! The same pictures give the same model and the same verdicts.

mod support;

use patchcore_kernels::isa::Isa;
use support::{Room, texts};

const FIT: &str = "fit --dataset set --category bolt -o";

#[test]
fn two_fits_give_the_same_bytes() {
    let room = Room::with_data();
    room.run(&format!("{FIT} a")).succeeds();
    room.run(&format!("{FIT} b")).succeeds();
    assert!(room.read("a") == room.read("b"));
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let room = Room::with_model();
    for threads in [1, 2, 3] {
        room.run(&format!("{FIT} {threads} --threads {threads}")).succeeds();
        assert!(room.read(threads.to_string()) == room.read("bolt.patchcore"), "{threads} threads");
    }
    let judged = room.predict("set/bolt/test --threads 1");
    assert_eq!(judged, room.predict("set/bolt/test --threads 2"));
}

#[test]
fn a_seed_changes_only_what_is_drawn() {
    let room = Room::with_data();
    let fit = |name: &str, options: &str| {
        room.run(&format!("{FIT} {name} --imagesize 32 --bank-rows 9 --sampler random {options}")).succeeds();
        room.read(name)
    };
    assert!(fit("a", "") == fit("b", "--seed 0"));
    assert!(fit("c", "--seed 1") != fit("d", "--seed 2"));
}

/// Sums come in another order on another instruction set, so scores differ in their last digits.
#[test]
fn every_instruction_set_gives_the_same_verdicts() {
    let room = Room::with_model();
    let expected = room.predict("set/bolt/test");
    for isa in Isa::available() {
        let mut command = room.command();
        command.env("PATCHCORE_CPU", isa.name()).args([
            "predict",
            "--json",
            "bolt.patchcore",
            "set/bolt/test",
        ]);
        let output = command.output().expect("the program runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let judged: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(texts(&judged, "verdict"), texts(&expected, "verdict"), "{}", isa.name());
        for (got, expected) in judged.iter().zip(&expected) {
            let score = |record: &serde_json::Value| record["image_score"].as_f64().expect("a score");
            let (got, expected) = (score(got), score(expected));
            assert!((got - expected).abs() < 1e-3 * expected, "{}: {got}, expected {expected}", isa.name());
        }
    }
}

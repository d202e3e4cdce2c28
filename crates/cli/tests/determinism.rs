//! The same pictures give the same model and the same verdicts.

mod support;

use patchcore_kernels::isa::Isa;
use support::{Room, draw, texts};

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
    for threads in [1, 2, 3, 4, 8] {
        room.run(&format!("{FIT} {threads} --threads {threads}")).succeeds();
        assert!(room.read(threads.to_string()) == room.read("bolt.patchcore"), "{threads} threads");
    }
    let judged = room.predict("set/bolt/test --threads 1");
    for threads in [2, 3, 4, 8] {
        assert_eq!(judged, room.predict(&format!("set/bolt/test --threads {threads}")), "{threads} threads");
    }
}

/// More pictures than are read at a time, some of them bad: what is said, and in which order, depends neither on the
/// threads nor on how many pictures are read ahead of the network.
#[test]
fn reading_ahead_changes_no_byte() {
    let room = Room::with_model();
    for i in 0..19 {
        let name = format!("new/{i:02}.png");
        match i {
            5 | 6 | 13 => room.write(name, "no picture"),
            _ => draw::save(&draw::plate_of(40 + i, 40 + i, 60 - i), &room.path(name)),
        }
    }
    let predict = |threads: usize| {
        let run = room.run(&format!("predict bolt.patchcore new --threads {threads} -o out --force"));
        let files: Vec<Vec<u8>> =
            room.names("out").iter().map(|name| room.read(format!("out/{name}"))).collect();
        (run.code, run.stdout, run.stderr, files)
    };
    let expected = predict(1);
    assert_eq!((expected.0, expected.3.len()), (7, 16 * 3), "{}", expected.2);
    let bad: Vec<usize> =
        (0..19).filter(|&i| expected.1.lines().nth(i).is_some_and(|l| l.starts_with("invalid"))).collect();
    assert_eq!(bad, [5, 6, 13]);
    for threads in [2, 3, 6] {
        assert!(predict(threads) == expected, "{threads} threads");
    }
}

#[test]
fn a_bad_test_picture_stops_every_evaluation_alike() {
    let room = Room::with_model();
    for i in 2..12 {
        draw::save(&draw::plate(60 + i), &room.path(format!("set/bolt/test/good/{i:03}.png")));
    }
    let evaluate = |threads: usize| {
        room.run(&format!("evaluate bolt.patchcore --dataset set --category bolt --json --threads {threads}"))
    };
    let expected = evaluate(1).succeeds().stdout;
    for threads in [2, 3, 6] {
        assert_eq!(evaluate(threads).succeeds().stdout, expected, "{threads} threads");
    }
    room.write("set/bolt/test/good/004.png", "no picture");
    room.write("set/bolt/test/good/009.png", "");
    let run = evaluate(1);
    let expected = run.stderr.clone();
    run.fails_in_json(3, &["2 test pictures", "004.png", "009.png"]);
    for threads in [2, 3, 6] {
        assert_eq!(evaluate(threads).stderr, expected, "{threads} threads");
    }
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

/// Sums come in another order on another instruction set, so scores differ in their last digits. The model is one and the
/// same; without AVX2 the program takes what there is, and the processor is not asked for more.
#[test]
fn case_76_every_instruction_set_gives_the_same_verdicts() {
    let room = Room::with_model();
    let judged = |isa: Isa| -> Vec<serde_json::Value> {
        let mut command = room.command();
        let line = "predict --json bolt.patchcore set/bolt/test set/bolt/train/good set/nut/test";
        command.env("PATCHCORE_CPU", isa.name()).args(line.split(' '));
        let output = command.output().expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", isa.name());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let score = |record: &serde_json::Value| record["image_score"].as_f64().expect("a score");
    let expected = judged(Isa::best());
    assert_eq!(expected.len(), 14);
    for isa in Isa::available() {
        let judged = judged(isa);
        assert_eq!(texts(&judged, "verdict"), texts(&expected, "verdict"), "{}", isa.name());
        let apart = judged
            .iter()
            .zip(&expected)
            .map(|(got, expected)| (score(got) - score(expected)).abs() / score(expected));
        let largest = apart.fold(0.0, f64::max);
        println!("{}: scores are at most {largest:e} apart", isa.name());
        assert!(largest < 1e-5, "{}: {largest}", isa.name());
    }
}

//! `patchcore bench`. How long anything takes is not tested, only that it is said.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use patchcore_kernels::isa::Isa;
use serde_json::Value;
use support::Room;

const STAGES: [&str; 6] = ["decode", "preprocess", "backbone", "embed", "search", "map"];

/// The numbers under `keys`, all finite and above zero.
fn positive<const N: usize>(value: &Value, keys: [&str; N]) -> [f64; N] {
    keys.map(|key| {
        let number = value[key].as_f64().unwrap_or_else(|| panic!("no number {key} in {value}"));
        assert!(number.is_finite() && number > 0.0, "{key} is {number}");
        number
    })
}

#[test]
fn a_row_for_every_stage_and_shares_of_the_whole() {
    let room = Room::with_model();
    let report = room.run("bench --json bolt.patchcore set/bolt/test/*/000.png --rounds 2").succeeds().json();
    let mut shares = 0.0;
    for (row, stage) in report["stages"].as_array().unwrap().iter().zip(STAGES) {
        assert_eq!(row["stage"], stage);
        let [p50, p95, share] = positive(row, ["p50_ms", "p95_ms", "share_percent"]);
        assert!(p50 <= p95, "{row}");
        shares += share;
    }
    assert_eq!(report["stages"].as_array().unwrap().len(), STAGES.len());
    assert!((shares - 100.0).abs() < 0.01, "{shares}");
    positive(&report["total"], ["p50_ms", "p95_ms", "share_percent"]);
    positive(
        &report,
        ["backbone_gflops", "peak_gflops", "peak_gflops_one_thread", "direct_equivalent_percent"],
    );
    // Of pictures of 192 x 256 input pixels.
    assert_eq!(report["multiply_adds"], 238_304_256.0);
    assert_eq!(
        (&report["pictures"], &report["rounds"], &report["threads"]),
        (&2.into(), &2.into(), &2.into())
    );
    assert_eq!((&report["precision"], &report["backbone"]), (&"f32".into(), &"efficientnet_lite0".into()));
    assert_eq!(report["instruction_set"], Isa::available().pop().unwrap().name());
}

#[test]
fn the_table_is_text_for_people() {
    let room = Room::with_model();
    let text = room.run("bench bolt.patchcore set/bolt/test/good --rounds 1 --threads 1").succeeds().stdout;
    let firsts: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(firsts[1..7], STAGES);
    assert_eq!(firsts[7], "total");
    let last = text.lines().last().unwrap();
    for word in [", 1 thread(s), f32; 2 picture(s) x 1 round(s)", "GFLOP/s", "direct-equivalent", "peak"] {
        assert!(last.contains(word), "{last}");
    }
    assert_eq!(text.lines().count(), 9);
}

#[test]
fn pictures_that_cannot_be_judged_are_named_and_do_not_count() {
    let room = Room::with_model();
    room.copy("set/bolt/test/good/000.png", "new/a.png");
    room.write("new/b.png", "no picture");
    let words = ["1 of 2 pictures could not be judged", "new/b.png: "];
    let run = room.run("bench bolt.patchcore new --rounds 1").fails(7, &words);
    assert!(run.stdout.contains("1 picture(s) x 1 round(s)"), "{}", run.stdout);
    let run = room.run("bench bolt.patchcore new/b.png").fails(7, &["1 of 1 pictures"]);
    assert_eq!(run.stdout, "");
    let compare = "bench --compare fast --good set/bolt/train/good --imagesize 64 --bank-rows 20";
    let run = room.run(&format!("{compare} new")).fails(7, &words);
    assert!(run.stdout.contains("f32 against fast on 1 pictures"), "{}", run.stdout);
}

#[test]
fn the_two_forms_are_kept_apart() {
    let room = Room::with_model();
    room.run("bench").fails(2, &["<PATH>"]);
    room.run("bench bolt.patchcore").fails(2, &["no pictures to judge", "MODEL PATH"]);
    room.run("bench bolt.patchcore set --rounds 0").fails(2, &["--rounds"]);
    room.run("bench bolt.patchcore set --patchsize 5").fails(2, &["without --compare", "--weights"]);
    room.run("bench --good set/bolt/train/good set").fails(2, &["--compare"]);
    room.run("bench --compare fast set").fails(2, &["--good"]);
    room.run("bench --compare fast --good set --rounds 3 set").fails(2, &["--rounds"]);
    room.run("bench --compare f32 --good set set").fails(2, &["f32 already", "--precision"]);
    room.run("bench --compare f16 --good set set").fails(2, &["f16", "fast", "bf16"]);
}

/// Models of a few rows on small pictures.
const COMPARE: &str = "bench --json --good set/bolt/train/good --imagesize 64 --bank-rows 20 set/bolt/test";

fn check_comparison(report: &Value, precisions: [&str; 2]) {
    assert_eq!(report["precisions"], Value::from(precisions.to_vec()));
    assert_eq!((&report["good_pictures"], &report["pictures"]), (&6.into(), &4.into()));
    let [largest, mean] = positive(report, ["largest_difference", "mean_difference"]);
    assert!(mean <= largest, "{report}");
    let [of_threshold, _] =
        positive(report, ["largest_difference_percent_of_threshold", "mean_difference_percent_of_threshold"]);
    let thresholds = report["thresholds"].as_array().unwrap();
    let expected = 100.0 * largest / thresholds[0].as_f64().unwrap();
    assert!((of_threshold - expected).abs() < 1e-4 * expected, "{report}");
    // Dents are far from good parts, in any precision.
    assert!(report["spearman"].as_f64().unwrap() > 0.5, "{report}");
    assert!(report["flips"].is_array(), "{report}");
    for milliseconds in report["backbone_ms"].as_array().unwrap() {
        assert!(milliseconds.as_f64().unwrap() > 0.0, "{report}");
    }
}

#[test]
fn what_fewer_multiplications_change() {
    let room = Room::with_data();
    let report = room.run(&format!("{COMPARE} --compare fast --precision f32")).succeeds().json();
    // EfficientNet-Lite0 has no convolution that fast computes in another way.
    let nothing = Value::from(0.0);
    assert_eq!((&report["largest_difference"], &report["mean_difference"]), (&nothing, &nothing));
    assert_eq!((&report["spearman"], &report["flips"]), (&Value::from(1.0), &Value::Array(Vec::new())));
    assert_eq!(report["precisions"], Value::from(vec!["f32", "fast"]));
}

/// In plain Rust bf16 runs everywhere; elsewhere it takes a processor that multiplies it.
#[test]
fn what_bf16_changes_or_that_there_is_none() {
    let room = Room::with_data();
    let line = format!("{COMPARE} --compare bf16");
    for isa in Isa::available() {
        let mut command = room.command();
        let output = command.args(line.split_whitespace()).env("PATCHCORE_CPU", isa.name()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        if isa.has_bf16() {
            assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{}", isa.name());
            check_comparison(&serde_json::from_slice(&output.stdout).unwrap(), ["f32", "bf16"]);
        } else {
            assert_eq!(output.status.code(), Some(2), "{stderr}");
            assert!(stderr.contains("precision bf16 needs a processor with AVX-512 BF16"), "{stderr}");
        }
    }
    if Isa::available().pop().unwrap().has_bf16() {
        let text = room.run(&line.replace("--json ", "")).succeeds().stdout;
        let firsts: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(firsts, ["f32", "score", "rank", "verdict", "backbone"]);
    }
}

#[test]
fn one_good_picture_gives_no_threshold_and_no_flips() {
    let room = Room::with_data();
    room.copy("set/bolt/train/good/000.png", "one/000.png");
    let line = "bench --compare fast --good one --imagesize 64 --bank-rows 20 set/bolt/test";
    let report = room.run(&format!("{line} --json")).succeeds().json();
    for key in ["flips", "largest_difference_percent_of_threshold"] {
        assert!(report[key].is_null(), "{report}");
    }
    assert!(room.run(line).succeeds().stdout.contains("verdict flips      unknown: no threshold"));
}

#[test]
fn the_coreset_alone_is_timed_and_proved() {
    let room = Room::with_data();
    let line = "bench coreset --good set/bolt/train/good --imagesize 96 --bank-rows 60";
    let report =
        room.run(&format!("{line} --rounds 3 --verify --save picks.safetensors --json")).succeeds().json();
    positive(&report, ["seconds", "verify_seconds", "features_mib", "covering_radius"]);
    assert_eq!((&report["bank_rows"], &report["embedding_dimension"]), (&60.into(), &152.into()));
    let bytes = room.read("picks.safetensors");
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let patches = report["patches"].as_u64().unwrap() as usize;
    assert_eq!(file.tensor("features").unwrap().shape(), [patches, 152]);
    assert_eq!(file.tensor("coreset").unwrap().shape(), [60]);

    let text = room.run(&format!("{line} --verify --patches 100")).succeeds().stdout;
    let firsts: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(firsts, ["60", "memory:", "progress", "covering", "verified"]);
    assert!(text.starts_with("60 of 100 patches of 152 values in "), "{text}");

    room.run(&format!("{line} --sampler random --verify")).fails(2, &["--verify", "greedy"]);
    room.run(&format!("{line} --patches 1000000")).fails(2, &["--patches 1000000", "have"]);
    room.run(&format!("{line} --patches 59")).fails(3, &["60", "59"]);
    room.run("bench coreset").fails(2, &["--good"]);
    room.run(&format!("{line} --save picks.safetensors")).fails(5, &["picks.safetensors: exists already"]);
}

#[test]
fn the_search_alone_is_timed_and_proved() {
    let room = Room::with_model();
    let line = "bench search bolt.patchcore set/bolt/test";
    let more = "--neighbours 3 --rounds 2 --verify --save found.safetensors --json";
    let report = room.run(&format!("{line} {more}")).succeeds().json();
    positive(&report, ["milliseconds", "patches", "bank_rows"]);
    let (patches, rows) = (report["patches"].as_u64().unwrap(), report["bank_rows"].as_u64().unwrap());
    assert_eq!(report["verified_pairs"], patches * rows);
    let bytes = room.read("found.safetensors");
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let shape = |name: &str| file.tensor(name).unwrap().shape().to_vec();
    assert_eq!(shape("queries"), [patches as usize, 152]);
    assert_eq!(shape("bank"), [rows as usize, 152]);
    assert_eq!(
        (shape("indices"), shape("squared")),
        ([patches as usize, 3].into(), [patches as usize, 3].into())
    );

    let text = room.run(&format!("{line} --verify")).succeeds().stdout;
    assert!(text.starts_with("1 nearest of ") && text.contains("\nverified with "), "{text}");
    room.run("bench search bolt.patchcore").fails(2, &["PATH"]);
    room.run(&format!("{line} --save found.safetensors")).fails(5, &["found.safetensors: exists already"]);
}

#[test]
fn promises_are_counted_on_pictures_that_a_draw_leaves() {
    let room = Room::with_data();
    let line =
        "bench calibration --good set/bolt/train/good --rounds 3 --fit-on 4 --imagesize 32 --bank-rows 9";
    let told = room.run(&format!("{line} --json --false-alarm-rate 0.3")).succeeds().json();
    assert_eq!([&told["pictures"], &told["fitted_on"], &told["rounds"]], [6, 4, 3]);
    let (defect, not_ok) = (&told["rates"]["false_alarm_rate"], &told["rates"]["review_rate"]);
    // Of four scores the fourth, and the second.
    let near = |value: &serde_json::Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-12;
    assert!(near(&defect["promised"], 0.2) && near(&not_ok["promised"], 0.6), "{told}");
    assert_eq!([&defect["asked"], &not_ok["asked"]], [0.3, 0.6]);
    for rate in [defect, not_ok] {
        let [lower, found, upper] = ["lower", "found", "upper"].map(|key| rate[key].as_f64().unwrap());
        assert!(0.0 <= lower && lower <= found && found <= upper && upper <= 1.0, "{rate}");
        // Two pictures in each of three rounds.
        assert!((found * 6.0 - (found * 6.0).round()).abs() < 1e-9, "{rate}");
    }
    assert!(defect["found"].as_f64() <= not_ok["found"].as_f64(), "{told}");
    let text = room.run(&format!("{line} --folds 2")).succeeds().stdout;
    assert!(
        text.starts_with("3 rounds, each fitted on 4 of 6 good pictures and counted on the others"),
        "{text}"
    );
    for (words, reason) in
        [("--fit-on 6", "6 of 6 pictures to fit on"), ("--fit-on 1", "1 of 6 pictures to fit on")]
    {
        room.run(&format!("bench calibration --good set/bolt/train/good {words}")).fails(2, &[reason]);
    }
}

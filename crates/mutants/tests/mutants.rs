//! Every parser against its mutants: some thousands of each, or `PATCHCORE_MUTANTS` of them.
//!
//! ```sh
//! PATCHCORE_MUTANTS=1000000 cargo test -p patchcore-mutants --test mutants
//! ```
//!
//! then also holds each mutant to a second and prints a line for each target. `PATCHCORE_MUTANT=NUMBER` begins at that mutant.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_mutants::{Plan, run, targets};
use std::io::Write;
use std::time::Duration;

/// Mutants of a target in the ordinary run.
const FEW: u64 = 3000;

fn number_in(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

fn meter(work: &mut dyn FnMut()) -> u64 {
    allocation_counter::measure(work).bytes_max
}

fn check(name: &str) {
    let target = targets().into_iter().find(|target| target.name == name).unwrap();
    let many = number_in("PATCHCORE_MUTANTS");
    let plan = Plan {
        first: number_in("PATCHCORE_MUTANT").unwrap_or(0),
        count: many.unwrap_or(FEW),
        meter,
        slow: many.map(|_| Duration::from_secs(1)),
    };
    let report = run(&target, &plan);
    if many.is_some() {
        // Past the harness, which keeps what a passing test prints.
        writeln!(std::io::stderr().lock(), "{report}").unwrap();
    }
    assert!(report.findings.is_empty(), "{report}");
    if many.is_none() {
        assert!(report.taken > 0 && report.refused > 0, "the mutants of {name} are all alike: {report}");
    }
}

macro_rules! each {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { check(stringify!($name)); })*

        #[test]
        fn every_target_has_its_test() {
            let names: Vec<&str> = targets().iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

each![
    png,
    jpeg,
    bmp,
    tiff,
    webp,
    pnm,
    mask,
    manifest_csv,
    manifest_jsonl,
    visa,
    real_iad,
    loco,
    safetensors,
    torch_zip,
    torch_legacy,
    pickle,
    onnx,
    model,
    faiss,
    params,
    anomalib_ckpt,
    anomalib_pt,
];

//! The seeds: every one is a file that its parser takes, since mutants of anything else would never get far; and the fuzzer
//! has the same targets and the same seeds.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_mutants::{Target, targets};
use std::fs;
use std::path::{Path, PathBuf};

/// All seeds together, as they lie in the repository.
const MOST_BYTES: usize = 300_000;

#[test]
fn every_seed_is_taken_and_repair_leaves_it_alone() {
    for target in targets() {
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            let read = (target.read)(&seed);
            assert_eq!(read, Ok(()), "{} {number}", target.name);
            let mut repaired = seed.clone();
            (target.repair)(&mut repaired);
            assert_eq!(repaired, seed, "{} {number}", target.name);
        }
    }
}

fn fuzz(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(name)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn sorted(target_names: impl Fn(&Target) -> String) -> Vec<String> {
    let mut all: Vec<String> = targets().iter().map(target_names).collect();
    all.sort();
    all
}

#[test]
fn the_fuzzer_has_every_target() {
    let manifest = fs::read_to_string(fuzz("Cargo.toml")).unwrap();
    assert_eq!(names(&fuzz("fuzz_targets")), sorted(|target| format!("{}.rs", target.name)));
    for Target { name, .. } in targets() {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "fuzz/Cargo.toml lacks {name}");
        let text = fs::read_to_string(fuzz(&format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("feed(\"{name}\"")), "{name} feeds another parser");
    }
}

#[test]
fn the_fuzzer_has_every_seed() {
    let stale = "run `cargo run -p patchcore-mutants --example write_seeds`";
    assert_eq!(names(&fuzz("seeds")), sorted(|target| target.name.to_string()), "{stale}");
    let mut bytes = 0;
    for target in targets() {
        let folder = fuzz("seeds").join(target.name);
        let seeds = (target.seeds)();
        assert_eq!(names(&folder).len(), seeds.len(), "{}: {stale}", target.name);
        for (name, seed) in names(&folder).iter().zip(seeds) {
            assert!(fs::read(folder.join(name)).unwrap() == seed, "{}/{name}: {stale}", target.name);
            bytes += seed.len();
        }
    }
    assert!(bytes < MOST_BYTES, "{bytes} bytes of seeds");
}

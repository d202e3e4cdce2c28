//! `docs/reliability.md` and the tests tell of the same cases and exit codes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../docs/reliability.md");
const EXITS: &str = include_str!("../src/exit.rs");

/// How many cases the program, as it is today, has to stand up to.
const CASES: u32 = 76;

/// The numbers in the first column of the tables on the page.
fn first_column(text: &str) -> impl Iterator<Item = u32> {
    text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next()?.parse().ok())
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The numbers `NN` of all functions that are called `case_NN_...`.
fn tested() -> BTreeSet<u32> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut files);
    let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    let numbers = texts.flat_map(|text| {
        let names: Vec<u32> =
            text.split("fn case_").skip(1).filter_map(|rest| rest.get(..2)?.parse().ok()).collect();
        names
    });
    numbers.collect()
}

#[test]
fn every_case_has_a_test() {
    let all: BTreeSet<u32> = (1..=CASES).collect();
    let missing: Vec<u32> = all.difference(&tested()).copied().collect();
    assert!(missing.is_empty(), "no test begins with case_NN_ for {missing:?}");
}

#[test]
fn every_case_has_a_line_on_the_page() {
    let (_, cases) = PAGE.split_once("## The cases").unwrap();
    assert!(first_column(cases.split("\n## ").next().unwrap()).eq(1..=CASES));
}

#[test]
fn the_exit_codes_on_the_page_are_those_of_the_program() {
    let (_, table) = PAGE.split_once("## How the program ends").unwrap();
    let told: Vec<u32> = first_column(table.split("\n## ").next().unwrap()).collect();
    let (_, codes) = EXITS.split_once("enum Code {").unwrap();
    let own = codes.split('}').next().unwrap().lines();
    let own: Vec<u32> =
        own.filter_map(|line| line.trim().trim_end_matches(',').rsplit_once("= ")?.1.parse().ok()).collect();
    assert!(!own.is_empty());
    assert_eq!(told, own, "the last row, of signals, is no code of the program");
}

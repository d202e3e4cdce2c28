//! The runner itself: what a broken parser does is found, and the file that does it is saved.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_mutants::{Fault, Memory, Plan, Report, Target, mutant, run};
use std::fs;
use std::panic::catch_unwind;
use std::time::Duration;

const SOUND: Target = Target {
    name: "sound",
    seeds: || vec![b"a seed of 0000000010 bytes and some more".to_vec()],
    words: &[],
    read: |bytes| if bytes.len() < 20 { Err("short".into()) } else { Ok(()) },
    repair: |_| {},
    memory: Memory { fixed: 1000, per_byte: 1 },
};

/// What the runner says of 300 mutants; every file that it saved is the mutant of its number.
fn report(target: Target, slow: Option<Duration>) -> Report {
    let meter = |work: &mut dyn FnMut()| allocation_counter::measure(work).bytes_max;
    let report = run(&target, &Plan { first: 0, count: 300, meter, slow });
    for finding in &report.findings {
        let saved = fs::read(&finding.saved).unwrap();
        assert_eq!(saved, mutant(&target, &(target.seeds)(), finding.number));
        assert!(is_long(&saved));
        fs::remove_file(&finding.saved).unwrap();
    }
    report
}

/// What the broken parsers below stumble over.
fn is_long(bytes: &[u8]) -> bool {
    bytes.len() > 41
}

#[test]
fn a_sound_parser_gives_no_finding() {
    let report = report(SOUND, Some(Duration::from_secs(1)));
    assert!(report.findings.is_empty(), "{report}");
    assert_eq!(report.taken + report.refused, 300);
    assert!(report.taken > 100 && report.refused > 10 && report.guarded == 0, "{report}");
}

#[test]
fn a_panic_is_found_with_its_place() {
    let read = |bytes: &[u8]| if is_long(bytes) { panic!("byte {}", bytes.len()) } else { Ok(()) };
    let report = report(Target { name: "panics", read, ..SOUND }, None);
    assert_eq!(report.findings.len(), 10, "no more are gathered");
    let Fault::Panic(what) = &report.findings[0].fault else { panic!("{report}") };
    assert!(what.contains("runner.rs") && what.contains("byte "), "{what}");
    assert!(report.to_string().contains("patchcore-mutant-panics-"));
}

#[test]
fn a_panic_that_does_not_come_out_is_counted() {
    let read = |bytes: &[u8]| {
        catch_unwind(|| assert!(!is_long(bytes))).map_err(|_| "the decoder gave up".to_string())
    };
    let report = report(Target { name: "guards", read, ..SOUND }, None);
    assert!(report.findings.is_empty() && report.guarded > 10, "{report}");
}

#[test]
fn memory_beyond_the_limit_is_found() {
    let read = |bytes: &[u8]| {
        let taken = vec![1u8; if is_long(bytes) { 2000 } else { 1000 }];
        if taken.len() == bytes.len() { Err("as long".into()) } else { Ok(()) }
    };
    let report = report(Target { name: "takes", read, ..SOUND }, None);
    assert_eq!(report.findings.len(), 10);
    assert!(matches!(report.findings[0].fault, Fault::Memory { held: 2000, allowed: 1042.. }), "{report}");
    assert!(report.peak >= 2000);
}

#[test]
fn time_beyond_the_limit_is_found() {
    let read = |bytes: &[u8]| {
        let rounds = if is_long(bytes) { 3_000_000u64 } else { 1 };
        let sum = (0..rounds).fold(0u64, |sum, i| std::hint::black_box(sum ^ i.wrapping_mul(sum | 1)));
        if sum == 7 { Err("seven".into()) } else { Ok(()) }
    };
    let report = report(Target { name: "dawdles", read, ..SOUND }, Some(Duration::from_micros(500)));
    assert!(matches!(report.findings[0].fault, Fault::Slow(_)), "{report}");
}

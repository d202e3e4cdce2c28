//! Every seed is a file that its parser takes: mutants of anything else would never get far.

use patchcore_mutants::targets;

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

//! Every call of a write fails once and for ever, and the power goes away at every moment: the old or the new file is there.

#![cfg(unix)]

use super::write;
use crate::FileError;
use crate::simulated::{EIO, Fault, Image, Moment, Plan, Simulated};
use crate::storage::Storage;
use std::path::Path;

const OLD: &[u8] = b"last year's model";
const NEW: &[u8] = b"this model, and longer";
const EINTR: i32 = 4;
const ENOSPC: i32 = 28;
const FAULTS: [Fault; 5] =
    [Fault::System(ENOSPC), Fault::System(EIO), Fault::System(EINTR), Fault::Short, Fault::Late];
/// Up to so many changes on their way are tried in every selection and order.
const EXHAUSTED: usize = 6;
/// Selections that are drawn where there are more.
const DRAWS: u64 = 300;

fn path() -> &'static Path {
    Path::new("models/part.patchcore")
}

/// A disk on which the old file is safe, or none.
fn disk(old: Option<&[u8]>) -> Simulated {
    let disk = Simulated::default();
    if let Some(bytes) = old {
        write(&disk, path(), bytes, false).unwrap();
    }
    Simulated::holding(disk.live())
}

/// All that can be left after a power cut.
fn all_cuts(moment: &Moment) -> Vec<Image> {
    let mut cuts = Vec::new();
    if moment.pending() <= EXHAUSTED {
        add_selections(moment, &mut Vec::new(), &mut cuts);
    } else {
        cuts.extend((0..DRAWS).map(|seed| moment.cut(&drawn(moment.pending(), seed))));
    }
    cuts
}

/// Every selection in every order that begins with `chosen`.
fn add_selections(moment: &Moment, chosen: &mut Vec<usize>, cuts: &mut Vec<Image>) {
    cuts.push(moment.cut(chosen));
    for i in 0..moment.pending() {
        if !chosen.contains(&i) {
            chosen.push(i);
            add_selections(moment, chosen, cuts);
            chosen.pop();
        }
    }
}

/// Some of `count` numbers in a drawn order.
fn drawn(count: usize, seed: u64) -> Vec<usize> {
    let random = |i: usize| {
        let mixed = (seed << 32 | i as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 20
    };
    let mut numbers: Vec<usize> = (0..count).filter(|&i| random(i) % 4 < 1 + seed % 3).collect();
    numbers.sort_by_key(|&i| random(count + i));
    numbers
}

/// What is wrong with what was found in place of the file, if something is.
fn wrong(found: Option<&[u8]>, allowed: &[Option<&[u8]>]) -> Option<String> {
    (!allowed.contains(&found)).then(|| format!("{:?}", found.map(String::from_utf8_lossy)))
}

/// Lets `writer` replace `old` while the power goes away at every moment; says what it finds that is neither.
fn torn(old: Option<&[u8]>, writer: impl Fn(&Simulated)) -> Vec<String> {
    let disk = disk(old);
    writer(&disk);
    let moments = disk.moments();
    let (last, before) = moments.split_last().unwrap();
    let cut = |moment: &Moment, allowed: &[Option<&[u8]>]| -> Vec<String> {
        all_cuts(moment).iter().filter_map(|image| wrong(image.read(path()), allowed)).collect()
    };
    // Once it says that it is done, only the new file will do.
    let after = cut(last, &[Some(NEW)]);
    before.iter().flat_map(|moment| cut(moment, &[old, Some(NEW)])).chain(after).collect()
}

#[test]
fn case_66_a_power_cut_at_any_moment_leaves_the_old_or_the_new_file() {
    for (old, force) in [(None, false), (None, true), (Some(OLD), true)] {
        let found = torn(old, |disk| write(disk, path(), NEW, force).unwrap());
        assert_eq!(found, Vec::<String>::new(), "force {force}");
    }
}

#[test]
fn case_66_the_simulation_finds_writers_that_leave_out_a_step() {
    let temporary = Path::new("models/new");
    let unflushed = |disk: &Simulated| {
        let mut file = disk.create(temporary).unwrap();
        disk.write(&mut file, NEW).unwrap();
        disk.rename(temporary, path()).unwrap();
        disk.flush_folder(Path::new("models")).unwrap();
    };
    let folder_unflushed = |disk: &Simulated| {
        let mut file = disk.create(temporary).unwrap();
        disk.write(&mut file, NEW).unwrap();
        disk.flush(&file).unwrap();
        disk.rename(temporary, path()).unwrap();
    };
    let in_place = |disk: &Simulated| {
        disk.remove(path()).unwrap();
        let mut file = disk.create(path()).unwrap();
        disk.write(&mut file, NEW).unwrap();
        disk.flush(&file).unwrap();
        disk.flush_folder(Path::new("models")).unwrap();
    };
    assert!(!torn(Some(OLD), unflushed).is_empty());
    assert!(!torn(Some(OLD), folder_unflushed).is_empty());
    assert!(!torn(Some(OLD), in_place).is_empty());
}

/// Every call of one write fails by `fault`, one after the other, until a write meets none; `check` looks at each.
fn each_call(
    old: Option<&[u8]>,
    force: bool,
    fault: Fault,
    for_ever: bool,
    mut check: impl FnMut(Plan, &Simulated, Result<(), FileError>),
) {
    for call in 1.. {
        let (disk, plan) = (disk(old), Plan { fault, call, for_ever });
        disk.plan(plan);
        let result = write(&disk, path(), NEW, force);
        if disk.calls() < call {
            assert!(call > 5 && result.is_ok(), "a write has five calls at least");
            return;
        }
        check(plan, &disk, result);
    }
}

fn each_fault(mut check: impl FnMut(Option<&'static [u8]>, Plan, &Simulated, Result<(), FileError>)) {
    for (old, force) in [(None, false), (None, true), (Some(OLD), true)] {
        for fault in FAULTS {
            for for_ever in [false, true] {
                each_call(old, force, fault, for_ever, |plan, disk, result| check(old, plan, disk, result));
            }
        }
    }
}

#[test]
fn case_64_whichever_call_fails_the_old_or_the_new_file_is_there() {
    let mut failed = 0;
    each_fault(|old, plan, disk, result| {
        let live = disk.live();
        let allowed: &[_] = if result.is_ok() { &[Some(NEW)] } else { &[old, Some(NEW)] };
        assert_eq!(wrong(live.read(path()), allowed), None, "{plan:?}");
        assert!(!disk.flushed_again(), "{plan:?}");
        if let Err(error) = result {
            failed += 1;
            assert!(error.to_string().starts_with("models/part.patchcore: "), "{error}");
            let full = plan.fault == Fault::System(ENOSPC);
            assert_eq!(matches!(error, FileError::NoSpace { bytes: 22, .. }), full, "{error}");
        } else {
            let harmless = [Fault::Short, Fault::System(EINTR)];
            assert!(harmless.contains(&plan.fault), "{plan:?} was not told");
        }
        // For ever, the temporary file cannot be removed either.
        if !plan.for_ever {
            assert!(live.names().iter().all(|name| *name == path()), "{plan:?}: {:?}", live.names());
        }
    });
    assert!(failed > 50, "only {failed} writes failed");
}

/// A power cut comes on top of the failed call, and then the program runs again.
#[test]
fn case_64_after_a_failure_and_a_power_cut_the_next_run_writes() {
    each_fault(|old, plan, disk, _| {
        for moment in disk.moments() {
            for image in all_cuts(&moment) {
                assert_eq!(wrong(image.read(path()), &[old, Some(NEW)]), None, "{plan:?}");
                let disk = Simulated::holding(image);
                write(&disk, path(), NEW, true).unwrap();
                assert_eq!(disk.live().read(path()), Some(NEW));
            }
        }
    });
}

#[test]
fn case_61_without_force_an_existing_file_is_kept() {
    let disk = disk(Some(OLD));
    assert!(matches!(write(&disk, path(), NEW, false), Err(FileError::Exists { .. })));
    assert_eq!((disk.live().read(path()), disk.live().names()), (Some(OLD), vec![path()]));
}

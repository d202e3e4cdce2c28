//! What dead processes left goes away, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore_files::{Claim, FileError, check_folder, write_atomic};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn case_65_files_of_the_dead_are_removed_and_those_of_the_living_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (dead, living) = (".partial-0123456789abcdef", ".partial-fedcba9876543210");
    for name in [dead, living, ".partial-old.lock", ".partial-notes", "part.patchcore"] {
        fs::write(path(name), "left").unwrap();
    }
    fs::create_dir(path(".partial-00000000000000aa")).unwrap();
    let writer = File::options().write(true).open(path(living)).unwrap();
    writer.lock().unwrap();
    write_atomic(&path("new"), b"x", false).unwrap();
    assert_eq!(
        names(folder.path()),
        [".partial-00000000000000aa", living, ".partial-notes", "new", "part.patchcore"]
    );
}

#[test]
fn case_67_a_claim_is_one_processes_and_no_dead_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.patchcore");
    let mark = folder.path().join(".partial-part.patchcore.lock");
    fs::write(&mark, "999999").unwrap();
    let claim = Claim::of(&path).unwrap();
    assert_eq!(fs::read_to_string(&mark).unwrap(), std::process::id().to_string());
    let error = Claim::of(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: in use by pid {}", path.display(), std::process::id()));
    Claim::of(&folder.path().join("other.patchcore")).unwrap();
    // The file itself can be written meanwhile.
    write_atomic(&path, b"x", false).unwrap();
    assert!(matches!(claim.check_new(false), Err(FileError::Exists { .. })));
    claim.check_new(true).unwrap();
    drop(claim);
    assert_eq!(names(folder.path()), ["part.patchcore"]);
}

#[cfg(unix)]
#[test]
fn case_67_a_link_in_place_of_the_mark_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("part.patchcore"), folder.path().join("target"));
    for exists in [false, true] {
        if exists {
            fs::write(&target, "precious").unwrap();
        }
        let mark = folder.path().join(".partial-part.patchcore.lock");
        std::os::unix::fs::symlink(&target, &mark).unwrap();
        let error = Claim::of(&path).unwrap_err();
        assert!(error.to_string().contains("a link stands in place"), "{error}");
        assert_eq!(fs::read_to_string(&target).ok().as_deref(), exists.then_some("precious"));
        fs::remove_file(&mark).unwrap();
    }
}

/// Tells a copy of this test in which folder it is to claim.
const CLAIMANT: &str = "PATCHCORE_TEST_CLAIMANT";

/// Claims and lets go, again and again; whoever meets another at work fails. Says how often it had the claim.
fn claim_often(folder: &Path) -> u32 {
    let mut had = 0;
    for _ in 0..1000 {
        let Ok(claim) = Claim::of(&folder.join("part.patchcore")) else { continue };
        File::create_new(folder.join("at work")).expect("nobody else is at work");
        fs::remove_file(folder.join("at work")).unwrap();
        had += 1;
        drop(claim);
    }
    had
}

#[test]
fn case_67_no_two_processes_have_a_claim_at_once() {
    if let Some(folder) = std::env::var_os(CLAIMANT) {
        assert!(claim_often(Path::new(&folder)) > 0);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut others: Vec<_> = (0..3)
        .map(|_| {
            let mut other = Command::new(std::env::current_exe().unwrap());
            other.args(["--exact", "case_67_no_two_processes_have_a_claim_at_once"]);
            other.env(CLAIMANT, folder.path()).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    assert!(others.iter_mut().all(|other| other.wait().unwrap().success()));
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn case_62_what_cannot_become_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name);
    fs::write(inside("file"), "x").unwrap();
    assert!(matches!(Claim::of(folder.path()), Err(FileError::NotRegular { found: "a folder", .. })));
    assert!(matches!(Claim::of(&inside("new/")), Err(FileError::NotRegular { found: "a folder", .. })));
    for path in [inside("gone/a"), inside("file/a"), inside(&"a".repeat(300))] {
        let error = Claim::of(&path).unwrap_err();
        assert!(matches!(&error, FileError::Write { .. }), "{error}");
    }
    let long = inside(&"ä".repeat(120));
    write_atomic(&long, b"x", false).unwrap();
    Claim::of(&long).unwrap();
    assert!(check_folder(&inside("file")).is_err() && check_folder(&inside("gone")).is_err());
    check_folder(folder.path()).unwrap();
    assert_eq!(names(folder.path()).len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn case_62_devices_and_folders_of_the_system_are_refused() {
    assert!(matches!(Claim::of(Path::new("/dev/null")), Err(FileError::NotRegular { .. })));
    assert!(matches!(Claim::of(Path::new("/proc/part.patchcore")), Err(FileError::Write { .. })));
    assert!(matches!(check_folder(Path::new("/proc")), Err(FileError::Write { .. })));
    assert!(matches!(check_folder(Path::new("/sys")), Err(FileError::Write { .. })));
}

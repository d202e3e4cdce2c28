//! How a file that is no usable picture is refused: by `fit` with an exit code, by `predict` as `invalid` among the others.

use crate::support::{Room, texts};

/// A file and what is said about it.
pub(super) struct Bad {
    name: String,
    bytes: Vec<u8>,
    exit: i32,
    reason: String,
}

impl Bad {
    /// A file that cannot be used.
    pub(super) fn input(name: &str, bytes: &[u8], reason: &str) -> Self {
        Self { name: name.into(), bytes: bytes.into(), exit: 3, reason: reason.into() }
    }

    /// A file over a limit.
    pub(super) fn limit(name: &str, bytes: &[u8], reason: &str) -> Self {
        Self { exit: 6, ..Self::input(name, bytes, reason) }
    }
}

/// Fits and judges a folder with all of them: exit code, path and reason of each, nothing written, a good picture among them
/// judged all the same.
#[track_caller]
pub(super) fn check(bad: &[Bad]) {
    let room = Room::with_model();
    for file in bad {
        room.write(format!("new/{}", file.name), &file.bytes);
        room.write(format!("good{}/{}", file.exit, file.name), &file.bytes);
    }
    room.copy("set/bolt/test/good/000.png", "new/zz_good.png");
    let before = room.names("");

    let told = format!("{} of {} pictures have no complete result", bad.len(), bad.len() + 1);
    let records =
        room.run("predict bolt.patchcore new --format jsonl").fails(7, &[told.as_str()]).json_lines();
    assert_eq!(records.len(), bad.len() + 1);
    assert_eq!(texts(&records, "verdict").last(), Some(&"ok"));
    for Bad { name, reason, .. } in bad {
        let path = format!("new/{name}");
        let record = records.iter().find(|record| record["path"] == path).unwrap();
        assert_eq!(record["verdict"], "invalid", "{record}");
        assert!(record["image_score"].is_null(), "{record}");
        says(record["error"].as_str().unwrap(), &path, reason);
    }
    for exit in [3, 6] {
        let own: Vec<&Bad> = bad.iter().filter(|file| file.exit == exit).collect();
        if own.is_empty() {
            continue;
        }
        let line = format!("fit --good good{exit} -o part.patchcore --json");
        let error = room.run(&line).fails_in_json(exit, &["pictures cannot be used"]);
        let parts: Vec<&str> = error["parts"].as_array().unwrap().iter().filter_map(|p| p.as_str()).collect();
        assert_eq!(parts.len(), own.len());
        for Bad { name, reason, .. } in own {
            let path = format!("good{exit}/{name}");
            let part = parts.iter().find(|part| part.starts_with(&format!("{path}: "))).unwrap();
            says(part, &path, reason);
        }
    }
    assert_eq!(room.names(""), before, "something was written");
}

/// Path first, then the reason, and no panic behind it.
#[track_caller]
fn says(error: &str, path: &str, reason: &str) {
    assert!(error.starts_with(&format!("{path}: ")) && error.contains(reason), "no {reason:?} in {error:?}");
    assert!(!error.contains("panicked") && !error.contains("gave up"), "{error}");
}

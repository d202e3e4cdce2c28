//! The files that must not outlive this process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Temporary files and claims that exist now.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// All of them; nobody makes or names one meanwhile.
pub(crate) fn all() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file is gone, or has its name.
pub(crate) fn forget(path: &Path) {
    all().retain(|other| other != path);
}

/// Removes what [`write_atomic`](crate::write_atomic) has not finished and what marks a [`Claim`](crate::Claim), and lets
/// nothing more begin: for a process that is about to end.
///
/// A file that has its name already stays.
pub fn abandon_unfinished() {
    abandon(all());
}

/// As [`abandon_unfinished`] for a process that has no memory left: whoever makes a file now may wait for some and never
/// get it. What is left then is removed by the next run.
pub fn abandon_unfinished_at_once() {
    if let Ok(all) = UNFINISHED.try_lock() {
        abandon(all);
    }
}

fn abandon(all: MutexGuard<'static, Vec<PathBuf>>) {
    for path in &*all {
        // It may have its name by now, and nobody is left to hear of anything else.
        let _ = std::fs::remove_file(path);
    }
    std::mem::forget(all);
}

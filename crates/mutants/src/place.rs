//! A place on disk for parsers that read files.

use std::cell::OnceCell;
use std::path::Path;
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// In memory, where the system has such a place: a million files are written there.
fn new_folder() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let made = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

/// Parses `bytes` as a file of that name, in a folder of this thread's own.
pub(crate) fn in_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    FOLDER.with(|folder| {
        let path = folder.get_or_init(new_folder).path().join(name);
        std::fs::write(&path, bytes).expect("a temporary file");
        read(&path)
    })
}

//! A place on disk for parsers that read files.

use std::cell::OnceCell;
use std::path::Path;
use tempfile::TempDir;

thread_local! {
    static FOLDER: OnceCell<TempDir> = const { OnceCell::new() };
}

/// Parses a file of these bytes at `name`, below a folder of this thread's own.
pub(crate) fn in_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    in_folder(&[(name, bytes)], |folder| read(&folder.join(name)))
}

/// Does something with a folder that holds these files, by their names below it. Others may lie there too, of the calls
/// before.
pub(crate) fn in_folder<T>(files: &[(&str, &[u8])], read: impl FnOnce(&Path) -> T) -> T {
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(new_folder).path();
        for (name, bytes) in files {
            let path = folder.join(name);
            if std::fs::write(&path, bytes).is_err() {
                std::fs::create_dir_all(path.parent().unwrap_or(folder)).expect("a temporary folder");
                std::fs::write(&path, bytes).expect("a temporary file");
            }
        }
        read(folder)
    })
}

/// In memory, where the system has such a place: a million files are written there.
fn new_folder() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let made = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
    made.expect("a temporary folder")
}

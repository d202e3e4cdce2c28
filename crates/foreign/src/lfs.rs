//! Knows the small text file that Git leaves where a large one was not fetched.

use std::path::Path;

use crate::ForeignError;

/// Fails if a file begins like a Git-LFS pointer.
pub(crate) fn refuse(path: &Path, head: &[u8]) -> Result<(), ForeignError> {
    if head.starts_with(b"version https://git-lfs") {
        return Err(ForeignError::unsupported(
            path,
            "this is a Git-LFS pointer, not the file itself: run `git lfs pull` where it was checked out",
        ));
    }
    Ok(())
}

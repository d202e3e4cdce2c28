//! Files read from one descriptor, whole or by parts, and written whole or not at all; paths printed safely.

mod claim;
mod error;
mod leftovers;
mod read;
mod regular;
mod shown;
#[cfg(test)]
mod simulated;
mod storage;
mod unfinished;
mod write;

pub use claim::Claim;
pub use error::FileError;
pub use leftovers::is_temporary;
pub use read::read_regular;
pub use regular::RegularFile;
pub use shown::shown;
pub use unfinished::{abandon_unfinished, abandon_unfinished_at_once};
pub use write::{check_folder, write_atomic};

//! Files read from one descriptor, whole or by parts, and written whole or not at all; paths printed safely.

mod error;
mod read;
mod regular;
mod shown;
mod write;

pub use error::FileError;
pub use read::read_regular;
pub use regular::RegularFile;
pub use shown::shown;
pub use write::{abandon_unfinished, write_atomic};

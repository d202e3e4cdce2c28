//! Files read from one descriptor, and written whole or not at all.

mod error;
mod read;
mod write;

pub use error::FileError;
pub use read::read_regular;
pub use write::write_atomic;

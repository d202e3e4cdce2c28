//! Files read from one descriptor, and written whole or not at all; paths printed safely.

mod error;
mod read;
mod shown;
mod write;

pub use error::FileError;
pub use read::read_regular;
pub use shown::shown;
pub use write::write_atomic;

//! Why the data set could not be written.

use std::path::PathBuf;

/// Why the data set could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The folder holds something that is not a demonstration data set.
    #[error(
        "folder is not empty and not a demo data set (it has no {marker}), choose another: {}",
        patchcore_files::shown(path)
    )]
    Occupied {
        /// The folder asked for.
        path: PathBuf,
        /// The file by which a demo data set is known.
        marker: &'static str,
    },

    /// A file cannot be written; it is whole or not there.
    #[error(transparent)]
    File(patchcore_files::FileError),

    /// A folder cannot be made, read or removed.
    #[error("cannot write {}", patchcore_files::shown(path))]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// A picture cannot be encoded.
    #[error("cannot encode {}", patchcore_files::shown(path))]
    Encode {
        /// The picture.
        path: PathBuf,
        /// What the encoder said.
        source: image::ImageError,
    },
}

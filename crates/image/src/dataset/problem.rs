//! What can be wrong with single files of a data set.

use crate::format::Misnamed;
use patchcore_files::shown;
use std::path::PathBuf;

/// A fault of one file or of two. All of them are listed, never only the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A picture of a defect whose kind has masks, but none for it.
    #[error("picture {} has no mask", shown(_0))]
    PictureWithoutMask(PathBuf),
    /// A mask that no picture has the name for.
    #[error("mask {} has no picture", shown(_0))]
    MaskWithoutPicture(PathBuf),
    /// A second mask where a picture has one.
    #[error("mask {} is the second for its picture", shown(_0))]
    SecondMask(PathBuf),
    /// A picture whose name differs from another's in the extension only.
    #[error("picture {} shares its name with another", shown(_0))]
    SecondPicture(PathBuf),
    /// A link that is broken, leads out of the data set or to a folder.
    #[error(
        "{}: a link that is broken, leads out of the data set or to a folder; such links are not followed",
        shown(_0)
    )]
    Link(PathBuf),
    /// A pipe, socket or device with the name of a picture.
    #[error("{}: a pipe, socket or device with the name of a picture", shown(_0))]
    NotAFile(PathBuf),
    /// A file that a list names, but that is not there or no file within the data set.
    #[error("{}: named in line {line}, but there is no such file in the data set", shown(path))]
    Missing {
        /// The file.
        path: PathBuf,
        /// Line, or number of the entry, from 1.
        line: u64,
    },
    /// A picture that a list names twice.
    #[error("{}: named in line {line} for the second time", shown(path))]
    Twice {
        /// The file.
        path: PathBuf,
        /// Line, or number of the entry, from 1.
        line: u64,
    },
    /// A picture of a defect among those to train on, or to set thresholds by.
    #[error("{}: a picture with a defect among the good ones", shown(_0))]
    DefectAmongGood(PathBuf),
    /// A mask of another size than its picture.
    #[error(
        "{}: the mask is {}x{}, its picture {} is {}x{}",
        shown(mask), mask_size[0], mask_size[1], shown(picture), picture_size[0], picture_size[1]
    )]
    MaskSize {
        /// The mask.
        mask: PathBuf,
        /// Its width and height.
        mask_size: [u32; 2],
        /// The picture.
        picture: PathBuf,
        /// Its width and height.
        picture_size: [u32; 2],
    },
    /// A picture or mask that cannot be read; the text names it.
    #[error("{_0}")]
    Unreadable(String),
    /// A picture whose ending names another format.
    #[error("{}: {misnamed}", shown(path))]
    Misnamed {
        /// The file.
        path: PathBuf,
        /// Both formats.
        misnamed: Misnamed,
    },
    /// The same bytes are trained on and tested with.
    #[error("{} is the same file as {}, which is trained on", shown(test), shown(train))]
    Leak {
        /// The picture to train on.
        train: PathBuf,
        /// The one that is tested with.
        test: PathBuf,
    },
    /// The same bytes twice among the pictures to train on.
    #[error("{} is the same file as {}", shown(second), shown(first))]
    Copy {
        /// One.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The masks of a picture with a defect mark no pixel.
    #[error("picture {} has a defect, but its mask is empty", shown(_0))]
    EmptyMask(PathBuf),
    /// A mask with more values than a mask has: soft edges, or a picture in its place.
    #[error("mask {} holds {values} values besides 0; each of them marks a defect", shown(mask))]
    ManyValues {
        /// The mask.
        mask: PathBuf,
        /// How many.
        values: usize,
    },
    /// A file or folder that plays no part.
    #[error("{}: plays no part", shown(_0))]
    NoRole(PathBuf),
}

impl Problem {
    /// Whether the data set can be used in spite of it.
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::EmptyMask(_)
                | Self::ManyValues { .. }
                | Self::NoRole(_)
                | Self::Copy { .. }
                | Self::Misnamed { .. }
        )
    }
}

//! What can go wrong in the method, sorted by whose fault it is.

use crate::Leak;
use patchcore_backbone::BackboneError;
use patchcore_image::ErrorKind;
use std::path::PathBuf;

/// Why a model cannot be fitted, used, saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is outside its range; the text says which, and the range.
    #[error("{name} is {got}, must be {must}")]
    Parameter {
        /// The parameter's name.
        name: &'static str,
        /// The value given.
        got: String,
        /// The values that work.
        must: String,
    },

    /// There is no picture to fit on.
    #[error("no pictures to fit on")]
    NoPictures,

    /// Some pictures cannot be used; all of them are listed.
    #[error("{} of {total} pictures cannot be used, first {}", bad.len(), bad.first().map_or("none", String::as_str))]
    BadPictures {
        /// `PATH: reason` for each bad picture.
        bad: Vec<String>,
        /// How many pictures were given.
        total: usize,
        /// Whether all failed for want of access, memory or another limit of the machine and not for their content.
        kind: PictureFault,
    },

    /// Pictures that were to be left out are none of those to fit on.
    #[error("{} names to leave out are no pictures to fit on, first {}", unknown.len(), unknown.first().map_or("none", String::as_str))]
    NotAmongPictures {
        /// The names.
        unknown: Vec<String>,
    },

    /// Pictures that should be new to the model are those that it was fitted on.
    #[error("{} of {total} pictures are not new to the model: it was fitted on them", leaks.len())]
    NotNew {
        /// Each of them, with the one that it is.
        leaks: Vec<Leak>,
        /// How many pictures were given.
        total: usize,
    },

    /// A second look at the training pictures found others, or other sizes, than the first.
    #[error("the training pictures changed while they were read")]
    PicturesChanged,

    /// The network does not take the pictures, or does not fit its weights.
    #[error(transparent)]
    Backbone(#[from] BackboneError),

    /// Feature maps are too small for the patch size.
    #[error("a feature map of {h} x {w} holds no patch of {patchsize} x {patchsize}")]
    NoPatch {
        /// Height of the map.
        h: usize,
        /// Width of the map.
        w: usize,
        /// Side of a patch.
        patchsize: usize,
    },

    /// More bank rows were asked for than there are patches.
    #[error("a memory bank of {asked} rows was asked for, but the pictures have only {patches} patches")]
    BankTooLarge {
        /// Rows asked for.
        asked: usize,
        /// Patches available.
        patches: usize,
    },

    /// The bytes that the bank may take hold no row.
    #[error("a memory bank of {bytes} bytes holds no row: each takes {row}")]
    BankTooSmall {
        /// Bytes that the bank may take.
        bytes: u64,
        /// Bytes of a row.
        row: usize,
    },

    /// The sampling ratio leaves nothing.
    #[error("{percentage} of {patches} patches is no patch at all: raise the sampling ratio or add pictures")]
    EmptyBank {
        /// The sampling ratio.
        percentage: f64,
        /// Patches available.
        patches: usize,
    },

    /// A score is NaN or infinite: the picture has no verdict.
    #[error("a score is not finite: the picture cannot be judged")]
    NotFinite,

    /// The members of an ensemble have no common scale, so that their scores cannot be made one.
    #[error("the ensemble was not calibrated with good pictures: its members' scores have no common scale")]
    NoScales,

    /// The network gives values that are NaN or infinite for a training picture.
    #[error("{picture}: the network's features are not finite; are these the right weights?")]
    NotFiniteFeatures {
        /// The picture's name.
        picture: String,
    },

    /// A training picture's feature is too large for the numbers that features are kept in.
    #[error("{picture}: a feature of {value} is beyond what f16 holds (65504); keep features as f32")]
    FeatureRange {
        /// The picture's name.
        picture: String,
        /// The first such value.
        value: f32,
    },

    /// The memory bank does not belong to the network: its rows have another width than the embeddings.
    #[error("the network gives embeddings of {embedding} values, the memory bank has {bank}")]
    BankWidth {
        /// Width of an embedding.
        embedding: usize,
        /// Width of the bank's rows.
        bank: usize,
    },

    /// The model was made with other weights.
    #[error(
        "the model was fitted with other weights: {backbone} {fitted}, these are {given_backbone} {given}"
    )]
    OtherWeights {
        /// Network of the model.
        backbone: String,
        /// Fingerprint in the model.
        fitted: String,
        /// Network given.
        given_backbone: String,
        /// Fingerprint of the weights given.
        given: String,
    },

    /// The model file cannot be read or written.
    #[error(transparent)]
    File(#[from] patchcore_files::FileError),

    /// It would take more memory than allowed, or than there is.
    #[error("{what} needs about {}, {has} {}", mib(*expected), mib(*most))]
    Memory {
        /// What would take it.
        what: &'static str,
        /// Bytes that it would take.
        expected: u64,
        /// Whose limit that is, with its verb.
        has: &'static str,
        /// Bytes that the limit allows.
        most: u64,
        /// What it would take with features kept as `f16`, where that is enough.
        halved: Option<u64>,
    },

    /// The file is not a model, or not an intact one.
    #[error("{}: {reason}", patchcore_files::shown(path))]
    BadModel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// All pictures that could not be read, of `total`.
    pub(crate) fn bad_pictures(bad: Vec<(String, ErrorKind)>, total: usize) -> Self {
        let all = |kind: ErrorKind| bad.iter().all(|(_, k)| *k == kind);
        let kind = if all(ErrorKind::Io) {
            PictureFault::Io
        } else if all(ErrorKind::Limit) {
            PictureFault::Limit
        } else {
            PictureFault::Content
        };
        Self::BadPictures { bad: bad.into_iter().map(|(text, _)| text).collect(), total, kind }
    }
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// What kind of fault made pictures unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFault {
    /// The content is bad.
    Content,
    /// The file could not be read.
    Io,
    /// A limit was reached.
    Limit,
}

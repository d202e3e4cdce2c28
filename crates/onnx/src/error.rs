//! What can go wrong between an ONNX file and its feature maps.

use crate::Layout;
use crate::proto::BadWire;
use patchcore_backbone::Precision;
use patchcore_files::{FileError, shown};
use std::path::PathBuf;

/// Why a network from an ONNX file cannot be used; [`kind`](Self::kind) tells whose fault it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),

    /// The file was read, and this was found in it or asked of it.
    #[error("{}: {problem}", shown(path))]
    InFile {
        /// The ONNX file.
        path: PathBuf,
        /// What is wrong.
        problem: Box<OnnxError>,
    },

    /// The file holds something else; the text says what, and what to do.
    #[error("{0}")]
    NotOnnx(&'static str),

    /// The file is cut off or does not hold together.
    #[error("damaged ONNX file: {0}")]
    Damaged(String),

    /// Weights lie in a file beside it that cannot be used.
    #[error("external data {location:?}: {problem}")]
    ExternalData {
        /// Where the ONNX file says that they lie.
        location: String,
        /// What is wrong there.
        problem: String,
    },

    /// The network needs something that is not there.
    #[error("cannot run this network: {0}")]
    Unsupported(String),

    /// No tensor, node or module has this name.
    #[error("no tensor, node or module is called {layer:?}; the nearest are {}", nearest.join(", "))]
    UnknownLayer {
        /// The name asked for.
        layer: String,
        /// Names of modules and tensors that could be meant, the nearest first; not all there are.
        nearest: Vec<String>,
    },

    /// A name stands for several tensors.
    #[error("{layer:?} may mean any of the tensors {}", tensors.join(", "))]
    AmbiguousLayer {
        /// The name asked for.
        layer: String,
        /// The tensors.
        tensors: Vec<String>,
    },

    /// A layer was named twice, perhaps once as a tensor and once as a node.
    #[error("layer {layer:?} is named twice")]
    RepeatedLayer {
        /// The layer.
        layer: String,
    },

    /// No layer was named.
    #[error("no layer to extract from")]
    NoLayers,

    /// What a layer gives can be read in several ways.
    #[error(
        "layer {layer:?} gives {shape:?} for a picture of {} x {} pixels, which can be read as {} or {}: declare its \
         layout", picture[0], picture[1], readings[0], readings[1]
    )]
    AmbiguousLayout {
        /// The layer.
        layer: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Height and width of the picture.
        picture: [usize; 2],
        /// Two of the ways.
        readings: [Layout; 2],
    },

    /// What a layer gives is no map, or not of the declared layout.
    #[error("layer {layer:?} gives {shape:?} for a picture of {} x {} pixels: {problem}", picture[0], picture[1])]
    NotAMap {
        /// The layer.
        layer: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Height and width of the picture.
        picture: [usize; 2],
        /// What is wrong with it, and what may help.
        problem: String,
    },

    /// A layout is declared for a layer that is not extracted.
    #[error("a layout is declared for {layer:?}, which is none of the layers")]
    StrayLayout {
        /// The layer.
        layer: String,
    },

    /// Only `f32` is computed.
    #[error("networks from ONNX files compute in f32, not in {0}")]
    Precision(Precision),
}

/// Whose fault an [`OnnxError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnnxErrorKind {
    /// A file could not be read at all.
    Io,
    /// The file was read, and cannot be used.
    BadFile,
    /// The file is good, and what was asked of it does not fit.
    Usage,
}

impl OnnxError {
    /// Whose fault it is: the machine's, the file's, or the question's.
    pub fn kind(&self) -> OnnxErrorKind {
        match self {
            Self::File(_) => OnnxErrorKind::Io,
            Self::InFile { problem, .. } => problem.kind(),
            Self::NotOnnx(_) | Self::Damaged(_) | Self::ExternalData { .. } | Self::Unsupported(_) => {
                OnnxErrorKind::BadFile
            }
            _ => OnnxErrorKind::Usage,
        }
    }

    /// The same error with the file named; an error that names one already is left alone.
    pub(crate) fn in_file(self, path: &std::path::Path) -> Self {
        match self {
            Self::File(_) | Self::InFile { .. } => self,
            problem => Self::InFile { path: path.into(), problem: Box::new(problem) },
        }
    }
}

impl From<BadWire> for OnnxError {
    fn from(error: BadWire) -> Self {
        Self::Damaged(error.0.into())
    }
}

//! From files to tensors: decoding, preprocessing, masks and data set layouts.
//!
//! Data flows down this list: a [`Dataset`] names files, [`decode`] turns one file
//! into a [`Picture`] (8-bit RGB) within [`Limits`], [`Preprocess`] turns the picture into a
//! [`Tensor`](patchcore_tensor::Tensor) `[1, h, w, 3]`, and later brings an anomaly map back to the picture's pixels.
//!
//! Decoding, resizing and cropping follow the original `PatchCore` code bit for bit (for JPEG within a few levels,
//! since decoders differ), so that memory banks and thresholds carry over.
//!
//! ```
//! use patchcore_image::{Picture, Preprocess};
//!
//! let picture = Picture::from_rgb(320, 240, vec![128; 320 * 240 * 3])?;
//! let preprocess = Preprocess::reference(256, 224);
//! let tensor = preprocess.apply(&picture);
//! assert_eq!(tensor.shape(), [1, 224, 224, 3]);
//! # Ok::<(), patchcore_image::PictureError>(())
//! ```

mod dataset;
mod decode;
mod error;
mod fingerprint;
mod format;
mod intensity;
mod limits;
mod mask;
mod picture;
mod preprocess;
mod quality;

pub use dataset::{
    Category, Dataset, DatasetError, EXTENSIONS, Examined, Label, Layout, Listing, ManifestForm, Problem,
    Role, Sample, Saturation, Skipped, Split, list_pictures, manifest_text, mvtec_category,
};
pub use decode::{decode, decode_as, decode_bytes, decode_bytes_as};
pub use error::{DecodeError, ErrorKind, Exceeded, ImageError};
pub use fingerprint::{Fingerprint, Fingerprints, Likeness};
pub use format::{Format, Misnamed};
pub use intensity::Intensity;
pub use limits::Limits;
pub use mask::{Mask, read_mask};
pub use picture::{Picture, PictureError};
pub use preprocess::{Geometry, Preprocess, PreprocessError};

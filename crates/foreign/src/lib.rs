//! Saved models of other programs, read and written as plain data: no Python, nothing of a file is ever run.
//!
//! | program | files | here |
//! |---|---|---|
//! | the original (Roth et al.) | `nnscorer_search_index.faiss` and `patchcore_params.pkl`, one pair per member | [`read_reference`], [`write_reference`] |
//! | anomalib | a `.ckpt` of Lightning, a `.pt` of its exporter | [`read_anomalib`] |
//!
//! What a file does not say is not made up: neither program stores how its scores are meant, and the original stores
//! neither preprocessing nor the backbone's weights. The types say what is missing.
//!
//! ```
//! use patchcore_foreign::{ReferenceParams, SavedMember, SequenceKind, Writing, read_reference, write_reference};
//! use patchcore_tensor::Embeddings;
//!
//! let params = ReferenceParams {
//!     backbone: "wideresnet50".into(),
//!     layers: vec!["layer2".into(), "layer3".into()],
//!     layers_kind: SequenceKind::Tuple,
//!     input_shape: [3, 224, 224],
//!     pretrain_embed_dimension: 1024,
//!     target_embed_dimension: 2,
//!     patchsize: 3,
//!     patchstride: 1,
//!     anomaly_scorer_num_nn: 1,
//! };
//! let vectors = Embeddings::from_vec(3, 2, vec![0.0, 0.5, 1.0, 1.5, 2.0, 2.5])?;
//! let members = [SavedMember { params, vectors }];
//!
//! let folder = tempfile::tempdir()?;
//! write_reference(folder.path(), &members, Writing::default())?;
//! assert_eq!(read_reference(folder.path())?.members, members);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod anomalib;
mod convert;
mod error;
mod lfs;
mod reference;

pub use anomalib::{AnomalibModel, AnomalibPrecision, Statistics, TransformStep, read_anomalib};
pub use error::ForeignError;
pub use reference::{
    Protocol, ReferenceParams, SavedMember, SavedReference, SequenceKind, Writing, read_reference,
    write_reference,
};

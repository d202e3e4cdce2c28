//! Pictures, data sets, weights and models that cannot be used, and names that are hard to use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "bad_inputs/folders.rs"]
mod folders;
#[path = "bad_inputs/labels.rs"]
mod labels;
#[path = "bad_inputs/manifests.rs"]
mod manifests;
#[path = "bad_inputs/models.rs"]
mod models;
#[path = "bad_inputs/names.rs"]
mod names;
#[cfg(feature = "onnx")]
#[path = "bad_inputs/onnx.rs"]
mod onnx;
#[path = "bad_inputs/own_files.rs"]
mod own_files;
#[path = "bad_inputs/pickles.rs"]
mod pickles;
#[path = "bad_inputs/pictures.rs"]
mod pictures;
#[cfg(target_os = "linux")]
#[path = "bad_inputs/pictures_changing.rs"]
mod pictures_changing;
#[path = "bad_inputs/pictures_coded.rs"]
mod pictures_coded;
#[path = "bad_inputs/pictures_shown.rs"]
mod pictures_shown;
#[path = "bad_inputs/refusal.rs"]
mod refusal;
#[path = "bad_inputs/usage.rs"]
mod usage;
#[path = "bad_inputs/weights.rs"]
mod weights;

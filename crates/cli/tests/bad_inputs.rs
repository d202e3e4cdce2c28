//! Pictures, weights and models that cannot be used, and names that are hard to use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "bad_inputs/models.rs"]
mod models;
#[path = "bad_inputs/names.rs"]
mod names;
#[path = "bad_inputs/own_files.rs"]
mod own_files;
#[path = "bad_inputs/pictures.rs"]
mod pictures;
#[path = "bad_inputs/usage.rs"]
mod usage;
#[path = "bad_inputs/weights.rs"]
mod weights;

//! Data sets as they lie on disk.
//!
//! Every layout gives a [`Category`] of [`Sample`]s. A reader fills a `Draft`, which also gathers what is wrong:
//! [`Dataset::category`] refuses a category with faults, [`Dataset::examine`] lists them with what only opening files
//! shows.

mod check;
mod draft;
mod error;
mod kolektor;
mod layout;
mod listed;
mod listing;
mod loco;
mod manifest;
mod open;
mod pairs;
mod plain;
mod problem;
mod real_iad;
mod sample;
mod shuffle;
mod tree;
mod visa;

pub use check::{Examined, Role};
pub use error::DatasetError;
pub use layout::Layout;
pub use listing::{EXTENSIONS, Listing, Skipped, list_pictures};
pub use loco::Saturation;
pub use manifest::{ManifestForm, manifest_text};
pub use open::{Dataset, mvtec_category};
pub use problem::Problem;
pub use sample::{Category, Label, Sample, Split};

#[cfg(test)]
mod tests;

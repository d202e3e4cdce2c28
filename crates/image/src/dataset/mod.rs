//! Data sets as they lie on disk.

mod error;
mod listing;
mod mvtec;
mod pairs;

pub use error::{DatasetError, PairFault};
pub use listing::{EXTENSIONS, Listing, list_pictures};
pub use mvtec::{Category, Sample, mvtec_categories, mvtec_category};

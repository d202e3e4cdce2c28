//! Every parser of bytes from outside.

mod foreign;
mod lists;
mod models;
mod networks;
mod pictures;
mod weights;

use crate::Target;

/// All targets, in the order of the crates.
pub fn targets() -> Vec<Target> {
    [
        pictures::TARGETS,
        lists::TARGETS,
        weights::TARGETS,
        networks::TARGETS,
        models::TARGETS,
        foreign::TARGETS,
    ]
    .concat()
}

//! Every parser of bytes from outside.

mod pictures;

use crate::Target;

/// All targets, in the order of the crates.
pub fn targets() -> Vec<Target> {
    pictures::TARGETS.to_vec()
}

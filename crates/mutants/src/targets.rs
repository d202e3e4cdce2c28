//! Every parser of bytes from outside.

mod foreign;
mod lists;
mod models;
mod networks;
mod pictures;
mod weights;

use crate::Target;

/// The targets of each room, in the order of the crates.
const ALL: [&[Target]; 6] = [
    pictures::TARGETS,
    lists::TARGETS,
    weights::TARGETS,
    networks::TARGETS,
    models::TARGETS,
    foreign::TARGETS,
];

/// All targets.
pub fn targets() -> Vec<Target> {
    ALL.concat()
}

/// Parses `bytes` with the target of that name, whatever comes of it: what a fuzzer calls.
///
/// # Panics
/// If there is no such target, and if the parser does.
pub fn feed(name: &str, bytes: &[u8]) {
    let target =
        ALL.iter().copied().flatten().find(|target| target.name == name).expect("a target of that name");
    let _ = (target.read)(bytes);
}

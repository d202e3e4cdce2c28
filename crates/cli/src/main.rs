//! The patchcore program.
fn main() {}

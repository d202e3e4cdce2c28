//! How long work tells how far it is.

use crate::Expected;

/// A part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Pictures become embeddings.
    Embed,
    /// Pictures are compared with the others.
    Audit,
    /// Patches are chosen.
    Coreset,
    /// Pictures are scored against the bank without their own patches.
    Calibrate,
    /// Test pictures are scored.
    Evaluate,
    /// Pictures are judged.
    Predict,
}

/// Receives progress; all methods may be called from several threads.
pub trait Progress: Sync {
    /// What the whole will hold in memory is known.
    fn expects(&self, _expected: &Expected) {}
    /// A part of `total` units begins.
    fn begin(&self, stage: Stage, total: usize);
    /// Some units are done.
    fn advance(&self, units: usize);
    /// The part is done.
    fn end(&self);
}

/// Says nothing.
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: Stage, _: usize) {}
    fn advance(&self, _: usize) {}
    fn end(&self) {}
}

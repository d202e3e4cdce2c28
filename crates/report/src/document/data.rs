//! Which pictures took part.

use serde::Serialize;

/// Which pictures took part.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct DataTable {
    /// Each split with its counts.
    pub splits: Vec<SplitRow>,
    /// Training pictures that could not be read and were left out.
    pub skipped: Vec<String>,
    /// Training pictures that were left out because it was asked for.
    pub dropped: Vec<String>,
    /// Hashes by which the same pictures are known again.
    pub fingerprints: Vec<Fingerprint>,
}

/// One split of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitRow {
    /// `train`, `validation`, `test` or `unlabelled`.
    pub split: String,
    /// The kind of picture: `good`, or a kind of defect.
    pub kind: String,
    /// Pictures of this kind.
    pub pictures: usize,
    /// How many of them have a mask.
    pub masks: usize,
}

/// What some pictures hash to: SHA-256 over their names, lengths and bytes, in order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fingerprint {
    /// Which pictures.
    pub of: String,
    /// How many.
    pub pictures: usize,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

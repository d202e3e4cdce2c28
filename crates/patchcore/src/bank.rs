//! The memory bank: embeddings of normal patches, each with the picture and the place that it came from.

use patchcore_tensor::Embeddings;

/// The chosen normal patches.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryBank {
    /// One embedding per row, in the order of selection.
    pub rows: Embeddings,
    /// Where each row came from; empty for a bank that was made elsewhere and does not say it.
    pub origins: Vec<Origin>,
}

/// The picture and the place of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Number of the training picture.
    pub picture: u32,
    /// Row of the patch grid.
    pub y: u32,
    /// Column of the patch grid.
    pub x: u32,
}

impl MemoryBank {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

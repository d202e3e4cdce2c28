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

/// Training pictures by number, one after the other: a picture, or a fold of several, that a search leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first picture.
    pub first: u32,
    /// One past the last.
    pub end: u32,
}

impl Stretch {
    /// One picture.
    pub fn of(picture: u32) -> Self {
        Self { first: picture, end: picture + 1 }
    }

    /// Whether it is one of these pictures.
    pub fn holds(self, picture: u32) -> bool {
        (self.first..self.end).contains(&picture)
    }
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

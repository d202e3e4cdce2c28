//! The memory that a picture passes through on its way to a prediction, kept for the next one.

use crate::embedding::{JoinSpace, PictureEmbeddings};
use crate::search::Neighbours;
use patchcore_tensor::Tensor;

/// What the steps of [`Model::predict`](crate::Model::predict) hand on: each reads what the one before has left here.
/// From the second picture on, no step asks for large memory, if the pictures' size stays.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The network's input, `[1, h, w, 3]`.
    pub input: Tensor,
    /// One feature map `[1, h, w, c]` per tapped layer.
    pub maps: Vec<Tensor>,
    /// The embeddings of the patches.
    pub embeddings: PictureEmbeddings,
    /// Each patch's nearest rows of the memory bank.
    pub neighbours: Neighbours,
    pub(crate) join: JoinSpace,
    /// The anomaly map between its two blurs.
    pub(crate) between: Vec<f32>,
}

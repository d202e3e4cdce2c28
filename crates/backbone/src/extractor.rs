//! The door through which the method sees a network.

use crate::{BackboneError, Precision};
use patchcore_tensor::Tensor;

/// A frozen network that turns pictures into feature maps.
///
/// The method is generic over this trait, so that its tests run on a toy.
pub trait FeatureExtractor: Send + Sync {
    /// The network's name, as stored in a model.
    fn name(&self) -> &str;

    /// The tapped layers, in the order in which [`features`](Self::features) gives them.
    fn layers(&self) -> &[String];

    /// In which numbers the maps are computed.
    fn precision(&self) -> Precision;

    /// Identifies the weights: equal for equal values of the tensors that the taps need, whatever file they came from. A
    /// backbone gives SHA-256 over one line `NAME [SHAPE] HASH` per tensor, in the network's order, where `HASH` is
    /// SHA-256 over its values as little-endian `f32`.
    fn fingerprint(&self) -> &str;

    /// One feature map `[n, h, w, c]` per tapped layer, from normalised pictures `[n, h, w, 3]`. The result of a picture
    /// does not depend on the others in the batch, nor on the number of threads.
    ///
    /// # Errors
    /// [`BackboneError::Channels`] or [`BackboneError::TooSmall`] if the pictures do not fit the network.
    fn features(&self, pictures: &Tensor) -> Result<Vec<Tensor>, BackboneError> {
        let mut maps = Vec::new();
        self.features_into(pictures, &mut maps)?;
        Ok(maps)
    }

    /// As [`features`](Self::features), into maps of earlier pictures, whose memory is used again.
    ///
    /// # Errors
    /// As [`features`](Self::features); the maps are unspecified then.
    fn features_into(&self, pictures: &Tensor, maps: &mut Vec<Tensor>) -> Result<(), BackboneError>;
}

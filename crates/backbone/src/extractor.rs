//! The door through which the method sees a network.

use crate::{BackboneError, Precision};
use patchcore_tensor::Tensor;
use std::sync::Arc;

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
    /// SHA-256 over its values as little-endian `f32`. A network from an ONNX file, whose graph is part of it, gives SHA-256
    /// over the bytes of its files.
    fn fingerprint(&self) -> &str;

    /// One feature map `[n, h, w, c]` per tapped layer, from normalised pictures `[n, h, w, 3]`. The result of a picture
    /// does not depend on the others in the batch, nor on the number of threads.
    ///
    /// # Errors
    /// [`BackboneError::Channels`], [`BackboneError::TooSmall`] or [`BackboneError::PictureSize`] if the pictures do not
    /// fit the network, [`BackboneError::Network`] if it cannot be run on them.
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

    /// Multiply-adds of the convolutions, up to the last tapped layer, for one picture of `height` x `width` pixels; `None`
    /// where they are not known.
    ///
    /// # Errors
    /// [`BackboneError::TooSmall`] if the picture is too small for the network.
    fn multiply_adds(&self, _height: usize, _width: usize) -> Result<Option<u64>, BackboneError> {
        Ok(None)
    }
}

/// Members of an ensemble may share a network.
impl<T: FeatureExtractor + ?Sized> FeatureExtractor for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn layers(&self) -> &[String] {
        (**self).layers()
    }

    fn precision(&self) -> Precision {
        (**self).precision()
    }

    fn fingerprint(&self) -> &str {
        (**self).fingerprint()
    }

    fn features_into(&self, pictures: &Tensor, maps: &mut Vec<Tensor>) -> Result<(), BackboneError> {
        (**self).features_into(pictures, maps)
    }

    fn multiply_adds(&self, height: usize, width: usize) -> Result<Option<u64>, BackboneError> {
        (**self).multiply_adds(height, width)
    }
}

//! What can go wrong between a network's name and its feature maps.

use crate::weights::WeightsError;

/// Why a backbone cannot be built or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackboneError {
    /// No network has this name.
    #[error("unknown backbone {name}; known: {}", known.join(", "))]
    UnknownBackbone {
        /// The name asked for.
        name: String,
        /// All names, in the order of the documentation.
        known: Vec<&'static str>,
    },

    /// The network has no layer of this name.
    #[error("{backbone} has no layer {layer}; it has {}", known.join(", "))]
    UnknownLayer {
        /// The network.
        backbone: String,
        /// The layer asked for.
        layer: String,
        /// Layers that are usually tapped.
        known: Vec<String>,
    },

    /// A layer was named twice.
    #[error("layer {layer} is named twice")]
    RepeatedLayer {
        /// The layer.
        layer: String,
    },

    /// No layer was named.
    #[error("no layer to extract from")]
    NoLayers,

    /// This network needs a weight file.
    #[error("{backbone} needs a weights file: only efficientnet_lite0 is built in")]
    NeedsWeights {
        /// The network.
        backbone: String,
    },

    /// The weight file could be opened, and its tensors then not be read: it is damaged, someone wrote to it, or the disk
    /// failed.
    #[error(transparent)]
    WeightsFile(WeightsError),

    /// The weight file does not fit the network.
    #[error("weights do not fit {backbone}")]
    Weights {
        /// The network.
        backbone: String,
        /// Which tensor, and how.
        #[source]
        source: WeightsError,
    },

    /// The processor does not multiply bf16.
    #[error("precision bf16 needs a processor with AVX-512 BF16; this one computes with {isa}")]
    NoBf16 {
        /// The instruction set in use.
        isa: &'static str,
    },

    /// The input has another number of channels than the network takes.
    #[error("input has {got} channels, {backbone} takes {expected}")]
    Channels {
        /// The network.
        backbone: String,
        /// Channels of the input.
        got: usize,
        /// Channels that the network takes.
        expected: usize,
    },

    /// The input is too small for a window of the network.
    #[error("input of {height} x {width} pixels is too small for layer {layer}")]
    TooSmall {
        /// Height of the input.
        height: usize,
        /// Width of the input.
        width: usize,
        /// The layer whose window does not fit.
        layer: String,
    },

    /// The network was made for pictures of one size.
    #[error("input of {height} x {width} pixels, {backbone} takes {expected} only")]
    PictureSize {
        /// The network.
        backbone: String,
        /// Height of the input.
        height: usize,
        /// Width of the input.
        width: usize,
        /// Height and width that the network takes, as `224 x 224`.
        expected: String,
    },

    /// A network that is not one of this crate's cannot be run on the input.
    #[error("{backbone} cannot be run")]
    Network {
        /// The network.
        backbone: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

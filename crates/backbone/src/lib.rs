//! The frozen network: weights, layers, and feature maps tapped by layer name.
//!
//! A network is a plain list of layers ([`graph`]) under the names that torchvision and timm use. `compile` cuts it
//! after the last tap and folds what can be folded (batch norm into convolution, residual and activation into its end);
//! `execute` runs what is left on the kernels. No gradient exists anywhere.
//!
//! ```text
//! weights/ --+
//!            +--> compile (cut, fold, fuse, pack) --> execute --> feature maps [n, h, w, c], one per tapped layer
//! networks/ -+
//! ```
//!
//! ```
//! use patchcore_backbone::{Backbone, FeatureExtractor};
//! use patchcore_tensor::Tensor;
//!
//! let backbone = Backbone::embedded()?;
//! let maps = backbone.features(&Tensor::zeros([1, 64, 96, 3]))?;
//! assert_eq!(maps[0].shape(), [1, 8, 12, 40]);
//! assert_eq!(maps[1].shape(), [1, 4, 6, 112]);
//! # Ok::<(), patchcore_backbone::BackboneError>(())
//! ```

mod backbone;
mod compile;
mod error;
mod execute;
mod extractor;
pub mod graph;
mod layouts;
pub mod networks;
mod precision;
pub mod weights;

pub use backbone::{Backbone, channels, networks_of, parameters, weights_from};
pub use error::BackboneError;
pub use extractor::FeatureExtractor;
pub use precision::Precision;

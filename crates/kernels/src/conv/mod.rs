//! Convolution over channels-last pictures.
//!
//! A picture is stored with a border of zeros, so a tap of the window is a plain offset and no picture is ever
//! unrolled:
//!
//! ```text
//!          w + 2 border                    weights, packed once:
//!   +------------------------+             [panel of output channels][tap][k][panel width]
//!   | 0 0 0 0 0 0 0 0 0 0 0  |
//!   | 0  pixel: c values  0  |             tile: up to MR neighbouring output pixels x one panel;
//!   | 0  ...              0  |             for every tap, for every k: broadcast one input value per pixel,
//!   | 0 0 0 0 0 0 0 0 0 0 0  |             multiply by one row of the panel, add to the accumulators
//!   +------------------------+
//! ```
//!
//! Bias, residual, and clamp (the ReLU family) happen while the tile is in registers. The accumulators of a tile
//! are independent and each sums over taps and input channels in the same order, whatever the tile's size.

mod dense;
mod depthwise;
mod layout;
#[cfg(test)]
mod tests;
mod tile;
mod winograd;

pub use dense::{Conv, ConvShape};
pub use depthwise::DepthwiseConv;
pub use layout::{Clamp, Layout, Picture, Rows, Window};
pub(crate) use tile::panel_width;
pub use winograd::{Tiling, Winograd, WinogradConv};

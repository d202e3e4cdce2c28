//! Convolution over channels-last pictures: the page to read before touching a kernel.
//!
//! # The picture
//!
//! A picture is stored pixel by pixel, channels innermost, with a border of zeros as wide as the widest window that
//! reads it needs. So a tap of a window is a plain offset, nothing is ever unrolled ("im2col"), and no loop asks
//! whether it is at the edge ([`Layout`]). Two pixels that would lie a multiple of 2048 bytes apart get a gap of one
//! cache line between them: otherwise the fourteen pixels that a tile reads side by side would fall into one set of the
//! level-1 cache, which has room for eight.
//!
//! # The tile
//!
//! Everything is multiplied by one routine (`tile`): a few neighbouring output pixels times one panel of output
//! channels, all sums held in registers until they are done.
//!
//! ```text
//!                      panel of weights: [tap][k][panel]
//!                      two registers wide, packed once,
//!                      read in a straight line
//!                           | w0  w1 |
//!                           +--------+
//!   pixels of a row         |        |   for every tap, for every k (input channel):
//!   x0   ---- a[k] ---->    | s  s   |     load w0, w1
//!   x0+1 ---- a[k] ---->    | s  s   |     for every pixel: broadcast a[k], s += a[k] * (w0, w1)
//!    .                      | .  .   |
//!   x0+13                   | s  s   |   14 pixels x 2 registers of sums + 2 weights + 1 broadcast
//!                           +--------+   = 31 of the 32 registers of AVX-512 (AVX2: 6 x 2 of 16)
//! ```
//!
//! Bias starts the sums; residual and clamp (the ReLU family) happen before they are stored. The lines that a tile will
//! write and add are asked for before it multiplies. A row of 28 pixels is cut 14 + 14, one of 20 is 10 + 10; every
//! width up to the largest is compiled.
//!
//! *Dense and grouped* ([`Conv`]): taps are offsets into the bordered picture; where pixels have no gap, the taps of a
//! window's row lie one behind the other and are walked as one. A panel that spans several groups gets the channels of
//! all of them, with zeros where a group does not see a channel.
//!
//! *Winograd* ([`WinogradConv`], 3x3 with step 1): the same tile multiplies transformed windows; the drawing is in its
//! module.
//!
//! *Depthwise* ([`DepthwiseConv`]): no sum over channels, so lanes run along them and four pixels share a weight.
//!
//! # Precision
//!
//! With [`Bf16`](crate::element::Bf16) feature maps and weights take half the room, and a *word* of 32 bits holds two
//! neighbouring channels. The tile does not change: it broadcasts a word, and one instruction multiplies both halves and
//! adds both products to an `f32` sum.
//!
//! # Same bits
//!
//! Every sum runs over taps and channels in the same order whatever the tile's size, so cutting the work into tiles,
//! rows, bands or threads does not change a bit; `tests` computes everything twice, whole and in the smallest parts.

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

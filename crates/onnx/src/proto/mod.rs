//! The part of the ONNX format that a frozen network needs, read strictly and written anew.
//!
//! Everything that the runtime is given was read by this module and written by it: no byte of the file reaches the runtime
//! unseen, and nothing is allocated that the file does not hold.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod model;
mod tensor;
mod wire;

pub(crate) use model::{AttributeValue, Axis, Input, Model, Node, write};
pub(crate) use tensor::{Elsewhere, Tensor, Values};
pub(crate) use wire::BadWire;

//! Test helpers: golden tensors, the weight formula, closeness with a stated tolerance, picture and weight files made by hand.
//!
//! Golden values live in two places. `testdata/` is small, self-made and always there. `../shared/golden` is large
//! and may be absent on a user's machine; [`shared_golden`] then returns `None` and the test passes empty, unless
//! `CI=true`, where a missing folder is a failure.

mod close;
pub mod craft;
mod fixture;
pub mod onnx;
pub mod safetensors;
pub mod torch;
pub mod weights;

pub use close::{assert_all_close, max_abs_difference};
pub use fixture::{Fixture, shared, shared_golden, testdata};

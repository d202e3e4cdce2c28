//! Places that fail when a test asks for it.
//!
//! The program's steps ask [`at`] by name whether they are to fail now. Without the feature `inject`, which only tests turn
//! on, the answer is a constant "no" that the compiler removes.
//!
//! A test says what is to fail in a [`Plan`]: `search=nan` spoils the first search, `write=28@3` lets the third write fail
//! with the system's error 28, `write=28@3..` all from the third on, `decode=error@2; map=panic` is two of them. The
//! program takes its plan from the environment variable `PATCHCORE_FAULT`, a test in the same process from `inject`.

#[cfg(feature = "inject")]
mod injected;
mod plan;

#[cfg(feature = "inject")]
pub use injected::{Injected, inject};
pub use plan::{Fault, Plan, PlanError};

/// What is to go wrong at `place` in this call; a fault of the kind `panic` does so at once.
///
/// # Panics
/// If that is what the plan says.
#[cfg(feature = "inject")]
pub fn at(place: &str) -> Option<Fault> {
    let fault = injected::next(place)?;
    assert!(fault != Fault::Panic, "a test let {place} fail");
    Some(fault)
}

/// What is to go wrong at `place` in this call: nothing, since the feature `inject` is off.
#[cfg(not(feature = "inject"))]
#[inline]
pub const fn at(_place: &str) -> Option<Fault> {
    None
}

/// Fails as a call of the system would.
///
/// # Errors
/// The planned one.
pub fn io(place: &str) -> std::io::Result<()> {
    at(place).map_or(Ok(()), |fault| Err(fault.into()))
}

/// Makes the first of `values` NaN if any fault is planned for `place`.
pub fn spoil(place: &str, values: &mut [f32]) {
    if at(place).is_some()
        && let Some(first) = values.first_mut()
    {
        *first = f32::NAN;
    }
}

//! A pickle read as data: opcodes build plain values in a table, nothing is looked up, imported or called.
//!
//! Values refer to each other by [`Id`], a position in the table, so a value used a thousand times is stored once (no memo
//! bomb), a list that contains itself is harmless, and dropping a tower of a million tuples needs no recursion.
//! What may appear is decided by the caller's [`Rules`]. The bytes set every limit: no value needs more memory than a
//! small multiple of the opcodes that make it.
//!
//! ```
//! use patchcore_pickle::{PickleError, Rules, Value, run};
//!
//! let pickle = run(b"\x80\x02}X\x01\0\0\0kK\x07s.", Rules::Data(|_| true))?;
//! let Value::Dict { items, .. } = pickle.root() else { panic!("no dict") };
//! assert_eq!(pickle.get(items[0].0), &Value::Str("k".into()));
//! assert_eq!(pickle.get(items[0].1), &Value::Int(7));
//! # Ok::<(), PickleError>(())
//! ```

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

mod cursor;
mod error;
mod machine;
mod rules;
mod value;

#[cfg(test)]
mod tests;

pub use error::PickleError;
pub use machine::run;
pub use rules::Rules;
pub use value::{Attributes, Id, Pickle, Value};

/// More values than this are refused; the largest torchvision model needs about 30,000.
const MAX_VALUES: usize = 1_000_000;

//! Model files.

use crate::{Memory, Target, repair, seeds};
use patchcore::Fitted;

pub(super) const TARGETS: &[Target] = &[Target {
    name: "model",
    seeds: seeds::model,
    words: &[
        b"format_version",
        b"null",
        b"bank",
        b"filter",
        b"checksum",
        b"data_offsets",
        b"shape",
        b"[",
        b"{",
        b"\\\"",
    ],
    read,
    repair: repair::model,
    memory: Memory { fixed: 1 << 18, per_byte: 64 },
}];

/// What is taken can be written, and is the same when it is read again.
fn read(bytes: &[u8]) -> Result<(), String> {
    let fitted = Fitted::from_bytes(bytes)?;
    let written = fitted.to_bytes().expect("a model that was read can be written");
    assert!(Fitted::from_bytes(&written).as_ref() == Ok(&fitted), "a model changed when it was written");
    Ok(())
}

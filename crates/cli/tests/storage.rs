//! Outputs: refused before the work, whole or not there after it, whatever the disk does.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

#[path = "storage/claims.rs"]
mod claims;
#[path = "storage/full_disk.rs"]
mod full_disk;
#[path = "storage/kill.rs"]
mod kill;
#[path = "storage/refused.rs"]
mod refused;
#[path = "storage/some_bad.rs"]
mod some_bad;

//! Small files that ask for much: each is refused, or read, before it has its way. Bytes are counted, time is not.
//!
//! The numbers are those of the list of bad inputs that the program is held to.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bombs {
    mod foreign;
    mod models;
    mod networks;
    mod pickles;
    mod pictures;
    mod weights;
}

/// What the work gives, and the most bytes of memory that it held.
fn measured<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let mut given = None;
    let held = allocation_counter::measure(|| given = Some(work())).bytes_max;
    (given.unwrap(), held)
}

/// The error of work on a file of `len` bytes that holds no more than `factor` times these and 64 KiB.
#[track_caller]
fn refused<T, E: std::fmt::Display>(len: usize, factor: u64, work: impl FnOnce() -> Result<T, E>) -> String {
    let (result, held) = measured(work);
    let allowed = factor * len as u64 + (64 << 10);
    assert!(held <= allowed, "{held} bytes of memory for a file of {len}, allowed are {allowed}");
    match result {
        Ok(_) => panic!("taken"),
        Err(error) => error.to_string(),
    }
}

//! Pickles that would fill memory or the stack in Python.

use crate::{measured, refused};
use patchcore_pickle::{Rules, run};

/// A table of values has so many bytes for a byte of the pickle at most.
const PER_BYTE: u64 = 200;

fn error(bytes: &[u8]) -> String {
    refused(bytes.len(), PER_BYTE, || run(bytes, Rules::Objects))
}

fn taken(bytes: &[u8]) {
    let (result, held) = measured(|| run(bytes, Rules::Objects).map(drop));
    result.unwrap();
    assert!(held <= PER_BYTE * bytes.len() as u64 + 4096, "{held} bytes for {}", bytes.len());
}

#[test]
fn bomb_41_what_the_memo_repeats_is_there_once() {
    // Sixty lists, each with the one before in it ten times: 10^60 values, written out.
    let mut bytes = b"\x80\x02]q\x00".to_vec();
    for last in 0..60u8 {
        bytes.extend(b"](");
        (0..10).for_each(|_| bytes.extend([b'h', last]));
        bytes.extend([b'e', b'q', last + 1]);
    }
    bytes.push(b'.');
    taken(&bytes);
}

#[test]
fn bomb_41_a_long_integer_has_eight_bytes_at_most() {
    for length in [1u32 << 30, i32::MAX as u32, u32::MAX, 9] {
        let bytes = [b"\x80\x02\x8b", &length.to_le_bytes()[..], &[1; 64], b"."].concat();
        error(&bytes);
    }
    for (opcode, width) in [(b'X', 4), (b'T', 4), (b'B', 4), (0x8d, 8), (0x8e, 8)] {
        let length = &[0xff; 8][..width];
        error(&[b"\x80\x04", &[opcode][..], length, b"text."].concat());
    }
}

#[test]
fn bomb_41_marks_and_memos_have_an_end() {
    error(&[b"\x80\x02", &b"(".repeat(3_000_000)[..], b"."].concat());
    error(&[b"\x80\x02", &b"N".repeat(3_000_000)[..], b"."].concat());
    error(&[b"\x80\x02N", &b"2".repeat(3_000_000)[..], b"."].concat());
    error(b"\x80\x02Nr\xff\xff\xff\xff.");
}

#[test]
fn bomb_41_depth_needs_no_stack() {
    for pair in [&b"\x85"[..], b"\x94\x85"] {
        taken(&[b"\x80\x04N", &pair.repeat(100_000)[..], b"."].concat());
    }
    taken(&[&b"\x80\x02"[..], &b"]".repeat(100_000), &b"a".repeat(99_999), b"."].concat());
}

//! The last word when the system refuses memory: one error of the usual form, exit code 6, nothing half-written.

use crate::exit::Code;
use patchcore_kernels::memory::{Allocator, when_refused};
use std::io::{Cursor, Write};
use std::sync::atomic::{AtomicBool, Ordering};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Whether errors are JSON.
static JSON: AtomicBool = AtomicBool::new(false);

const HINT: &str = "use fewer or smaller pictures, fewer --threads, or a machine with more memory";

/// From now on a refusal ends the program in order.
pub(crate) fn prepare() {
    when_refused(end);
}

/// Errors are JSON from now on.
pub(crate) fn in_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// Says it without asking for memory, and ends the program.
fn end(bytes: usize) {
    let mut text = Cursor::new([0u8; 320]);
    // It is long enough; where it were not, the text would be cut off.
    let _ = write_error(&mut text, bytes, JSON.load(Ordering::Relaxed));
    let length = text.position() as usize;
    let _ = std::io::stderr().write_all(text.get_ref().get(..length).unwrap_or_default());
    patchcore_files::abandon_unfinished_at_once();
    std::process::exit(Code::Limit as i32);
}

fn write_error(to: &mut impl Write, bytes: usize, json: bool) -> std::io::Result<()> {
    if json {
        writeln!(
            to,
            r#"{{"error":{{"code":"E006","exit":6,"hint":"{HINT}","message":"out of memory: {bytes} bytes refused","parts":[]}}}}"#
        )
    } else {
        writeln!(to, "error[E006]: out of memory: {bytes} bytes refused\nhint: {HINT}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_fits_and_is_json_when_asked() {
        for json in [false, true] {
            let mut text = Cursor::new([0u8; 320]);
            write_error(&mut text, usize::MAX, json).unwrap();
            let text = &text.get_ref()[..text.position() as usize];
            if json {
                let all: serde_json::Value = serde_json::from_slice(text).unwrap();
                assert_eq!(all["error"]["exit"], 6);
            } else {
                assert!(
                    text.starts_with(
                        b"error[E006]: out of memory: 18446744073709551615 bytes refused\nhint: "
                    )
                );
            }
        }
    }
}

//! Little memory, few descriptors and threads, an output that nobody reads, an odd environment: an error of the usual form
//! or the usual result, never a signal and never a panic.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test says what it left out")]

mod support;

#[path = "machine/bombs.rs"]
mod bombs;
#[path = "machine/environment.rs"]
mod environment;
#[path = "machine/memory.rs"]
mod memory;
#[path = "machine/output.rs"]
mod output;

use std::process::{Command, Output, Stdio};
use support::Room;

/// Runs the program under limits of `prlimit`, as `--as=1000000`; `None` where that is missing.
fn limited(room: &Room, limits: &[&str], line: &str) -> Option<Ended> {
    let program = assert_cmd::cargo::cargo_bin!("patchcore");
    let mut command = Command::new("prlimit");
    command.args(limits).arg("--").arg(program).args(line.split_whitespace());
    command.current_dir(room.path(".")).env_remove("PATCHCORE_CPU").env("RAYON_NUM_THREADS", "2");
    command.env("PATCHCORE_WEIGHTS", room.path("cache")).stdin(Stdio::null());
    match command.output() {
        Ok(output) => Some(Ended::of(line, &output)),
        Err(error) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "prlimit (util-linux): {error}");
            println!("skipped: prlimit (util-linux): {error}");
            None
        }
    }
}

/// How a run ended.
struct Ended {
    line: String,
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// Fails if it was ended by a signal, or panicked.
    #[track_caller]
    fn of(line: &str, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code().unwrap_or_else(|| panic!("{line}: {}\n{stderr}", output.status));
        assert!(code != 70 && !stderr.contains("panicked at"), "{line}: {code}\n{stderr}");
        Self { line: line.into(), code, stdout, stderr }
    }

    /// This code, and these words in what it says.
    #[track_caller]
    fn ends(self, codes: &[i32], words: &[&str]) -> Self {
        assert!(codes.contains(&self.code), "{}: {}\n{}", self.line, self.code, self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{}: no {word:?} in\n{}", self.line, self.stderr);
        }
        self
    }
}

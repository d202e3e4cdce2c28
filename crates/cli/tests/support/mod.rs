//! Runs the program in a folder of its own, on a data set of a few pixels.

#![allow(dead_code, reason = "no test program needs all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub(crate) mod draw;
pub(crate) mod resnet18;

use assert_cmd::Command;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;
use tiff::decoder::DecodingResult;

/// A temporary folder in which the program runs; it goes when the test ends.
pub(crate) struct Room {
    folder: TempDir,
}

impl Room {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With the data set `set` of [`draw::data_set`].
    pub(crate) fn with_data() -> Self {
        let room = Self::new();
        draw::data_set(&room.path("set"));
        room
    }

    /// With the data set and `bolt.patchcore`, fitted on its category `bolt` as the program does by default.
    pub(crate) fn with_model() -> Self {
        let room = Self::with_data();
        room.write("bolt.patchcore", default_model());
        room
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn text(&self, name: impl AsRef<Path>) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn copy(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) {
        let bytes = self.read(from);
        self.write(to, bytes);
    }

    /// Width, height and values of a map in a TIFF of 32-bit floats.
    pub(crate) fn raw_map(&self, name: &str) -> (u32, u32, Vec<f32>) {
        let mut file = tiff::decoder::Decoder::new(std::io::Cursor::new(self.read(name))).unwrap();
        let (width, height) = file.dimensions().unwrap();
        let DecodingResult::F32(values) = file.read_image().unwrap() else {
            panic!("{name} holds no floats")
        };
        (width, height, values)
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The program, to be run in this folder on two threads.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("patchcore"));
        command.current_dir(self.folder.path());
        command.env("RAYON_NUM_THREADS", "2").env_remove("PATCHCORE_CPU");
        // What weights this machine has is nothing to a test.
        command.env("PATCHCORE_WEIGHTS", self.path("cache")).env_remove("SSL_CERT_FILE");
        command
    }

    /// Runs the program with the words of `line`.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.run_words(line.split_whitespace())
    }

    /// Runs the program, which must [fail](Run::fails) and leave the folder as it was.
    #[track_caller]
    pub(crate) fn refuses(&self, line: &str, code: i32, words: &[&str]) -> Run {
        let before = self.everything();
        let run = self.run(line).fails(code, words);
        let after = self.everything();
        if after != before {
            let new: Vec<_> = after.iter().filter(|entry| !before.contains(entry)).collect();
            panic!("{line}: changed its folder, where now is {new:?}");
        }
        run
    }

    /// The path and the length of everything in the folder, sorted.
    fn everything(&self) -> Vec<(PathBuf, u64)> {
        let (mut found, mut waiting) = (Vec::new(), vec![self.path("")]);
        while let Some(folder) = waiting.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let (entry, about) = entry.map(|e| (e.path(), e.metadata().unwrap())).unwrap();
                if about.is_dir() {
                    waiting.push(entry.clone());
                }
                found.push((entry, if about.is_file() { about.len() } else { 0 }));
            }
        }
        found.sort();
        found
    }

    /// Runs the program with arguments that hold spaces, or are no text.
    pub(crate) fn run_words(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Run {
        Run::of(self.command().args(words))
    }

    /// Runs the program with the words of `line` while the places of a plan fail.
    pub(crate) fn run_with_fault(&self, line: &str, plan: &str) -> Run {
        Run::of(self.command().args(line.split_whitespace()).env("PATCHCORE_FAULT", plan))
    }

    /// Runs the program with the words of `line` and a standard input.
    pub(crate) fn run_with_input(&self, line: &str, input: impl Into<Vec<u8>>) -> Run {
        Run::of(self.command().args(line.split_whitespace()).write_stdin(input))
    }

    /// One JSON object per picture that `predict` is given.
    pub(crate) fn predict(&self, line: &str) -> Vec<Value> {
        self.run(&format!("predict --json bolt.patchcore {line}")).succeeds().json_lines()
    }
}

/// How the program ended and what it said.
pub(crate) struct Run {
    line: String,
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            line: format!("{:?}", command.get_args().collect::<Vec<_>>()),
            code: output.status.code().expect("an exit code"),
            stdout: String::from_utf8(output.stdout).expect("standard output in UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error in UTF-8"),
        }
    }

    /// Exit code 0, and nothing on standard error.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        let told: Vec<&str> = self.stderr.lines().filter(|line| !line.starts_with("note: ")).collect();
        assert_eq!((self.code, told), (0, vec![]), "{}", self.line);
        self
    }

    /// The exit code, an error in the program's own form, and every one of the words in it.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) -> Self {
        let Self { line, stderr, .. } = &self;
        assert_eq!(self.code, code, "{line}\n{stderr}");
        let first = stderr
            .lines()
            .find(|l| !l.starts_with("warning: ") && !l.starts_with("note: "))
            .unwrap_or_default();
        let start = format!("error[E{code:03}]: ");
        assert!(first.starts_with(&start), "{line}: no {start:?} in\n{stderr}");
        assert!(!stderr.contains("panicked at"), "{line}\n{stderr}");
        for word in words {
            assert!(stderr.contains(word), "{line}: no {word:?} in\n{stderr}");
        }
        self
    }

    /// As [`fails`](Self::fails) for a run with `--json`: the error is one JSON object.
    #[track_caller]
    pub(crate) fn fails_in_json(self, code: i32, words: &[&str]) -> Value {
        assert_eq!(self.code, code, "{}\n{}", self.line, self.stderr);
        let all: Value =
            serde_json::from_str(&self.stderr).unwrap_or_else(|e| panic!("{e} in {}", self.stderr));
        let error = all["error"].clone();
        assert_eq!(
            (error["code"].as_str(), error["exit"].as_i64()),
            (Some(&*format!("E{code:03}")), Some(code.into()))
        );
        for word in words {
            assert!(error.to_string().contains(word), "{}: no {word:?} in\n{error}", self.line);
        }
        error
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e} in {}", self.stdout))
    }

    /// Standard output as one JSON value per line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

/// The bytes of a model fitted on `set/bolt` with default options, once for all tests of a test program.
pub(crate) fn default_model() -> &'static [u8] {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    MODEL.get_or_init(|| fitted("--category bolt"))
}

/// The bytes of a model of a few kilobytes.
pub(crate) fn tiny_model() -> &'static [u8] {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    MODEL.get_or_init(|| fitted("--category bolt --imagesize 32 --bank-rows 4"))
}

fn fitted(options: &str) -> Vec<u8> {
    let room = Room::with_data();
    room.run(&format!("fit --dataset set -o model {options}")).succeeds();
    room.read("model")
}

/// The texts under `key` of JSON objects.
pub(crate) fn texts<'a>(records: &'a [Value], key: &str) -> Vec<&'a str> {
    records.iter().map(|r| r[key].as_str().unwrap_or_default()).collect()
}

/// The first words of the rows of the first table in a text, less its head.
pub(crate) fn first_words(text: &str) -> Vec<String> {
    let rows = text.lines().skip(1).take_while(|line| !line.is_empty());
    rows.map(|line| line.split_whitespace().next().unwrap_or_default().to_string()).collect()
}

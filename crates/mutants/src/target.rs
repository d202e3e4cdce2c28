//! A parser that is put to the test.

/// A parser, the files that it takes, and what it may need.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of its test, of its fuzz target, and of the folder of its seeds.
    pub name: &'static str,
    /// Small files that the parser takes; at least one.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words of the format that a mutation may write: names of chunks, markers, keys.
    pub words: &'static [&'static [u8]],
    /// Parses a file through the public door of its crate; the reason as text if it is refused.
    pub read: fn(&[u8]) -> Result<(), String>,
    /// Sets right what hides a change from the parser: checksums and lengths.
    pub repair: fn(&mut Vec<u8>),
    /// How much memory a file may take.
    pub memory: Memory,
}

/// The most memory that a file may take while it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Bytes whatever the file is.
    pub fixed: u64,
    /// Bytes more for each byte of the file.
    pub per_byte: u64,
}

impl Memory {
    /// The limit for a file of `len` bytes.
    ///
    /// ```
    /// use patchcore_mutants::Memory;
    ///
    /// assert_eq!(Memory { fixed: 1000, per_byte: 8 }.of(50), 1400);
    /// ```
    pub fn of(self, len: usize) -> u64 {
        self.fixed + self.per_byte * len as u64
    }
}

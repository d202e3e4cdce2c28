//! A buffer of `f32` whose start is aligned to a cache line.

use std::ops::{Deref, DerefMut};

/// Lanes of one cache line.
const LINE: usize = 16;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A fixed-length `f32` buffer that starts on a 64-byte boundary, so that full-width loads do not straddle lines.
#[derive(Clone)]
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; LINE]); len.div_ceil(LINE)], len }
    }

    /// Changes the length, keeping the memory where it is large enough. The values are unspecified (not undefined):
    /// old values or zeros.
    pub fn resize(&mut self, len: usize) {
        self.lines.resize(len.div_ceil(LINE), Line([0.0; LINE]));
        self.len = len;
    }

    /// How many values fit without new memory.
    pub fn capacity(&self) -> usize {
        self.lines.capacity() * LINE
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `Line` is exactly 16 `f32` (repr(C), size 64), `lines` is contiguous and initialised, and
        // `len <= lines.len() * 16` holds by construction.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast::<f32>(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; `&mut self` makes the view unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast::<f32>(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_line_and_has_the_length_asked_for() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let mut b = Buffer::zeros(len);
            assert_eq!(b.len(), len);
            assert_eq!(b.as_ptr() as usize % 64, 0);
            b.fill(2.0);
            b.resize(len / 2);
            assert!(b.iter().all(|&v| v == 2.0) && b.len() == len / 2);
        }
    }
}

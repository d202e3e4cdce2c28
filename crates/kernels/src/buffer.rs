//! A buffer whose start is aligned to a cache line.

use crate::element::Element;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Bytes of one cache line.
const LINE: usize = 64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

/// A fixed-length buffer of `f32` (or another [`Element`]) that starts on a 64-byte boundary, so that full-width loads
/// do not straddle lines.
#[derive(Clone)]
pub struct Buffer<E: Element = f32> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<E>,
}

impl<E: Element> Buffer<E> {
    /// Values per line.
    const PER_LINE: usize = LINE / size_of::<E>();

    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let lines = vec![Line([0; LINE]); len.div_ceil(Self::PER_LINE)];
        Self { lines, len, element: PhantomData }
    }

    /// Changes the length, keeping the memory where it is large enough. The values are unspecified (not undefined):
    /// old values or zeros.
    pub fn resize(&mut self, len: usize) {
        self.lines.resize(len.div_ceil(Self::PER_LINE), Line([0; LINE]));
        self.len = len;
    }

    /// How many values fit without new memory.
    pub fn capacity(&self) -> usize {
        self.lines.capacity() * Self::PER_LINE
    }
}

impl<E: Element> Deref for Buffer<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        // SAFETY: every bit pattern is a value of `E` (sealed: `f32`, `Bf16`), whose size divides a line and whose
        // alignment is smaller; `lines` is contiguous and initialised, and `len` values fit by construction.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast::<E>(), self.len) }
    }
}

impl<E: Element> DerefMut for Buffer<E> {
    fn deref_mut(&mut self) -> &mut [E] {
        // SAFETY: as in `deref`; `&mut self` makes the view unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast::<E>(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Bf16;

    fn starts_on_a_line<E: Element>() {
        for len in [0, 1, 15, 16, 17, 33, 1000] {
            let mut b = Buffer::<E>::zeros(len);
            assert_eq!(b.len(), len);
            assert!(b.capacity() >= len);
            assert_eq!(b.as_ptr() as usize % LINE, 0);
            b.fill(E::from_f32(2.0));
            b.resize(len / 2);
            assert!(b.iter().all(|v| v.to_f32() == 2.0) && b.len() == len / 2);
        }
    }

    #[test]
    fn starts_on_a_line_and_has_the_length_asked_for() {
        starts_on_a_line::<f32>();
        starts_on_a_line::<Bf16>();
    }
}

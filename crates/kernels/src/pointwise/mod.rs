//! Functions of single values: smooth activations, and channels scaled by a gate.
//!
//! Plain loops that never fuse a product with a sum: every instruction set gives the same bits.

use crate::conv::{Layout, Picture, Rows};
use crate::element::Element;
use crate::isa::Isa;
use crate::vector::Lanes;
use crate::vector::dispatch::Kernel;

#[cfg(test)]
mod tests;

/// A smooth activation. NaN stays NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x / (1 + exp(-x))`, also called swish.
    Silu,
}

/// Applies a curve to all values of some rows, in place; borders and gaps between pixels stay as they are.
///
/// # Panics
/// If the rows do not fit their layout.
pub fn curve_rows<E: Element>(isa: Isa, curve: Curve, rows: Rows<'_, E>) {
    rows.count();
    // SAFETY: the job is safe code.
    unsafe { E::dispatch(isa, CurveJob { curve, rows }) }
}

/// Every channel of some rows times the gate's value for it; the gate is one pixel.
///
/// # Panics
/// If a length or a layout does not fit.
pub fn gate_rows<E: Element>(isa: Isa, input: Picture<'_, E>, gate: Picture<'_, E>, out: Rows<'_, E>) {
    out.count();
    for picture in [input, gate] {
        assert_eq!(picture.data.len(), picture.layout.len(), "picture does not fit its layout");
    }
    let (from, to) = (input.layout, out.layout);
    assert_eq!((from.h, from.w, from.c), (to.h, to.w, to.c), "input has another shape");
    assert_eq!((gate.layout.h, gate.layout.w, gate.layout.c), (1, 1, to.c), "the gate is no pixel");
    // SAFETY: the job is safe code.
    unsafe { E::dispatch(isa, GateJob { input, gate, out }) }
}

struct CurveJob<'a, E> {
    curve: Curve,
    rows: Rows<'a, E>,
}

impl<E: Element> Kernel<E> for CurveJob<'_, E> {
    /// Plain loops: the compiler makes them as wide as the instruction set of the caller.
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(mut self) {
        match self.curve {
            Curve::Sigmoid => each(&mut self.rows, |x| 1.0 / (1.0 + exp(-x))),
            Curve::Silu => each(&mut self.rows, |x| x / (1.0 + exp(-x))),
        }
    }
}

#[inline(always)]
fn each<E: Element>(rows: &mut Rows<'_, E>, f: impl Fn(f32) -> f32) {
    let Layout { w, c, border, pitch, .. } = rows.layout;
    for row in rows.data.chunks_exact_mut(rows.layout.row_len().max(1)) {
        for pixel in row[border * pitch..].chunks_mut(pitch).take(w) {
            for value in &mut pixel[..c] {
                *value = E::from_f32(f(value.to_f32()));
            }
        }
    }
}

struct GateJob<'a, E> {
    input: Picture<'a, E>,
    gate: Picture<'a, E>,
    out: Rows<'a, E>,
}

impl<E: Element> Kernel<E> for GateJob<'_, E> {
    /// Plain loops, as in [`CurveJob`].
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        let (from, Layout { w, c, border, pitch, .. }) = (self.input.layout, self.out.layout);
        let gate = &self.gate.data[self.gate.layout.at(0, 0)..][..c];
        for (row, out) in self.out.data.chunks_exact_mut(self.out.layout.row_len().max(1)).enumerate() {
            for x in 0..w {
                let values = &self.input.data[from.at(self.out.first + row, x)..][..c];
                let to = &mut out[(border + x) * pitch..][..c];
                for ((to, value), gate) in to.iter_mut().zip(values).zip(gate) {
                    *to = E::from_f32(value.to_f32() * gate.to_f32());
                }
            }
        }
    }
}

/// `exp(x)` with a relative error of about 1e-7; beyond 87 and -87 that of the nearer bound.
///
/// `x = n ln 2 + r`: `exp(r)` is a polynomial, and `2^n` the exponent of a float.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it leaves an integer in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// `ln 2` in two parts, the first short enough that `n` times it is exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = if x > 87.0 { 87.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let mut sum = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + coefficient;
    }
    sum * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()))
}

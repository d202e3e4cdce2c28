//! The tile: a few output pixels times one panel of output channels, held in registers while the products are summed.

use super::layout::Clamp;
use crate::element::Element;
use crate::vector::{Lanes, Vector};

/// Output channels of one panel for the register `V`: two registers.
pub(crate) const fn panel_width<V: Vector>() -> usize {
    2 * V::N
}

/// A tile of output pixels and channels: where everything is. Values are read as `E` and written as `O`. A panel is
/// `NV` registers wide: two, or one where the last output channels fill no more.
pub(super) struct Tile<E, O> {
    /// First input value of the first pixel's window.
    pub(super) a: *const E,
    /// Values between the windows of neighbouring output pixels.
    pub(super) pixel: usize,
    /// Rows and columns of taps.
    pub(super) taps: [usize; 2],
    /// Values between neighbouring rows and columns of taps.
    pub(super) tap_step: [usize; 2],
    /// Words per tap.
    pub(super) k: usize,
    /// The panel's weights, `[tap][k][panel]` words.
    pub(super) b: *const E,
    /// First output value.
    pub(super) c: *mut O,
    /// Values between neighbouring output pixels.
    pub(super) c_pixel: usize,
    /// What happens to the sums before they are stored; `None` stores whole panels of bare sums.
    pub(super) finish: Option<Finish<O>>,
}

/// Bias, residual and clamp of a tile.
pub(super) struct Finish<O> {
    /// The panel's biases.
    pub(super) bias: *const f32,
    /// First residual value, and values between neighbouring pixels.
    pub(super) residual: Option<(*const O, usize)>,
    /// Cut of the result.
    pub(super) clamp: Clamp,
    /// Output channels to write.
    pub(super) columns: usize,
}

impl<E: Element, O: Element> Tile<E, O> {
    /// Computes the tile of `pixels` pixels, at most [`Vector::PIXELS`], and a panel of `NV` registers.
    ///
    /// # Safety
    /// For every pixel: `a` + tap + `k` words are readable, `c` (and the residual) holds `columns` values, or one
    /// panel without `finish`. `b` holds `taps * k` rows of one panel of words, `bias` one panel. The processor has
    /// `V`.
    #[inline(always)]
    pub(super) unsafe fn run<V: Lanes<E> + Lanes<O>, const NV: usize>(&self, pixels: usize) {
        macro_rules! widths {
            ($($m:literal)*) => {
                match pixels {
                    // SAFETY: passed on from the caller.
                    $($m if $m <= V::PIXELS => unsafe { self.multiply::<V, NV, $m>() },)*
                    _ => unreachable!("no tile of {pixels} pixels"),
                }
            };
        }
        widths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }

    /// # Safety
    /// As [`run`](Self::run), for `M` pixels.
    #[inline(always)]
    unsafe fn multiply<V: Lanes<E> + Lanes<O>, const NV: usize, const M: usize>(&self) {
        // SAFETY: the contract of `run`, pointer by pointer; a prefetch does not read.
        unsafe {
            let mut sums = [[V::splat(0.0); NV]; M];
            if let Some(finish) = &self.finish {
                for j in 0..NV {
                    let bias = V::load(finish.bias.add(j * V::N));
                    for sum in &mut sums {
                        sum[j] = bias;
                    }
                }
            }
            self.prefetch::<V, NV, M>();
            let mut b = self.b;
            for ky in 0..self.taps[0] {
                for kx in 0..self.taps[1] {
                    let mut a = self.a.add(ky * self.tap_step[0] + kx * self.tap_step[1]);
                    for _ in 0..self.k {
                        let mut row = [<V as Lanes<E>>::load_words(b); NV];
                        for (j, words) in row.iter_mut().enumerate().skip(1) {
                            *words = <V as Lanes<E>>::load_words(b.add(j * V::N * E::PER_WORD));
                        }
                        for (i, sum) in sums.iter_mut().enumerate() {
                            let word = <V as Lanes<E>>::splat_word(a.add(i * self.pixel));
                            for j in 0..NV {
                                sum[j] = <V as Lanes<E>>::dot(sum[j], word, row[j]);
                            }
                        }
                        a = a.add(E::PER_WORD);
                        b = b.add(NV * V::N * E::PER_WORD);
                    }
                }
            }
            // A copy of its own: the loops behind it index it, and the sums above must stay in registers.
            let done = sums;
            match &self.finish {
                Some(finish) => self.finish::<V, NV, M>(finish, &done),
                None => {
                    for (i, sum) in done.iter().enumerate() {
                        for (j, &value) in sum.iter().enumerate() {
                            <V as Lanes<O>>::write(value, self.c.add(i * self.c_pixel + j * V::N));
                        }
                    }
                }
            }
        }
    }

    /// Adds the residual, clamps and stores.
    ///
    /// # Safety
    /// As [`run`](Self::run), for `M` pixels.
    #[inline(always)]
    unsafe fn finish<V: Lanes<O>, const NV: usize, const M: usize>(
        &self,
        finish: &Finish<O>,
        sums: &[[V; NV]; M],
    ) {
        // SAFETY: the contract of `run`; only the first `columns` values of a pixel are touched.
        unsafe {
            let (low, high) = (V::splat(finish.clamp.low), V::splat(finish.clamp.high));
            for (i, sum) in sums.iter().enumerate() {
                for (j, &value) in sum.iter().enumerate() {
                    let left = finish.columns.saturating_sub(j * V::N);
                    if left == 0 {
                        // Not even a pointer may lie behind the output's end.
                        break;
                    }
                    let mut value = value;
                    if let Some((residual, pixel)) = finish.residual {
                        let from = residual.add(i * pixel + j * V::N);
                        let extra = if left >= V::N { V::read(from) } else { V::read_part(from, left) };
                        value = value.add(extra);
                    }
                    value = value.at_least(low).at_most(high);
                    let at = self.c.add(i * self.c_pixel + j * V::N);
                    if left >= V::N {
                        value.write(at);
                    } else {
                        value.write_part(at, left);
                    }
                }
            }
        }
    }

    /// Asks for the lines that the tile will write and add, so that they come while it multiplies.
    ///
    /// # Safety
    /// The processor has `V`.
    #[inline(always)]
    unsafe fn prefetch<V: Vector, const NV: usize, const M: usize>(&self) {
        let lines = (NV * V::N * size_of::<O>()).div_ceil(64);
        // SAFETY: `wrapping_add` makes no claim about where the pointer points, and a prefetch does not read.
        unsafe {
            for i in 0..M {
                for line in 0..lines {
                    V::prefetch(self.c.wrapping_add(i * self.c_pixel).cast::<u8>().wrapping_add(line * 64));
                }
            }
            if let Some(Finish { residual: Some((residual, pixel)), .. }) = &self.finish {
                for i in 0..M {
                    for line in 0..lines {
                        V::prefetch(residual.wrapping_add(i * pixel).cast::<u8>().wrapping_add(line * 64));
                    }
                }
            }
        }
    }
}

//! Transforms and packs the weights of Winograd's convolution: `G g G'` of every 3x3 window, in `f64`, rounded once.

use super::Winograd;
use crate::element::Element;
use crate::vector::Lanes;
use crate::vector::dispatch::Kernel;

/// Output channels that are transformed side by side; every panel is a whole number of them.
const ABREAST: usize = 16;

/// `G` of `F(2, 3)`: the points 0, 1, -1 and infinity.
const G2: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];

/// `G` of `F(4, 3)`: the points 0, 1, -1, 2, -2 and infinity.
const G4: [[f64; 3]; 6] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// Fills `packed` (`[point][panel][word of input channels][output channel of the panel]`) from weights `[co, ci, 3, 3]`.
pub(super) struct PackJob<'a, E> {
    pub(super) kind: Winograd,
    pub(super) ci: usize,
    /// Output channels of a panel.
    pub(super) width: usize,
    pub(super) weights: &'a [f32],
    pub(super) packed: &'a mut [E],
}

impl<E: Element> Kernel<E> for PackJob<'_, E> {
    /// Plain loops: the compiler makes them as wide as the instruction set of the caller.
    #[inline(always)]
    unsafe fn run<V: Lanes<E>>(self) {
        match self.kind {
            Winograd::F2 => self.pack(&G2),
            Winograd::F4 => self.pack(&G4),
        }
    }
}

impl<E: Element> PackJob<'_, E> {
    #[inline(always)]
    fn pack<const W: usize>(self, g: &[[f64; 3]; W]) {
        let panel_len = self.ci.div_ceil(E::PER_WORD) * self.width * E::PER_WORD;
        let point_len = self.packed.len() / (W * W);
        let filter_len = (9 * self.ci).max(1);
        for (block, filters) in self.weights.chunks(ABREAST * filter_len).enumerate() {
            let first = block * ABREAST;
            let at = first / self.width * panel_len + first % self.width * E::PER_WORD;
            for i in 0..self.ci {
                let at = at + i / E::PER_WORD * self.width * E::PER_WORD + i % E::PER_WORD;
                let mut window = [[0.0f32; ABREAST]; 9];
                for (lane, filter) in filters.chunks_exact(filter_len).enumerate() {
                    for (values, &value) in window.iter_mut().zip(&filter[9 * i..]) {
                        values[lane] = value;
                    }
                }
                let mut wide = [[0.0; ABREAST]; 9];
                for (wide, &narrow) in wide.as_flattened_mut().iter_mut().zip(window.as_flattened()) {
                    *wide = f64::from(narrow);
                }
                for (a, &down) in g.iter().enumerate() {
                    // Written out: a closure would not be compiled for the instruction set.
                    let column = [
                        sum(down, [wide[0], wide[3], wide[6]]),
                        sum(down, [wide[1], wide[4], wide[7]]),
                        sum(down, [wide[2], wide[5], wide[8]]),
                    ];
                    for (b, &across) in g.iter().enumerate() {
                        let point = &mut self.packed[(a * W + b) * point_len + at..];
                        let values = sum(across, column);
                        let values = &values[..filters.len() / filter_len];
                        for (to, &value) in point.iter_mut().step_by(E::PER_WORD).zip(values) {
                            *to = E::from_f32(value as f32);
                        }
                    }
                }
            }
        }
    }
}

/// Three products, added from left to right.
#[inline(always)]
fn sum(factors: [f64; 3], values: [[f64; ABREAST]; 3]) -> [f64; ABREAST] {
    let mut out = [0.0; ABREAST];
    for (lane, out) in out.iter_mut().enumerate() {
        *out = factors[0] * values[0][lane] + factors[1] * values[1][lane] + factors[2] * values[2][lane];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::{ConvShape, WinogradConv};
    use crate::element::Bf16;
    use crate::isa::Isa;

    /// One value, straight from the definition.
    fn transformed(g: &[[f64; 3]], window: &[f32], a: usize, b: usize) -> f32 {
        let column = |x: usize| (0..3).map(|y| g[a][y] * f64::from(window[y * 3 + x])).sum::<f64>();
        (0..3).map(|x| g[b][x] * column(x)).sum::<f64>() as f32
    }

    fn check<E: Element>(kind: Winograd, g: &[[f64; 3]]) {
        for (co, ci) in [(1, 1), (5, 3), (16, 2), (33, 17), (70, 9)] {
            let shape = ConvShape { co, ci, groups: 1, size: [3, 3], stride: 1 };
            let number = |i: usize| ((i * 2_654_435_761) % 1009) as f32 / 211.0 - 2.4;
            let mut weights: Vec<f32> = (0..shape.weights()).map(number).collect();
            weights[..9].fill(-0.0);
            for isa in Isa::available().into_iter().filter(|&isa| E::runs_on(isa)) {
                let conv = WinogradConv::<E>::new(isa, kind, shape, &weights, &vec![0.0; co]);
                let (width, words) = (isa.panel(), ci.div_ceil(E::PER_WORD));
                assert!(width.is_multiple_of(ABREAST));
                let mut expected = vec![E::default(); conv.weights.len()];
                for (o, i) in (0..co).flat_map(|o| (0..ci).map(move |i| (o, i))) {
                    for point in 0..kind.points() {
                        let panel = point * co.div_ceil(width) + o / width;
                        let word = (panel * words + i / E::PER_WORD) * width + o % width;
                        let window = &weights[(o * ci + i) * 9..][..9];
                        let value = transformed(g, window, point / g.len(), point % g.len());
                        expected[word * E::PER_WORD + i % E::PER_WORD] = E::from_f32(value);
                    }
                }
                let bits = |values: &[E]| values.iter().map(|v| v.to_f32().to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&conv.weights), bits(&expected), "{kind:?} {co} {ci} {}", isa.name());
            }
        }
    }

    #[test]
    fn every_bit_is_the_definitions() {
        check::<f32>(Winograd::F2, &G2);
        check::<f32>(Winograd::F4, &G4);
        check::<Bf16>(Winograd::F2, &G2);
        check::<Bf16>(Winograd::F4, &G4);
    }
}

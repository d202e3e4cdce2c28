//! Picks the row with the largest value again and again, each pick lowering the values of the rows near it.
//!
//! This is the loop of every greedy sampler, done lazily. A value can only fall, so an old one is an upper bound. Rows
//! lie in blocks, and a block remembers how many picks it has seen and its largest value then. To find the next pick,
//! only blocks whose bound reaches the best up-to-date value have to catch up; the others wait and later take many picks
//! at once, while their rows are close. The picks are those of the plain loop, ties to the lowest index included.

use patchcore_kernels::distance::squared_l2_block;
use patchcore_kernels::isa::Isa;
use patchcore_tensor::Embeddings;
use rayon::prelude::*;

/// Rows of a block.
const ROWS: usize = 128;
/// Picks that a block takes at once.
const PICKS: usize = 32;
/// Blocks that catch up together before the best value is looked at again.
const BLOCKS: usize = 32;

/// Rows with a value each.
pub(super) struct Farthest<'a> {
    rows: &'a Embeddings,
    values: Vec<f32>,
    blocks: Vec<Block>,
    picks: Vec<usize>,
    /// The picked rows, side by side.
    centres: Vec<f32>,
    /// From a squared distance to the unit of the values.
    unit: fn(f32) -> f32,
}

#[derive(Clone, Copy)]
struct Block {
    /// Picks that its values know of.
    seen: usize,
    /// Its largest value then, and where.
    largest: f32,
    at: usize,
}

impl<'a> Farthest<'a> {
    /// Starts with these values; a pick lowers the value of each row to `unit` of its squared distance to the pick.
    pub(super) fn new(rows: &'a Embeddings, values: Vec<f32>, unit: fn(f32) -> f32) -> Self {
        let blocks = values.chunks(ROWS).enumerate().map(|(i, values)| Block::of(i, values, 0)).collect();
        Self { rows, values, blocks, picks: Vec::new(), centres: Vec::new(), unit }
    }

    /// The picks so far.
    pub(super) fn into_picks(self) -> Vec<usize> {
        self.picks
    }

    /// Picks a row.
    pub(super) fn pick(&mut self, index: usize) {
        self.picks.push(index);
        self.centres.extend_from_slice(self.rows.row(index));
    }

    /// The row with the largest value, the lowest index among equals; `None` if there are no rows.
    pub(super) fn largest(&mut self) -> Option<(usize, f32)> {
        loop {
            let n = self.picks.len();
            let fresh = self.blocks.iter().filter(|b| b.seen == n);
            let best = fresh.fold(None, |best: Option<Block>, b| match best {
                Some(a) if a.largest >= b.largest => Some(a),
                _ => Some(*b),
            });
            let may_win = |b: &Block| {
                b.seen < n
                    && best.is_none_or(|a| b.largest > a.largest || (b.largest == a.largest && b.at < a.at))
            };
            let mut bounds: Vec<f32> = self.blocks.iter().filter(|b| may_win(b)).map(|b| b.largest).collect();
            if bounds.is_empty() {
                return best.map(|b| (b.at, b.largest));
            }
            bounds.sort_unstable_by(|a, b| b.total_cmp(a));
            let least = bounds[BLOCKS.min(bounds.len()) - 1];
            let catching_up: Vec<bool> =
                self.blocks.iter().map(|b| may_win(b) && b.largest >= least).collect();
            self.catch_up(&catching_up);
        }
    }

    fn catch_up(&mut self, chosen: &[bool]) {
        let (isa, d, n, unit) = (Isa::best(), self.rows.dim(), self.picks.len(), self.unit);
        let (rows, centres) = (self.rows.data(), &self.centres);
        let blocks = self.values.par_chunks_mut(ROWS).zip(self.blocks.par_iter_mut()).enumerate();
        blocks.filter(|(i, _)| chosen[*i]).for_each(|(i, (values, block))| {
            let own = &rows[i * ROWS * d..(i * ROWS + values.len()) * d];
            let mut squared = [0.0; ROWS * PICKS];
            for some in centres[block.seen * d..].chunks(PICKS * d) {
                let m = some.len() / d;
                let squared = &mut squared[..values.len() * m];
                squared_l2_block(isa, own, some, d, squared);
                for (value, to_picks) in values.iter_mut().zip(squared.chunks_exact(m)) {
                    *value = to_picks.iter().fold(*value, |v, &s| v.min(unit(s)));
                }
            }
            *block = Block::of(i, values, n);
        });
    }
}

impl Block {
    fn of(number: usize, values: &[f32], seen: usize) -> Self {
        let largest = |best: (usize, f32), (i, &v): (usize, &f32)| if v > best.1 { (i, v) } else { best };
        let (i, value) = values.iter().enumerate().fold((0, f32::NEG_INFINITY), largest);
        Self { seen, largest: value, at: number * ROWS + i }
    }
}

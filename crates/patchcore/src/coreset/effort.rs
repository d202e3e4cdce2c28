//! How much of a greedy selection is done, in units that take about equally long.
//!
//! Making the codes takes as long as many picks, and the first picks take longer than the others, because all rows have
//! to catch up with them. Counted by picks, the time left would be foretold several times too long at first.

use crate::{Progress, Stage};

/// What a pick counts, where a row's code counts one: measured on 160,000 and 180,000 rows of 152 and 1024 values, 1 %
/// and 10 % kept.
const PICK: usize = 30;
/// The picks that count as the first: one part of this many.
const FIRST: usize = 20;

/// Tells how far a selection is.
pub(super) struct Effort<'a> {
    progress: &'a dyn Progress,
    first: usize,
    /// What each of the first picks counts.
    early: usize,
    picked: usize,
}

impl<'a> Effort<'a> {
    /// Begins to choose `picks` of `n` rows, with codes of this width or without.
    pub(super) fn begin(n: usize, picks: usize, width: Option<usize>, progress: &'a dyn Progress) -> Self {
        let first = picks.div_ceil(FIRST).max(1);
        let codes = width.map_or(0, |_| n);
        // To catch up takes as long as to make a wide code; narrow ones are made in less than half of it.
        let catch_up = 3 * codes - codes * width.unwrap_or(0) / 128;
        let early = PICK + catch_up / first;
        progress.begin(Stage::Coreset, codes + early * first.min(picks) + PICK * picks.saturating_sub(first));
        Self { progress, first, early, picked: 0 }
    }

    /// Some rows have their codes.
    pub(super) fn coded(&self, rows: usize) {
        self.progress.advance(rows);
    }

    /// One more pick is made.
    pub(super) fn picked(&mut self) {
        self.progress.advance(if self.picked < self.first { self.early } else { PICK });
        self.picked += 1;
    }

    /// All picks are made.
    pub(super) fn end(&self) {
        self.progress.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coreset::greedy;
    use patchcore_tensor::Embeddings;
    use patchcore_testkit::weights::uniform;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    #[derive(Default)]
    struct Sum {
        total: AtomicUsize,
        done: AtomicUsize,
    }

    impl Progress for Sum {
        fn begin(&self, stage: Stage, total: usize) {
            assert_eq!(stage, Stage::Coreset);
            self.total.store(total, Relaxed);
        }

        fn advance(&self, units: usize) {
            self.done.fetch_add(units, Relaxed);
        }

        fn end(&self) {}
    }

    #[test]
    fn the_parts_are_the_whole() {
        for (n, d, picks) in [(2000, 130, 300), (2000, 130, 3), (300, 9, 40), (5, 2, 1), (900, 1, 900)] {
            let data = uniform("rows", 5, n * d).into_iter().map(|u| u as f32).collect();
            let sum = Sum::default();
            let coreset = greedy(&Embeddings::from_vec(n, d, data).unwrap(), picks, &sum);
            assert_eq!(coreset.indices.len(), picks);
            assert_eq!(sum.done.into_inner(), sum.total.into_inner(), "{n} {d} {picks}");
        }
    }
}

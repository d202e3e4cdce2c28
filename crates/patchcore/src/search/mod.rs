//! Exact nearest neighbours in the memory bank.
//!
//! [`nearest`] is the definition: every query meets every row. A model's index finds the same with a fraction of the work.

mod choose;
mod index;

pub(crate) use choose::choose;
use index::{Index, Work};

use crate::bank::{MemoryBank, Stretch};
use crate::filter::Filter;
use patchcore_kernels::distance::squared_l2_block;
use patchcore_kernels::isa::Isa;
use rayon::prelude::*;

/// Queries that share a walk over the bank.
const QUERIES: usize = 32;
/// Most bank rows of a block.
const ROWS: usize = 128;
/// Bytes of bank rows that stay close while queries pass.
const CLOSE: usize = 128 << 10;

/// How the neighbours are found: by an index, or by comparing with every row.
pub(crate) struct Search(Option<Index>);

impl Search {
    /// Prepares the search of this bank; a filter made for rows of another width is not used.
    pub(crate) fn new(bank: &MemoryBank, filter: Option<&Filter>) -> Self {
        let filter = filter.filter(|filter| filter.d() == bank.rows.dim() && !bank.is_empty());
        Self(filter.and_then(|filter| Index::new(bank, filter.clone())))
    }

    /// As [`nearest`], into the memory of earlier neighbours; `bank` is the one that was prepared for.
    pub(crate) fn nearest_into(
        &self,
        bank: &MemoryBank,
        queries: &[f32],
        k: usize,
        without: Option<Stretch>,
        found: &mut Neighbours,
    ) {
        match &self.0 {
            Some(index) => {
                index.nearest_into(bank, queries, k, without, found);
            }
            None => nearest_into(bank, queries, k, without, found),
        }
        patchcore_faults::spoil("search", &mut found.squared);
    }
}

/// The `k` nearest bank rows of each query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Neighbours {
    /// Neighbours per query; at most the bank's size.
    pub k: usize,
    /// Squared L2 distances, `[queries, k]`, ascending.
    pub squared: Vec<f32>,
    /// Bank rows, `[queries, k]`; the lowest index first among equals. [`NONE`] where no finite distance was found.
    pub index: Vec<u32>,
}

impl Neighbours {
    /// Room for the neighbours of `n` queries, none found yet.
    fn clear(&mut self, n: usize, k: usize) {
        self.k = k;
        self.squared.clear();
        self.squared.resize(n * k, f32::INFINITY);
        self.index.clear();
        self.index.resize(n * k, NONE);
    }
}

/// Marks a neighbour that does not exist, because a distance was NaN or infinite, or the bank held too few rows.
pub const NONE: u32 = u32::MAX;

/// Finds the `k` nearest rows of `bank` for each query (rows of the bank's width); `k` is cut to the bank's size. Rows
/// that came from pictures in `without` are left out.
///
/// # Panics
/// If `queries` are no rows of the bank's width, or `k` is 0.
pub fn nearest(bank: &MemoryBank, queries: &[f32], k: usize, without: Option<Stretch>) -> Neighbours {
    let mut found = Neighbours::default();
    nearest_into(bank, queries, k, without, &mut found);
    found
}

/// As [`nearest`], into the memory of earlier neighbours.
pub(crate) fn nearest_into(
    bank: &MemoryBank,
    queries: &[f32],
    k: usize,
    without: Option<Stretch>,
    found: &mut Neighbours,
) {
    let d = bank.rows.dim();
    assert!(
        k > 0 && queries.len().is_multiple_of(d.max(1)),
        "{} values are no queries of {d}",
        queries.len()
    );
    let k = k.min(bank.len());
    let n = queries.len() / d.max(1);
    found.clear(n, k);
    let Neighbours { squared, index, .. } = found;
    let blocks = squared.par_chunks_mut((QUERIES * k).max(1)).zip(index.par_chunks_mut((QUERIES * k).max(1)));
    blocks.zip(queries.par_chunks((QUERIES * d).max(1))).for_each(|((squared, index), queries)| {
        walk(bank, queries, k, without, squared, index);
    });
}

/// One block of queries against the whole bank.
fn walk(
    bank: &MemoryBank,
    queries: &[f32],
    k: usize,
    without: Option<Stretch>,
    squared: &mut [f32],
    index: &mut [u32],
) {
    let (isa, d) = (Isa::best(), bank.rows.dim());
    let n = queries.len() / d;
    let rows_close = (CLOSE / (d * size_of::<f32>())).clamp(4, ROWS);
    let mut distances = [0.0; QUERIES * ROWS];
    for (block, rows) in bank.rows.data().chunks(rows_close * d).enumerate() {
        let (first, m) = (block * rows_close, rows.len() / d);
        let distances = &mut distances[..n * m];
        squared_l2_block(isa, queries, rows, d, distances);
        for (query, row) in distances.chunks_exact(m).enumerate() {
            let (best, at) = (&mut squared[query * k..][..k], &mut index[query * k..][..k]);
            for (j, &distance) in row.iter().enumerate() {
                if distance < best[k - 1]
                    && without.is_none_or(|own| !own.holds(bank.origins[first + j].picture))
                {
                    insert(best, at, distance, (first + j) as u32);
                }
            }
        }
    }
}

/// Puts a distance into its place behind smaller and equal ones; the last falls out.
fn insert(best: &mut [f32], at: &mut [u32], distance: f32, index: u32) {
    let place = best.partition_point(|&b| b <= distance);
    best[place..].rotate_right(1);
    at[place..].rotate_right(1);
    best[place] = distance;
    at[place] = index;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::Origin;
    use crate::filter::{Directions, Filter};
    use patchcore_kernels::distance::squared_l2;
    use patchcore_tensor::Embeddings;
    use patchcore_testkit::weights::uniform;
    use proptest::prelude::*;

    fn bank(seed: u64, n: usize, d: usize, levels: f64) -> MemoryBank {
        let data = uniform("bank", seed, n * d).into_iter().map(|u| (u * levels).floor() as f32).collect();
        let origins = (0..n as u32).map(|i| Origin { picture: i % 3, y: 0, x: i }).collect();
        MemoryBank { rows: Embeddings::from_vec(n, d, data).unwrap(), origins }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// Few levels make many ties, which must go to the lowest index.
        #[test]
        fn equals_a_sort(n in 1usize..300, q in 1usize..40, d in 1usize..20, k in 1usize..9, seed: u64, leave in 0u32..4) {
            let bank = bank(seed, n, d, 3.0);
            let queries: Vec<f32> = uniform("q", seed, q * d).into_iter().map(|u| (u * 3.0).floor() as f32).collect();
            let without = (leave < 3).then(|| Stretch::of(leave));
            let found = nearest(&bank, &queries, k, without);
            for i in 0..q {
                let query = &queries[i * d..(i + 1) * d];
                let mut all: Vec<(f32, u32)> = (0..n)
                    .filter(|&j| without.is_none_or(|own| own.first != bank.origins[j].picture))
                    .map(|j| (squared_l2(Isa::best(), query, bank.rows.row(j)), j as u32))
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                all.resize(found.k.max(all.len()), (f32::INFINITY, NONE));
                for (j, expected) in all.iter().take(found.k).enumerate() {
                    prop_assert_eq!((found.squared[i * found.k + j], found.index[i * found.k + j]), *expected);
                }
            }
        }
    }

    /// Rows and queries near each other, with ties, copies, outliers and what is not finite.
    fn structured(seed: u64, n: usize, d: usize, kind: u8) -> Vec<f32> {
        let base = uniform("base", 7, 5 * d);
        let share = uniform("share", seed, n * 5);
        let noise = uniform("noise", seed, n * d);
        let value = |at: usize| {
            let (i, j) = (at / d, at % d);
            let smooth: f64 = (0..5).map(|b| (share[i * 5 + b] - 0.5) * base[b * d + j]).sum();
            let v = match kind {
                0 => smooth + 0.1 * noise[at],
                1 => (smooth * 4.0).round(),
                2 => (smooth + 0.1 * noise[at]) * if i % 50 == 3 { 1e6 } else { 1.0 } + 100.0,
                _ => (smooth + 0.1 * noise[at]) * 1e-21,
            };
            if kind == 2 && i % 31 == 30 { f64::NAN } else { v }
        };
        (0..n * d).map(|at| value(at) as f32).collect()
    }

    fn filter(rows: &Embeddings, whole: bool) -> Option<Filter> {
        if whole { Filter::whole(rows) } else { Filter::new(rows, &Directions::new(rows, 64), 64) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn an_index_finds_the_same(n in 64usize..400, q in 1usize..150, k in prop::sample::select(vec![1usize, 2, 9, 40, 64]),
                                   kind in 0u8..4, other in 0u8..4, leave in 0u32..4, whole: bool, seed: u64) {
            let d = 70;
            // The filter is made of rows that may have nothing to do with the bank: that costs time only.
            let rows = |seed, n, kind| Embeddings::from_vec(n, d, structured(seed, n, d, kind)).unwrap();
            let origins = (0..n as u32).map(|i| Origin { picture: i % 3, y: 0, x: i }).collect();
            let bank = MemoryBank { rows: rows(seed, n, kind), origins };
            let Some(filter) = filter(&rows(seed ^ 5, 300, other), whole) else { return Ok(()) };
            let Some(index) = Index::new(&bank, filter) else { return Ok(()) };
            let queries = structured(seed ^ 1, q, d, kind);
            let without = (leave < 3).then(|| Stretch::of(leave));
            let mut found = Neighbours::default();
            index.nearest_into(&bank, &queries, k, without, &mut found);
            let expected = nearest(&bank, &queries, k, without);
            prop_assert_eq!(&found.index, &expected.index);
            prop_assert_eq!(&found.squared, &expected.squared);
        }
    }

    #[test]
    fn a_nan_query_finds_nothing() {
        let found = nearest(&bank(1, 10, 3, 5.0), &[0.0, f32::NAN, 1.0], 2, None);
        assert_eq!(found.index, [NONE, NONE]);
    }
}

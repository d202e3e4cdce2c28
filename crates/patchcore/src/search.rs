//! Exact nearest neighbours in the memory bank.

use crate::bank::MemoryBank;
use patchcore_kernels::distance::squared_l2_block;
use patchcore_kernels::isa::Isa;
use rayon::prelude::*;

/// Queries that share a walk over the bank.
const QUERIES: usize = 32;
/// Most bank rows of a block.
const ROWS: usize = 128;
/// Bytes of bank rows that stay close while queries pass.
const CLOSE: usize = 128 << 10;

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

/// Marks a neighbour that does not exist, because a distance was NaN or infinite, or the bank held too few rows.
pub const NONE: u32 = u32::MAX;

/// Finds the `k` nearest rows of `bank` for each query (rows of the bank's width); `k` is cut to the bank's size. Rows
/// that came from picture `without` are left out.
///
/// # Panics
/// If `queries` are no rows of the bank's width, or `k` is 0.
pub fn nearest(bank: &MemoryBank, queries: &[f32], k: usize, without: Option<u32>) -> Neighbours {
    let mut found = Neighbours::default();
    nearest_into(bank, queries, k, without, &mut found);
    found
}

/// As [`nearest`], into the memory of earlier neighbours.
pub(crate) fn nearest_into(
    bank: &MemoryBank,
    queries: &[f32],
    k: usize,
    without: Option<u32>,
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
    found.k = k;
    let Neighbours { squared, index, .. } = found;
    squared.clear();
    squared.resize(n * k, f32::INFINITY);
    index.clear();
    index.resize(n * k, NONE);
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
    without: Option<u32>,
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
                if distance < best[k - 1] && without.is_none_or(|p| bank.origins[first + j].picture != p) {
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
            let without = (leave < 3).then_some(leave);
            let found = nearest(&bank, &queries, k, without);
            for i in 0..q {
                let query = &queries[i * d..(i + 1) * d];
                let mut all: Vec<(f32, u32)> = (0..n)
                    .filter(|&j| without != Some(bank.origins[j].picture))
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

    #[test]
    fn a_nan_query_finds_nothing() {
        let found = nearest(&bank(1, 10, 3, 5.0), &[0.0, f32::NAN, 1.0], 2, None);
        assert_eq!(found.index, [NONE, NONE]);
    }
}

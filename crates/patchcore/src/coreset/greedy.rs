//! Exact greedy k-center at the full width of the embedding.
//!
//! The first pick is the row farthest from the mean of all rows; every further pick is the row farthest from all picks
//! so far (Roth et al. 2022, algorithm 1). Ties go to the lowest index. A row that equals a pick is never picked, so
//! there may be fewer picks than asked for. Each distance is the kernels' canonical one, so threads change nothing.

use super::Coreset;
use super::farthest::{Farthest, Unit};
use crate::{PatchRows, Progress};
use patchcore_kernels::distance::squared_l2;
use patchcore_kernels::isa::Isa;
use rayon::prelude::*;

/// Fewest columns of the mean that a task sums: whole cache lines, and enough of them to be worth the way.
const COLUMNS: usize = 64;

/// Chooses at most `rows` rows.
pub fn greedy(embeddings: &dyn PatchRows, rows: usize, progress: &dyn Progress) -> Coreset {
    let mut farthest =
        Farthest::new(embeddings, vec![f32::INFINITY; embeddings.len()], Unit::Squared, rows, progress);
    let mut next = first(embeddings).map(|index| (index, f32::INFINITY));
    let mut picked = 0;
    while let Some((index, distance)) = next
        && picked < rows
        && distance > 0.0
    {
        farthest.pick(index);
        picked += 1;
        next = farthest.largest();
    }
    let covering_radius = next.map(|(_, squared)| squared.sqrt());
    Coreset { indices: farthest.into_picks(), covering_radius }
}

/// The row farthest from the mean row, the lowest index among equals.
pub(super) fn first(embeddings: &dyn PatchRows) -> Option<usize> {
    let (isa, mean) = (Isa::best(), mean(embeddings));
    let to_mean = (0..embeddings.len())
        .into_par_iter()
        .map_init(Vec::new, |space, i| (i, squared_l2(isa, &mean, embeddings.row(i, space))));
    let farther = |a: (usize, f32), b: (usize, f32)| {
        let (first, second) = if a.0 < b.0 { (a, b) } else { (b, a) };
        if second.1 > first.1 { second } else { first }
    };
    to_mean.reduce_with(farther).map(|(index, _)| index)
}

/// The mean row, summed in `f64` in row order.
fn mean(embeddings: &dyn PatchRows) -> Vec<f32> {
    let mut sum = vec![0.0f64; embeddings.dim()];
    // Columns are shared out, not rows: every sum keeps its order.
    let columns = sum.len().div_ceil(rayon::current_num_threads()).next_multiple_of(COLUMNS).max(COLUMNS);
    sum.par_chunks_mut(columns).enumerate().for_each(|(block, sum)| {
        let (own, mut space) = (block * columns..block * columns + sum.len(), Vec::new());
        for i in 0..embeddings.len() {
            let at = i * embeddings.dim();
            let row = embeddings.values(at + own.start..at + own.end, &mut space);
            sum.iter_mut().zip(row).for_each(|(s, &v)| *s += f64::from(v));
        }
    });
    sum.iter().map(|s| (s / embeddings.len() as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coreset::{BankSize, Sampler, SamplerKind};
    use patchcore_tensor::{Embeddings, HalfEmbeddings};
    use patchcore_testkit::weights::uniform;
    use proptest::prelude::*;

    fn rows(seed: u64, n: usize, d: usize) -> Embeddings {
        let data = uniform("rows", seed, n * d).into_iter().map(|u| u as f32).collect();
        Embeddings::from_vec(n, d, data).unwrap()
    }

    /// The definition: every row against every pick, again for each pick.
    fn naive(e: &Embeddings, count: usize) -> Vec<usize> {
        let isa = Isa::best();
        let centre = mean(e);
        let mut picks: Vec<usize> = Vec::new();
        while picks.len() < count {
            let distance = |i: usize| {
                if picks.is_empty() {
                    return squared_l2(isa, &centre, e.row(i));
                }
                picks.iter().map(|&p| squared_l2(isa, e.row(p), e.row(i))).fold(f32::INFINITY, f32::min)
            };
            let mut best = 0;
            for i in 1..e.len() {
                if distance(i) > distance(best) {
                    best = i;
                }
            }
            if !picks.is_empty() && distance(best) == 0.0 {
                break;
            }
            picks.push(best);
        }
        picks
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn equals_the_definition(n in 1usize..200, d in 1usize..24, share in 0.05f64..1.0, seed: u64, copies: bool) {
            let mut e = rows(seed, n, d);
            if copies {
                let again = e.clone();
                e.extend(again.data());
            }
            let count = ((e.len() as f64 * share) as usize).max(1);
            prop_assert_eq!(greedy(&e, count, &crate::Quiet).indices, naive(&e, count));
        }
    }

    #[test]
    fn more_than_one_block_and_any_number_of_threads() {
        let e = rows(7, 1553, 9);
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let four = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        let a = one.install(|| greedy(&e, 200, &crate::Quiet));
        assert_eq!(a, four.install(|| greedy(&e, 200, &crate::Quiet)));
        assert!(a.covering_radius.unwrap() > 0.0);
    }

    /// Enough rows, and wide enough, for pool and filter; near each other, with copies, zeros, an offset, an outlier.
    #[test]
    fn pool_and_filter_give_the_picks_of_the_plain_loop() {
        let (n, d, count) = (6000, 132, 400);
        let (base, share) = (uniform("base", 1, 4 * d), uniform("share", 2, n * 4));
        let noise = uniform("noise", 3, n * d);
        for kind in 0..4 {
            let value = |i: usize, j: usize| {
                let smooth: f64 = (0..4).map(|b| (share[i * 4 + b] - 0.5) * base[b * d + j]).sum();
                let v = smooth + 0.05 * noise[i * d + j];
                match kind {
                    0 => v,
                    1 => (smooth * 2.0).round(),
                    2 => 500.0 + v * if i == 77 { 1e4 } else { 1.0 },
                    _ => f64::from(!i.is_multiple_of(3)) * v,
                }
            };
            let data = (0..n * d).map(|at| value(at / d, at % d) as f32).collect();
            let e = Embeddings::from_vec(n, d, data).unwrap();
            let mut values = vec![f32::INFINITY; n];
            let (mut picks, mut next) = (Vec::new(), first(&e).unwrap());
            while picks.len() < count && (picks.is_empty() || values[next] > 0.0) {
                picks.push(next);
                for (i, value) in values.iter_mut().enumerate() {
                    *value = value.min(squared_l2(Isa::best(), e.row(next), e.row(i)));
                }
                next = (0..n).fold(0, |best, i| if values[i] > values[best] { i } else { best });
            }
            let coreset = greedy(&e, count, &crate::Quiet);
            assert_eq!(coreset.indices, picks, "kind {kind}");
            assert_eq!(coreset.covering_radius, Some(values[next].sqrt()), "kind {kind}");
        }
    }

    /// Rows kept as halves: the picks of the same values as `f32`, pool and filter included, and the replay agrees.
    #[test]
    fn halves_give_the_picks_of_their_values() {
        let (n, d, count) = (3000, 132, 150);
        let e = rows(11, n, d);
        let mut halves = HalfEmbeddings::with_capacity(n, d);
        halves.extend(e.data()).unwrap();
        let same = halves.select(&(0..n).collect::<Vec<_>>());
        assert_ne!(same, e);
        let coreset = greedy(&halves, count, &crate::Quiet);
        assert_eq!(coreset, greedy(&same, count, &crate::Quiet));
        assert_eq!(super::super::replay(&halves, &coreset, &crate::Quiet), Ok(()));
        for kind in [SamplerKind::Reference, SamplerKind::ReferenceGreedy, SamplerKind::Anomalib] {
            let sampler = Sampler { kind, size: BankSize::Rows(40), seed: 3 };
            let select = |rows: &dyn PatchRows| sampler.select(rows, &crate::Quiet).unwrap();
            assert_eq!(select(&halves), select(&same), "{kind:?}");
        }
    }

    #[test]
    fn constant_rows_give_one_pick() {
        let e = Embeddings::from_vec(50, 4, vec![3.0; 200]).unwrap();
        assert_eq!(greedy(&e, 10, &crate::Quiet), Coreset { indices: vec![0], covering_radius: Some(0.0) });
    }

    #[test]
    fn the_radius_never_grows_with_more_picks() {
        let e = rows(3, 400, 6);
        let radii: Vec<f32> =
            [5, 20, 80, 400].iter().map(|&k| greedy(&e, k, &crate::Quiet).covering_radius.unwrap()).collect();
        assert!(radii.windows(2).all(|w| w[0] >= w[1]), "{radii:?}");
        assert_eq!(radii[3], 0.0);
    }
}

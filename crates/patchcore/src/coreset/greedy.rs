//! Exact greedy k-center at the full width of the embedding.
//!
//! The first pick is the row farthest from the mean of all rows; every further pick is the row farthest from all picks
//! so far (Roth et al. 2022, algorithm 1). Ties go to the lowest index. A row that equals a pick is never picked, so
//! there may be fewer picks than asked for. Each distance is the kernels' canonical one, so threads change nothing.

use super::Coreset;
use crate::Progress;
use patchcore_kernels::distance::squared_l2_block;
use patchcore_kernels::isa::Isa;
use patchcore_tensor::Embeddings;
use rayon::prelude::*;

/// Rows that one task updates.
const ROWS: usize = 512;

/// Chooses at most `rows` rows.
pub fn greedy(embeddings: &Embeddings, rows: usize, progress: &dyn Progress) -> Coreset {
    let isa = Isa::best();
    let mut nearest = vec![f32::INFINITY; embeddings.len()];
    let mut to_mean = vec![f32::INFINITY; embeddings.len()];
    let mut indices = Vec::with_capacity(rows);
    let mut farthest = update(isa, embeddings, &mean(embeddings), &mut to_mean);
    drop(to_mean);
    while let Some((index, distance)) = farthest
        && indices.len() < rows
        && (distance > 0.0 || indices.is_empty())
    {
        indices.push(index);
        farthest = update(isa, embeddings, embeddings.row(index), &mut nearest);
        progress.advance(1);
    }
    let covering_radius = farthest.map(|(_, squared)| squared.sqrt());
    Coreset { indices, covering_radius }
}

/// Lowers each row's squared distance to the picks by a new centre; gives the farthest row, the lowest on ties.
fn update(isa: Isa, embeddings: &Embeddings, centre: &[f32], nearest: &mut [f32]) -> Option<(usize, f32)> {
    let d = embeddings.dim();
    let best_of_task: Vec<(usize, f32)> = nearest
        .par_chunks_mut(ROWS)
        .enumerate()
        .map(|(task, nearest)| {
            let first = task * ROWS;
            let rows = &embeddings.data()[first * d..(first + nearest.len()) * d];
            let mut distances = [0.0; ROWS];
            let distances = &mut distances[..nearest.len()];
            squared_l2_block(isa, centre, rows, d, distances);
            let mut best = (first, f32::NEG_INFINITY);
            for (i, (near, &distance)) in nearest.iter_mut().zip(distances.iter()).enumerate() {
                *near = near.min(distance);
                if *near > best.1 {
                    best = (first + i, *near);
                }
            }
            best
        })
        .collect();
    best_of_task.into_iter().reduce(|a, b| if b.1 > a.1 { b } else { a })
}

/// The mean row, summed in `f64` in row order.
fn mean(embeddings: &Embeddings) -> Vec<f32> {
    let mut sum = vec![0.0f64; embeddings.dim()];
    for i in 0..embeddings.len() {
        sum.iter_mut().zip(embeddings.row(i)).for_each(|(s, &v)| *s += f64::from(v));
    }
    sum.iter().map(|s| (s / embeddings.len() as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchcore_kernels::distance::squared_l2;
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
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn equals_the_definition(n in 1usize..60, d in 1usize..40, share in 0.05f64..1.0, seed: u64, copies: bool) {
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
    fn more_than_one_task_and_any_number_of_threads() {
        let e = rows(7, 3 * ROWS + 17, 9);
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let four = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
        let a = one.install(|| greedy(&e, 200, &crate::Quiet));
        assert_eq!(a, four.install(|| greedy(&e, 200, &crate::Quiet)));
        assert!(a.covering_radius.unwrap() > 0.0);
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

//! anomalib's k-center greedy sampler: a sparse random projection, a random first pick, then the farthest row each time.
//!
//! The rule is its own, the random numbers are not: it draws them from generators without a fixed seed, so no two of its
//! runs agree either.

use super::farthest::{Farthest, Unit};
use super::projection::Projection;
use crate::mt19937::Mt19937;
use crate::{PatchRows, Progress};

/// Chooses at most `rows` rows; fewer if the others equal chosen ones on the projection.
pub fn sparse_greedy(
    embeddings: &dyn PatchRows,
    rows: usize,
    seed: u32,
    progress: &dyn Progress,
) -> Vec<usize> {
    let n = embeddings.len();
    if n == 0 {
        return Vec::new();
    }
    let mut words = Mt19937::new(seed);
    let reduced = sparse_projection(&mut words, n, embeddings.dim()).apply(embeddings);
    let mut farthest = Farthest::new(&reduced, vec![f32::INFINITY; n], Unit::Plain, rows, progress);
    let mut next = Some((words.word() as usize % n, f32::INFINITY));
    let mut picked = 0;
    while let Some((index, distance)) = next
        && picked < rows
        && distance > 0.0
    {
        farthest.pick(index);
        picked += 1;
        next = farthest.largest();
    }
    farthest.into_picks()
}

/// Values of a projection that keeps the distances of `n` rows within 90 % by the lemma of Johnson and Lindenstrauss.
pub(super) fn width(n: usize) -> usize {
    let eps = 0.9f64;
    ((4.0 * (n as f64).ln() / (eps.powi(2) / 2.0 - eps.powi(3) / 3.0)) as usize).max(1)
}

/// Li, Hastie and Church 2006: of `d` weights in a row about the root of `d` are not zero, and have a random sign.
fn sparse_projection(words: &mut Mt19937, n: usize, d: usize) -> Projection {
    let (width, density) = (width(n), 1.0 / (d as f64).sqrt());
    let weight = ((1.0 / density).sqrt() / (width as f64).sqrt()) as f32;
    let weights = (0..width * d).map(|_| {
        let share = f64::from(words.word()) / f64::from(u32::MAX);
        match share {
            share if share < density / 2.0 => -weight,
            share if share < density => weight,
            _ => 0.0,
        }
    });
    Projection::from_weights(d, weights.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchcore_kernels::distance::squared_l2;
    use patchcore_kernels::isa::Isa;
    use patchcore_tensor::Embeddings;
    use patchcore_testkit::weights::uniform;

    #[test]
    fn the_width_is_that_of_scikit_learn() {
        // `johnson_lindenstrauss_min_dim(n, eps=0.9)`.
        assert_eq!([width(163_856), width(1000), width(1)], [296, 170, 1]);
    }

    /// Every pick after the first is the farthest on the projection, and the projection keeps lengths on the average.
    #[test]
    fn picks_are_the_farthest_on_the_projection() {
        let (n, d, seed) = (500, 64, 9);
        let data: Vec<f32> = uniform("rows", 4, n * d).into_iter().map(|u| u as f32 - 0.5).collect();
        let e = Embeddings::from_vec(n, d, data).unwrap();
        let picks = sparse_greedy(&e, 40, seed, &crate::Quiet);
        let reduced = sparse_projection(&mut Mt19937::new(seed), n, d).apply(&e);
        let length = |rows: &Embeddings| rows.data().iter().map(|v| v * v).sum::<f32>();
        assert!((length(&reduced) / length(&e) - 1.0).abs() < 0.1);
        let mut values = vec![f32::INFINITY; n];
        for pair in picks.windows(2) {
            for (i, value) in values.iter_mut().enumerate() {
                *value = value.min(squared_l2(Isa::best(), reduced.row(pair[0]), reduced.row(i)).sqrt());
            }
            let farthest = (0..n).fold(0, |best, i| if values[i] > values[best] { i } else { best });
            assert_eq!(pair[1], farthest);
        }
        assert_eq!(picks.len(), 40);
        assert_ne!(picks, sparse_greedy(&e, 40, seed + 1, &crate::Quiet));
        let constant = Embeddings::from_vec(50, 4, vec![3.0; 200]).unwrap();
        assert_eq!(sparse_greedy(&constant, 10, 0, &crate::Quiet).len(), 1);
    }
}

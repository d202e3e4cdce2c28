//! Proof that picks are those of plain greedy selection, by playing it again with every patch and every pick.

use rayon::prelude::*;

use super::Coreset;
use super::greedy::first;
use crate::{PatchRows, Progress};

/// Patches of a task.
const ROWS: usize = 512;
/// Bytes of picks that stay close while the patches of a task pass.
const CLOSE: usize = 256 << 10;

/// Checks that each pick of a [`greedy`](fn@super::greedy) coreset was the farthest patch from all picks before it, the
/// lowest index among equals, that the first is the farthest from the mean, and that the covering radius is right.
///
/// No filter, no pool, no bound: every patch meets every pick, `n * picks` distances. Progress counts patches.
///
/// # Errors
/// What is wrong, as text, with the first pick that is.
///
/// ```
/// use patchcore::{Quiet, coreset::{greedy, replay}};
/// use patchcore_tensor::Embeddings;
/// let patches = Embeddings::from_vec(4, 1, vec![0.0, 9.0, 5.0, 1.0])?;
/// let mut coreset = greedy(&patches, 3, &Quiet);
/// assert_eq!(coreset.indices, [1, 0, 2]);
/// assert_eq!(replay(&patches, &coreset, &Quiet), Ok(()));
/// coreset.indices.swap(1, 2);
/// assert!(replay(&patches, &coreset, &Quiet).unwrap_err().starts_with("pick 1 is patch 2"));
/// # Ok::<(), patchcore_tensor::ShapeError>(())
/// ```
pub fn replay(embeddings: &dyn PatchRows, coreset: &Coreset, progress: &dyn Progress) -> Result<(), String> {
    let (n, picks) = (embeddings.len(), &coreset.indices);
    let mut turn = vec![usize::MAX; n];
    for (i, &pick) in picks.iter().enumerate() {
        let own = turn.get_mut(pick).ok_or_else(|| format!("pick {i} is patch {pick} of {n}"))?;
        if *own != usize::MAX {
            return Err(format!("pick {i} is patch {pick}, as pick {own} was"));
        }
        *own = i;
    }
    if picks.first().copied() != first(embeddings) {
        return Err(format!(
            "pick 0 is {:?}, the patch farthest from the mean is {:?}",
            picks.first(),
            first(embeddings)
        ));
    }
    let game =
        Game { embeddings, picks: &picks.iter().map(|&i| i as u32).collect::<Vec<u32>>(), turn: &turn };
    let values: Vec<f32> = (0..picks.len()).into_par_iter().map(|i| game.value(i)).collect();
    let blocks: Vec<usize> = (0..n).step_by(ROWS).collect();
    let of_blocks = blocks.into_par_iter().map(|from| {
        let rows = from..n.min(from + ROWS);
        let result = game.play(rows.clone(), &values);
        progress.advance(rows.len());
        result
    });
    let (wrong, radius) = of_blocks.reduce(|| (None, 0.0), |a, b| (earlier(a.0, b.0), f32::max(a.1, b.1)));
    if let Some(Wrong { pick, patch }) = wrong {
        return Err(format!(
            "pick {pick} is patch {}, but patch {patch} was farther from the picks before",
            picks[pick]
        ));
    }
    let radius = (n > 0).then(|| radius.sqrt());
    if radius != coreset.covering_radius {
        return Err(format!("the covering radius is {radius:?}, said to be {:?}", coreset.covering_radius));
    }
    Ok(())
}

/// A pick that another patch should have been.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wrong {
    pick: usize,
    patch: usize,
}

fn earlier(a: Option<Wrong>, b: Option<Wrong>) -> Option<Wrong> {
    a.into_iter().chain(b).min()
}

struct Game<'a> {
    embeddings: &'a dyn PatchRows,
    picks: &'a [u32],
    /// When each patch was picked.
    turn: &'a [usize],
}

impl Game<'_> {
    fn distances(&self, patch: usize, picks: &[u32], out: &mut Vec<f32>) {
        out.resize(picks.len(), 0.0);
        self.embeddings.squared_l2_to(self.embeddings.row(patch, &mut Vec::new()), picks, out);
    }

    /// How far a pick was from those before it.
    fn value(&self, pick: usize) -> f32 {
        let mut out = Vec::new();
        self.distances(self.picks[pick] as usize, &self.picks[..pick], &mut out);
        out.into_iter().fold(f32::INFINITY, f32::min)
    }

    /// The first pick that one of these patches should have been, and how far they end up from the picks at most.
    fn play(&self, patches: std::ops::Range<usize>, values: &[f32]) -> (Option<Wrong>, f32) {
        let close = (CLOSE / (4 * self.embeddings.dim()).max(1)).max(1);
        let mut nearest = vec![f32::INFINITY; patches.len()];
        let (mut wrong, mut out) = (None, Vec::new());
        for from in (0..self.picks.len()).step_by(close) {
            let some = &self.picks[from..self.picks.len().min(from + close)];
            for (patch, nearest) in patches.clone().zip(&mut nearest) {
                self.distances(patch, some, &mut out);
                for (pick, &distance) in (from..).zip(&out) {
                    let before = |a: f32, b: f32| a > b || (a == b && patch < self.picks[pick] as usize);
                    if pick > 0 && self.turn[patch] > pick && before(*nearest, values[pick]) {
                        wrong = earlier(wrong, Some(Wrong { pick, patch }));
                    }
                    *nearest = nearest.min(distance);
                }
            }
        }
        (wrong, nearest.into_iter().fold(0.0, f32::max))
    }
}

#[cfg(test)]
mod tests {
    use super::super::greedy;
    use super::*;
    use crate::Quiet;
    use patchcore_tensor::Embeddings;
    use patchcore_testkit::weights::uniform;

    fn chosen() -> (Embeddings, Coreset) {
        let data = uniform("rows", 3, 700 * 5).into_iter().map(|u| u as f32).collect();
        let e = Embeddings::from_vec(700, 5, data).unwrap();
        let coreset = greedy(&e, 90, &Quiet);
        (e, coreset)
    }

    #[test]
    fn greedy_picks_pass() {
        let (e, coreset) = chosen();
        assert_eq!(replay(&e, &coreset, &Quiet), Ok(()));
        let all = greedy(&e, 700, &Quiet);
        assert_eq!((replay(&e, &all, &Quiet), all.covering_radius), (Ok(()), Some(0.0)));
    }

    #[test]
    fn every_wrong_pick_is_seen() {
        let (e, coreset) = chosen();
        for i in 0..coreset.indices.len() {
            let mut other = coreset.clone();
            // A patch that was not picked.
            other.indices[i] = (0..700).find(|j| !coreset.indices.contains(j)).unwrap();
            let error = replay(&e, &other, &Quiet).unwrap_err();
            assert!(error.starts_with(&format!("pick {i} is ")), "{error}");
        }
        let mut other = coreset.clone();
        other.indices[7] = other.indices[3];
        assert!(replay(&e, &other, &Quiet).unwrap_err().contains("as pick 3 was"));
        other.indices[7] = 700;
        assert_eq!(replay(&e, &other, &Quiet).unwrap_err(), "pick 7 is patch 700 of 700");
        other.clone_from(&coreset);
        other.covering_radius = other.covering_radius.map(f32::next_up);
        assert!(replay(&e, &other, &Quiet).unwrap_err().contains("covering radius"));
    }

    /// Among equals the lowest index must have been picked.
    #[test]
    fn a_tie_that_goes_to_a_higher_index_is_seen() {
        let e = Embeddings::from_vec(4, 1, vec![0.0, 5.0, 5.0, 9.0]).unwrap();
        let coreset = |indices: [usize; 3]| Coreset { indices: indices.into(), covering_radius: Some(0.0) };
        assert_eq!(greedy(&e, 3, &Quiet), coreset([0, 3, 1]));
        assert_eq!(replay(&e, &coreset([0, 3, 1]), &Quiet), Ok(()));
        assert!(
            replay(&e, &coreset([0, 3, 2]), &Quiet)
                .unwrap_err()
                .starts_with("pick 2 is patch 2, but patch 1")
        );
    }
}

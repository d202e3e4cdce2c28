//! From neighbour distances to patch scores and the image score.

use crate::Error;
use crate::anomaly_map::gaussian_blur;
use crate::search::{NONE, Neighbours};
use patchcore_tensor::AnomalyMap;
use serde::{Deserialize, Serialize};

/// The distance that a patch score averages over its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PatchDistance {
    /// Squared L2, as the original's index returns it.
    SquaredL2,
    /// L2, in embedding units.
    L2,
}

/// How patch scores become the image score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageScore {
    /// The largest patch score: the original.
    Max,
    /// The largest value of the patch scores after a Gaussian whose sigma is this share of the grid's short side.
    BlurredMax {
        /// Sigma as a share of the grid's short side.
        sigma_share: f64,
    },
    /// The largest patch score, weighed by equation 7 of the paper: see [`reweighted`].
    Paper {
        /// Rows around the match, the match itself included: at least 2.
        neighbours: usize,
    },
    /// As `Paper`, cut to the rows that the bank has; with a single one, anomalib takes the largest patch score as it is.
    Anomalib {
        /// `num_neighbors`: rows around the match, the match itself included.
        neighbours: usize,
    },
}

/// The mean distance of each patch to its neighbours, on the patch grid `[h, w]`.
///
/// # Errors
/// [`Error::NotFinite`] if a neighbour is missing or a distance is not finite.
pub fn patch_scores(
    neighbours: &Neighbours,
    grid: [usize; 2],
    distance: PatchDistance,
) -> Result<AnomalyMap, Error> {
    if neighbours.k == 0 || neighbours.index.contains(&NONE) {
        return Err(Error::NotFinite);
    }
    let score = |distances: &[f32]| {
        let sum: f32 = match distance {
            PatchDistance::SquaredL2 => distances.iter().sum(),
            PatchDistance::L2 => distances.iter().map(|d| d.sqrt()).sum(),
        };
        sum / distances.len() as f32
    };
    let scores: Vec<f32> = neighbours.squared.chunks_exact(neighbours.k).map(score).collect();
    if scores.iter().any(|s| !s.is_finite()) {
        return Err(Error::NotFinite);
    }
    AnomalyMap::from_vec(grid[0], grid[1], scores).map_err(|_| Error::NotFinite)
}

impl ImageScore {
    /// The score of a picture from its patch scores; higher is more anomalous. An empty grid gives negative infinity.
    ///
    /// `support` is asked by the rules that weigh. It gives the L2 distances from a patch to so many neighbours of the
    /// patch's match, the match itself among them; fewer if the bank has fewer.
    ///
    /// ```
    /// use patchcore::ImageScore;
    /// use patchcore_tensor::AnomalyMap;
    /// let patches = AnomalyMap::from_vec(1, 3, vec![1.0, 5.0, 2.0])?;
    /// let support = |patch: usize, neighbours: usize| {
    ///     assert_eq!((patch, neighbours), (1, 4));
    ///     vec![5.0; 4]
    /// };
    /// assert_eq!(ImageScore::Max.score(&patches, support), 5.0);
    /// assert_eq!(ImageScore::Paper { neighbours: 4 }.score(&patches, support), 3.75);
    /// # Ok::<(), patchcore_tensor::ShapeError>(())
    /// ```
    pub fn score(self, patches: &AnomalyMap, support: impl FnOnce(usize, usize) -> Vec<f64>) -> f32 {
        if patches.data().is_empty() {
            return f32::NEG_INFINITY;
        }
        match self {
            Self::Max => largest(patches).1,
            Self::BlurredMax { sigma_share } => {
                let short = patches.height().min(patches.width());
                largest(&gaussian_blur(patches, sigma_share * short as f64)).1
            }
            // Where the bank holds nothing but the match there is no weight, and no verdict.
            Self::Paper { neighbours } => weighed(patches, neighbours, support).unwrap_or(f32::NAN),
            Self::Anomalib { neighbours } => {
                weighed(patches, neighbours, support).unwrap_or_else(|| largest(patches).1)
            }
        }
    }

    /// The neighbours of a match that the rule looks at.
    pub(crate) fn support(self) -> usize {
        match self {
            Self::Max | Self::BlurredMax { .. } => 0,
            Self::Paper { neighbours } | Self::Anomalib { neighbours } => neighbours,
        }
    }
}

/// The largest value and its place, the first among equals.
pub(crate) fn largest(map: &AnomalyMap) -> (usize, f32) {
    let values = map.data().iter().copied().enumerate();
    values.fold((0, f32::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best })
}

/// The largest patch score, weighed; `None` if there is no second row to weigh it with.
fn weighed(
    patches: &AnomalyMap,
    neighbours: usize,
    support: impl FnOnce(usize, usize) -> Vec<f64>,
) -> Option<f32> {
    let (patch, score) = largest(patches);
    let support = if neighbours > 1 { support(patch, neighbours) } else { Vec::new() };
    if support.len() < 2 {
        return None;
    }
    reweighted(score.into(), &support).map(|score| score as f32)
}

/// Equation 7 of the paper: weighs the distance of the most anomalous patch by how crowded its match is.
///
/// `nearest` is the L2 distance from that patch to its nearest neighbour, `support` the L2 distances from the same patch
/// to the neighbours of that neighbour, itself included. Where those are far from the patch as well as from their
/// fellow, the score stays near `nearest`; where all are as near as it, `b` of them leave `1 - 1/b` of it. `None` if
/// `support` is empty. The softmax is shifted by the largest distance, so it does not overflow.
///
/// ```
/// use patchcore::reweighted;
/// assert_eq!(reweighted(1.0, &[1.0, 1.0, 1.0, 1.0]), Some(0.75));
/// ```
///
/// Source: Roth et al. 2022, section 3.3.
pub fn reweighted(nearest: f64, support: &[f64]) -> Option<f64> {
    let shift = support.iter().copied().reduce(f64::max)?;
    let total: f64 = support.iter().map(|d| (d - shift).exp()).sum();
    Some((1.0 - (nearest - shift).exp() / total) * nearest)
}

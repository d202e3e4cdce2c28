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
    /// ```
    /// use patchcore::ImageScore;
    /// use patchcore_tensor::AnomalyMap;
    /// let patches = AnomalyMap::from_vec(1, 3, vec![1.0, 5.0, 2.0])?;
    /// assert_eq!(ImageScore::Max.score(&patches), 5.0);
    /// # Ok::<(), patchcore_tensor::ShapeError>(())
    /// ```
    pub fn score(self, patches: &AnomalyMap) -> f32 {
        let largest = |values: &[f32]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        match self {
            Self::Max => largest(patches.data()),
            Self::BlurredMax { sigma_share } => {
                let short = patches.height().min(patches.width());
                largest(gaussian_blur(patches, sigma_share * short as f64).data())
            }
        }
    }
}

/// Equation 7 of the paper: weighs the distance of the most anomalous patch by how crowded its match is.
///
/// `nearest` is the L2 distance from that patch to its nearest neighbour, `support` the L2 distances from the same patch
/// to the neighbours of that neighbour, itself included. A sparse neighbourhood keeps the score near `nearest`. `None` if
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

//! How far two models agree about the same pictures; no labels take part.

use crate::undefined::{Metric, Undefined};

/// How far two lists of scores lie apart, in the scores' own units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreDifferences {
    /// The largest absolute difference.
    pub largest: f64,
    /// The mean absolute difference.
    pub mean: f64,
}

/// The absolute differences between two models' scores, picture by picture.
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, there is nothing, or a score is NaN or infinite.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::score_differences;
/// let differences = score_differences(&[1.0, 2.0, 3.0], &[1.5, 2.0, 2.0])?;
/// assert_eq!((differences.largest, differences.mean), (1.0, 0.5));
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn score_differences(a: &[f32], b: &[f32]) -> Result<ScoreDifferences, Undefined> {
    check(a, b)?;
    let apart = a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).abs());
    let (largest, sum) = apart.fold((0.0, 0.0), |(largest, sum), d| (f64::max(largest, d), sum + d));
    Ok(ScoreDifferences { largest, mean: sum / a.len() as f64 })
}

/// Spearman's rank correlation of two models' scores: 1 if both put the pictures into the same order, -1 if into
/// opposite ones. Equal scores share the mean of their ranks.
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, there is nothing, a score is NaN or infinite, or one model gave every picture
/// the same score, as it does for a single picture.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Undefined, spearman};
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[0.1, 0.2, 9.0]), Ok(1.0));
/// // Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4.
/// assert_eq!(spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 3.0, 2.0, 4.0]), Ok(4.5 / 22.5_f64.sqrt()));
/// assert_eq!(spearman(&[1.0, 2.0], &[5.0, 5.0]), Err(Undefined::Constant { model: 1 }));
/// ```
///
/// # Source
///
/// Spearman 1904; Pearson's correlation of the ranks, as `scipy.stats.spearmanr`.
pub fn spearman(a: &[f32], b: &[f32]) -> Metric {
    check(a, b)?;
    let (ranks_a, ranks_b) = (centred_ranks(a), centred_ranks(b));
    let product = |x: &[i64], y: &[i64]| -> i128 {
        x.iter().zip(y).map(|(&x, &y)| i128::from(x) * i128::from(y)).sum()
    };
    let (own_a, own_b) = (product(&ranks_a, &ranks_a), product(&ranks_b, &ranks_b));
    if let Some(model) = [own_a, own_b].iter().position(|&own| own == 0) {
        return Err(Undefined::Constant { model });
    }
    Ok(product(&ranks_a, &ranks_b) as f64 / (own_a as f64 * own_b as f64).sqrt())
}

fn check(a: &[f32], b: &[f32]) -> Result<(), Undefined> {
    if a.len() != b.len() {
        return Err(Undefined::UnequalModels { model: 1, got: b.len(), expected: a.len() });
    }
    if a.is_empty() {
        return Err(Undefined::Empty);
    }
    match a.iter().zip(b).position(|(a, b)| !a.is_finite() || !b.is_finite()) {
        Some(index) => Err(Undefined::NotFinite { index }),
        None => Ok(()),
    }
}

/// Twice the distance of each score's rank from the middle rank: whole numbers, even for ranks that end in one half.
fn centred_ranks(scores: &[f32]) -> Vec<i64> {
    let n = scores.len();
    let mut order: Vec<usize> = (0..n).collect();
    let score = |i: usize| scores[i] + 0.0; // -0.0 + 0.0 is 0.0
    order.sort_by(|&i, &j| score(i).total_cmp(&score(j)));
    let mut ranks = vec![0; n];
    let mut first = 0;
    for tie in order.chunk_by(|&i, &j| score(i) == score(j)) {
        // Ranks from 0: `first` to `first + len - 1`; twice their mean, less twice the middle.
        let doubled = 2 * first + tie.len() as i64 - 1 - (n as i64 - 1);
        for &i in tie {
            ranks[i] = doubled;
        }
        first += tie.len() as i64;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without ties: 1 - 6 * sum(d²) / (n (n² - 1)), here ranks 1 2 3 4 5 against 2 1 4 3 5.
    #[test]
    fn spearman_by_hand() {
        assert_eq!(spearman(&[1.0, 2.0, 3.0, 4.0, 5.0], &[20.0, 10.0, 40.0, 30.0, 50.0]), Ok(0.8));
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Ok(-1.0));
        // Ranks 1.5 1.5 3 4 and 1 3 3 3: centred products 2, squares 4.5 and 3.
        let tied = spearman(&[0.0, -0.0, 1.0, 2.0], &[-1.0, 7.0, 7.0, 7.0]);
        assert_eq!(tied, Ok(2.0 / (4.5_f64 * 3.0).sqrt()));
    }

    #[test]
    fn ranks_of_ties_are_averaged() {
        // Ranks 1, 2.5, 2.5, 4 around 2.5, doubled.
        assert_eq!(centred_ranks(&[5.0, 6.0, 6.0, 9.0]), [-3, 0, 0, 3]);
        assert_eq!(centred_ranks(&[0.0, -0.0, -1.0]), [1, 1, -2]);
    }

    #[test]
    fn the_order_of_the_pictures_does_not_matter() {
        let (a, b) = ([3.0, 1.0, 2.0, 2.0], [0.5, 0.25, 4.0, -1.0]);
        let turned = |s: [f32; 4]| [s[2], s[0], s[3], s[1]];
        assert_eq!(spearman(&a, &b), spearman(&turned(a), &turned(b)));
    }

    #[test]
    fn differences_by_hand() {
        let found = score_differences(&[1.0, 2.0, 4.0, 8.0], &[1.25, 2.0, 3.0, 8.75]);
        assert_eq!(found, Ok(ScoreDifferences { largest: 1.0, mean: 0.5 }));
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        assert_eq!(spearman(&[], &[]), Err(Undefined::Empty));
        assert_eq!(spearman(&[1.0], &[1.0]), Err(Undefined::Constant { model: 0 }));
        assert_eq!(spearman(&[1.0, 2.0], &[1.0, f32::NAN]), Err(Undefined::NotFinite { index: 1 }));
        let lengths = Err(Undefined::UnequalModels { model: 1, got: 1, expected: 2 });
        assert_eq!(spearman(&[1.0, 2.0], &[1.0]), lengths);
        assert_eq!(
            score_differences(&[f32::INFINITY], &[1.0]).unwrap_err(),
            Undefined::NotFinite { index: 0 }
        );
    }
}

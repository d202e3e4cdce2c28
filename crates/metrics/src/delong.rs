//! Whether two models' AUROCs on the same pictures differ by more than chance.

use crate::bootstrap::Estimate;
use crate::normal;
use crate::share::Bounds;
use crate::undefined::{Metric, Undefined, check_confidence, check_list};

/// What the test says; model `a` stands first.
#[derive(Debug, Clone, PartialEq)]
pub struct Delong {
    /// The AUROC of each model.
    pub auroc: [f64; 2],
    /// The first AUROC less the second, with an interval from the normal distribution, which may reach beyond -1 and 1.
    pub difference: Estimate,
    /// The variance of the difference.
    pub variance: f64,
    /// The difference in standard deviations; [`Undefined::NoVariance`] where both models order the pictures so alike, or
    /// so perfectly, that the estimated variance is 0.
    pub z: Metric,
    /// The chance of a difference as large in either direction, were there none; undefined as `z`.
    pub p_value: Metric,
}

/// The test of DeLong, DeLong and Clarke-Pearson for two models that scored the same pictures.
///
/// Ties count one half. Wins are counted in integers in `O(n log n)`, so rounding starts with the variance. It holds for
/// many pictures: with fewer than a few dozen of a class, or an AUROC near 1, prefer
/// [`paired_bootstrap`](crate::paired_bootstrap).
///
/// # Errors
///
/// [`Undefined`] if the lengths differ, a score is NaN or infinite, the confidence is not between 0 and 1, or a class has
/// fewer than two pictures.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::delong;
/// let labels = [false, false, false, true, true, true];
/// let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 5.0, 3.0, 4.0, 2.0, 6.0]);
/// let test = delong(&a, &b, &labels, 0.95)?;
/// assert_eq!(test.auroc, [1.0, 6.0 / 9.0]);
/// // The model b's wins per anomalous picture: 2, 1, 3 of 3; per normal picture: 3, 1, 2 of 3.
/// let variance = (1.0 / 9.0) / 3.0 + (1.0 / 9.0) / 3.0;
/// assert!((test.variance - variance).abs() < 1e-15);
/// assert!((test.z? - (1.0 / 3.0) / variance.sqrt()).abs() < 1e-12);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
///
/// # Source
///
/// DeLong et al., Biometrics 1988; Sun and Xu, IEEE Signal Processing Letters 2014 (ranks instead of pairs).
pub fn delong(a: &[f32], b: &[f32], labels: &[bool], confidence: f64) -> Result<Delong, Undefined> {
    if a.len() != b.len() {
        return Err(Undefined::UnequalModels { model: 1, got: b.len(), expected: a.len() });
    }
    check_list(a, labels.len())?;
    check_list(b, labels.len())?;
    check_confidence(confidence)?;
    let anomalous = labels.iter().filter(|&&l| l).count() as u64;
    let normal = labels.len() as u64 - anomalous;
    if anomalous < 2 || normal < 2 {
        return Err(Undefined::TooFew { anomalous, normal });
    }

    let (wins_a, wins_b) = (doubled_wins(a, labels), doubled_wins(b, labels));
    let pairs = 2.0 * anomalous as f64 * normal as f64;
    let total =
        |wins: &[i64]| -> i64 { wins.iter().zip(labels).filter(|(_, l)| **l).map(|(&wins, _)| wins).sum() };
    let (total_a, total_b) = (total(&wins_a), total(&wins_b));

    // The variance of each class's mean difference; an item's wins are out of twice the other class.
    let part = |class: bool, own: u64, other: u64| {
        let apart = wins_a.iter().zip(&wins_b).zip(labels).filter(|(_, l)| **l == class);
        let spread = spread(apart.map(|((&a, &b), _)| a - b));
        let (own, doubled) = (own as f64, 2.0 * other as f64);
        spread as f64 / (own * (own - 1.0)) / (doubled * doubled) / own
    };
    let variance = part(true, anomalous, normal) + part(false, normal, anomalous);

    let value = (total_a - total_b) as f64 / pairs;
    let half = normal::distance(confidence) * variance.sqrt();
    let z = if variance > 0.0 { Ok(value / variance.sqrt()) } else { Err(Undefined::NoVariance) };
    Ok(Delong {
        auroc: [total_a as f64 / pairs, total_b as f64 / pairs],
        difference: Estimate { value, bounds: Bounds { lower: value - half, upper: value + half } },
        variance,
        p_value: z.clone().map(normal::two_sided),
        z,
    })
}

/// Per item: twice the number of items of the other class on whose right side it lies (anomalous above, normal below);
/// a tie counts 1.
fn doubled_wins(scores: &[f32], labels: &[bool]) -> Vec<i64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let score = |i: usize| scores[i] + 0.0; // -0.0 + 0.0 is 0.0
    order.sort_unstable_by(|&i, &j| score(i).total_cmp(&score(j)));
    let count = |items: &[usize], class: bool| items.iter().filter(|&&i| labels[i] == class).count() as i64;
    let anomalous = count(&order, true);

    let mut wins = vec![0; scores.len()];
    let (mut anomalous_below, mut normal_below) = (0, 0);
    for tie in order.chunk_by(|&i, &j| score(i) == score(j)) {
        let (tied_anomalous, tied_normal) = (count(tie, true), count(tie, false));
        let anomalous_above = anomalous - anomalous_below - tied_anomalous;
        for &i in tie {
            wins[i] =
                if labels[i] { 2 * normal_below + tied_normal } else { 2 * anomalous_above + tied_anomalous };
        }
        anomalous_below += tied_anomalous;
        normal_below += tied_normal;
    }
    wins
}

/// `n` times the sum of squared deviations from the mean of `n` values: a whole number, and 0 only if all are equal.
fn spread(values: impl Iterator<Item = i64>) -> i128 {
    let (mut n, mut sum, mut squares) = (0, 0, 0);
    for value in values.map(i128::from) {
        (n, sum, squares) = (n + 1, sum + value, squares + value * value);
    }
    n * squares - sum * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_against_itself_or_its_stretched_copy() {
        let labels = [false, true, false, true, true];
        let a = [0.0, 1.0, 1.0, 2.0, -3.0];
        let test = delong(&a, &a.map(|s| s * 2.0 + 1.0), &labels, 0.9).unwrap();
        assert_eq!((test.difference.value, test.variance), (0.0, 0.0));
        assert_eq!((test.z, test.p_value), (Err(Undefined::NoVariance), Err(Undefined::NoVariance)));
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        let scores = [0.0, 1.0, 2.0];
        let few = delong(&scores, &scores, &[false, true, true], 0.95);
        assert_eq!(few, Err(Undefined::TooFew { anomalous: 2, normal: 1 }));
        let short = delong(&scores, &scores[1..], &[false, true, true], 0.95);
        assert_eq!(short, Err(Undefined::UnequalModels { model: 1, got: 2, expected: 3 }));
        let nan = delong(&scores, &[0.0, f32::NAN, 1.0], &[false, true, true], 0.95);
        assert_eq!(nan, Err(Undefined::NotFinite { index: 1 }));
        let sure = delong(&[0.0; 4], &[0.0; 4], &[false, true, false, true], 1.0);
        assert_eq!(sure, Err(Undefined::InvalidConfidence { confidence: 1.0 }));
    }
}

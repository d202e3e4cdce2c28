//! Whether two decisions on the same pictures are wrong equally often.

use crate::beta;

/// The exact test of McNemar: the chance, were both equally often wrong, of a split at least as uneven as the one seen
/// among the pictures on which exactly one of them is.
///
/// `only_a` counts the pictures that the first decided wrongly and the second rightly, `only_b` those the other way round;
/// pictures on which both agree tell nothing. Two-sided, in `(0, 1]`; 1 where they never differ.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::mcnemar;
/// // All of six on one side: 2 / 2^6.
/// assert!((mcnemar(6, 0) - 2.0 / 64.0).abs() < 1e-15);
/// assert_eq!(mcnemar(0, 6), mcnemar(6, 0));
/// assert_eq!((mcnemar(3, 3), mcnemar(0, 0)), (1.0, 1.0));
/// ```
///
/// # Source
///
/// McNemar 1947; scipy's `binomtest(only_a, only_a + only_b, 0.5)`.
pub fn mcnemar(only_a: u64, only_b: u64) -> f64 {
    let (more, less) = (only_a.max(only_b), only_a.min(only_b));
    if more <= less + 1 {
        return 1.0; // Twice one half or more, which the tail would round.
    }
    2.0 * beta::tails(0.5, more, less + 1).0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twice the sum of binomial chances from the larger count up, cut at 1.
    #[test]
    fn by_the_sum_that_defines_it() {
        for a in 0..25_u64 {
            for b in 0..25 {
                let n = a + b;
                let ways = |k: u64| (1..=k).map(|i| (n - k + i) as f64 / i as f64).product::<f64>();
                let tail: f64 = (a.max(b)..=n).map(ways).sum::<f64>() / 2.0_f64.powi(n as i32);
                let expected = if a == b { 1.0 } else { (2.0 * tail).min(1.0) };
                assert!((mcnemar(a, b) - expected).abs() < 1e-13, "{a} {b}: {}", mcnemar(a, b));
            }
        }
    }
}

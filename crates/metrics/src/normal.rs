//! Tails of the normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The chance that a standard normal number lies farther from zero than `z`, on either side.
pub(crate) fn two_sided(z: f64) -> f64 {
    complementary_error(z.abs() * FRAC_1_SQRT_2)
}

/// The distance from zero within which a standard normal number lies with the chance `confidence`, in `(0, 1)`.
pub(crate) fn distance(confidence: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    // Halved until no number is left between them.
    loop {
        let z = f64::midpoint(low, high);
        if z <= low || z >= high {
            return z;
        }
        if two_sided(z) > 1.0 - confidence { low = z } else { high = z }
    }
}

/// `erfc(x)` for `x >= 0`.
fn complementary_error(x: f64) -> f64 {
    let bell = (-x * x).exp();
    if x < 2.0 {
        // erf(x) = 2/sqrt(pi) exp(-x²) (x + 2x³/3 + 4x⁵/15 + ...), all terms positive.
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        1.0 - 2.0 / PI.sqrt() * bell * sum
    } else {
        // The continued fraction x + (1/2) / (x + 1 / (x + (3/2) / ...)), from its end.
        let fraction = (1..200).rev().fold(x, |rest, n| x + f64::from(n) / 2.0 / rest);
        bell / (fraction * PI.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::SQRT_2;

    /// Abramowitz and Stegun, table 7.1, and section 7.1.23 for large values.
    #[test]
    fn known_tails() {
        let known = [
            (0.0, 1.0),
            (0.5, 0.479_500_122_186_953_5),
            (1.0, 0.157_299_207_050_285_13),
            (2.0, 0.004_677_734_981_047_266),
            (3.0, 2.209_049_699_858_544e-5),
            (5.0, 1.537_459_794_428_035e-12),
            (10.0, 2.088_487_583_762_545e-45),
        ];
        for (x, expected) in known {
            let got = complementary_error(x);
            assert!((got / expected - 1.0).abs() < 1e-13, "{x}: {got}, expected {expected}");
            assert!((two_sided(-x * SQRT_2) / expected - 1.0).abs() < 1e-12);
        }
        assert_eq!(two_sided(f64::INFINITY), 0.0);
    }

    #[test]
    fn both_ways_meet_in_the_middle() {
        let (below, above) = (complementary_error(2.0_f64.next_down()), complementary_error(2.0));
        assert!((below / above - 1.0).abs() < 1e-13);
    }

    #[test]
    fn the_usual_distances() {
        let known =
            [(0.95, 1.959_963_984_540_054), (0.99, 2.575_829_303_548_901), (0.5, 0.674_489_750_196_081_7)];
        for (confidence, expected) in known {
            assert!(
                (distance(confidence) - expected).abs() < 1e-13,
                "{confidence}: {}",
                distance(confidence)
            );
        }
    }
}

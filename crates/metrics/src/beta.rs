//! The regularised incomplete beta function for whole shapes, and its inverse.
//!
//! `I_x(a, b)` is the chance that of `a + b - 1` tries, each a success with chance `x`, at least `a` succeed. Shapes are
//! whole numbers from 1 up to about 2^50.

use std::f64::consts::TAU;

/// `I_x(a, b)` and `1 - I_x(a, b)` for `x` in `[0, 1]`; the smaller of the two has no digits cancelled.
pub(crate) fn tails(x: f64, a: u64, b: u64) -> (f64, f64) {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { (0.0, 1.0) } else { (1.0, 0.0) };
    }
    let (a, b) = (a as f64, b as f64);
    // The continued fraction converges fast below the mean; above it, the other tail does.
    if x < (a + 1.0) / (a + b + 2.0) {
        let lower = weight(x, 1.0 - x, a, b) / continued_fraction(x, 1.0 - x, a, b);
        (lower, 1.0 - lower)
    } else {
        let upper = weight(1.0 - x, x, b, a) / continued_fraction(1.0 - x, x, b, a);
        (1.0 - upper, upper)
    }
}

/// The `x` with `I_x(a, b) = p`, for `p` in `(0, 1)`.
pub(crate) fn inverse(p: f64, a: u64, b: u64) -> f64 {
    solve(|x| tails(x, a, b).0 - p, a, b)
}

/// The `x` with `1 - I_x(a, b) = p`, for `p` in `(0, 1)`.
pub(crate) fn inverse_of_complement(p: f64, a: u64, b: u64) -> f64 {
    solve(|x| p - tails(x, a, b).1, a, b)
}

/// Where `excess`, which is `I_x(a, b)` less a constant, is zero.
///
/// Newton's method, kept inside an interval that holds the answer and halved where a step would leave it.
fn solve(excess: impl Fn(f64) -> f64, a: u64, b: u64) -> f64 {
    let (a, b) = (a as f64, b as f64);
    let (mut low, mut high) = (0.0, 1.0);
    let mut x = a / (a + b);
    for _ in 0..2000 {
        let excess = excess(x);
        if excess > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let density = weight(x, 1.0 - x, a, b) / (x * (1.0 - x));
        let step = x - excess / density;
        let next = if step > low && step < high { step } else { f64::midpoint(low, high) };
        if (next - x).abs() <= f64::EPSILON * x {
            return next;
        }
        x = next;
    }
    x
}

/// `x^a y^b / B(a, b)` for `y = 1 - x`, as a binomial probability, whose large factors are cancelled before they are
/// exponentiated (Loader 2000, "Fast and accurate computation of binomial probabilities").
fn weight(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let n = a + b;
    // How far a lies above its expectation, from the smaller of x and y, which has more digits.
    let surplus = if x < y { a - n * x } else { n * y - b };
    let exponent = stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, n * x, surplus)
        - deviance(b, n * y, -surplus);
    a * b / n * exponent.exp() * (n / (TAU * a * b)).sqrt()
}

/// By how much `ln n!` exceeds Stirling's `ln(sqrt(2 pi n) (n / e)^n)`; `n` is a whole number of at least 1.
fn stirling_error(n: f64) -> f64 {
    if n < 16.0 {
        let factorial: f64 = (1..=n as u64).map(|i| i as f64).product();
        return factorial.ln() - (0.5 * (TAU * n).ln() + n * n.ln() - n);
    }
    let square = n * n;
    let series = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0];
    series.iter().rev().fold(0.0, |sum, term| term + sum / square) / n
}

/// `x ln(x / m) - surplus` for `surplus = x - m`, also where `x` and `m` almost agree.
fn deviance(x: f64, m: f64, surplus: f64) -> f64 {
    if surplus.abs() >= 0.1 * (x + m) {
        return x * (x / m).ln() - surplus;
    }
    // With v = (x - m) / (x + m): ln(x / m) = 2 (v + v^3/3 + v^5/5 + ...).
    let v = surplus / (x + m);
    let mut sum = surplus * v;
    let mut power = 2.0 * x * v;
    for odd in (3..).step_by(2) {
        power *= v * v;
        let longer = sum + power / f64::from(odd);
        if longer == sum {
            break;
        }
        sum = longer;
    }
    sum
}

/// What [`weight`] is divided by for `I_x(a, b)`: the continued fraction of Didonato and Morris (1992), which keeps `x`
/// and `y = 1 - x` apart, from its head, by the method of Lentz.
fn continued_fraction(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let denominator = |m: f64| {
        m + m * (b - m) * x / (a + 2.0 * m - 1.0)
            + (a + m) * (a * y - b * x + 1.0 + m * (1.0 + y)) / (a + 2.0 * m + 1.0)
    };
    let mut value = away_from_zero(a * (a * y - b * x + 1.0) / (a + 1.0));
    let (mut c, mut d) = (value, 0.0);
    // About the square root of the larger shape many terms are needed.
    for term in 1..100_000_000_u32 {
        let m = f64::from(term);
        let root = x / (a + 2.0 * m - 1.0);
        let numerator = (a + m - 1.0) * (a + b + m - 1.0) * m * (b - m) * root * root;
        d = 1.0 / away_from_zero(denominator(m) + numerator * d);
        c = away_from_zero(denominator(m) + numerator / c);
        value *= c * d;
        if (c * d - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum that defines it: the chance of at least `a` successes in `a + b - 1` tries.
    fn by_definition(x: f64, a: u64, b: u64) -> f64 {
        let n = a + b - 1;
        (a..=n)
            .map(|k| {
                let ways: f64 = (1..=k).map(|i| (n - k + i) as f64 / i as f64).product();
                ways * x.powi(k as i32) * (1.0 - x).powi((n - k) as i32)
            })
            .sum()
    }

    #[test]
    fn the_binomial_tail() {
        for (a, b) in [(1, 1), (1, 7), (7, 1), (3, 5), (20, 20), (40, 3), (2, 60)] {
            for x in [1e-6, 0.01, 0.2, 0.5, 0.77, 0.999] {
                let ((got, rest), expected) = (tails(x, a, b), by_definition(x, a, b));
                assert!((got + rest - 1.0).abs() < 1e-15);
                assert!((got - expected).abs() <= 4e-15 + 1e-13 * expected, "{x} {a} {b}: {got}, {expected}");
            }
            assert_eq!((tails(0.0, a, b), tails(1.0, a, b)), ((0.0, 1.0), (1.0, 0.0)));
        }
    }

    #[test]
    fn the_inverse_comes_back() {
        for (a, b) in
            [(1, 1), (1, 1_000_000), (5, 3), (83, 84), (99_000, 1), (500_000, 500_000), (3, 1 << 40)]
        {
            for p in [1e-9, 0.005, 0.025, 0.5, 0.975, 0.999_999] {
                let (x, y) = (inverse(p, a, b), inverse_of_complement(p, a, b));
                for (x, back) in [(x, tails(x, a, b).0), (y, tails(y, a, b).1)] {
                    // What the floats beside x would give is as good as it gets.
                    let slack = (tails(x * (1.0 + 1e-15), a, b).0 - tails(x, a, b).0).abs();
                    assert!((back - p).abs() <= 3e-12 * p + slack, "{a} {b} {p}: {x} gives {back}");
                }
            }
        }
    }
}

//! Value noise: random numbers on a grid, joined smoothly.

use crate::rng::{mix, unit};

/// The random number in `[-1, 1)` of a grid point.
pub(crate) fn lattice(seed: u64, i: i64, j: i64) -> f64 {
    let bits = mix(seed ^ mix((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ mix(j as u64)));
    2.0 * unit(bits) - 1.0
}

/// Smooth noise in `[-1, 1)`; it changes over a distance of about 1.
pub(crate) fn value(seed: u64, x: f64, y: f64) -> f64 {
    let (i, j) = (x.floor(), y.floor());
    let (s, t) = (fade(x - i), fade(y - j));
    let (i, j) = (i as i64, j as i64);
    let row = |j| lattice(seed, i, j) * (1.0 - s) + lattice(seed, i + 1, j) * s;
    row(j) * (1.0 - t) + row(j + 1) * t
}

/// Three octaves of [`value`], each half as strong and twice as fine as the one before.
pub(crate) fn cloud(seed: u64, x: f64, y: f64) -> f64 {
    let octave = |n: u64, scale: f64| value(seed.wrapping_add(n), x * scale, y * scale) / scale;
    (octave(0, 1.0) + octave(1, 2.0) + octave(2, 4.0)) / 1.75
}

fn fade(t: f64) -> f64 {
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_joins_the_grid_and_stays_in_range() {
        assert_eq!(value(3, 5.0, -2.0), lattice(3, 5, -2));
        for step in 0..1000 {
            let x = f64::from(step) * 0.173 - 50.0;
            assert!(cloud(1, x, -x * 0.7).abs() <= 1.0);
            assert!((value(1, x, 0.3) - value(1, x + 1e-6, 0.3)).abs() < 1e-5);
        }
    }
}

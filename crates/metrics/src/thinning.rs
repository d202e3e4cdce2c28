//! Which points of a curve are enough to draw it.

/// The places of the points that draw the curve through `x` and `y`: both ends, and between them a point wherever the way
/// along the axes since the last one is long enough. They are at most `most`, which is at least 2; a curve that has no
/// more points than that keeps all of them.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::thinned;
/// let x: Vec<f64> = (0..=1000).map(|i| f64::from(i) / 1000.0).collect();
/// let kept = thinned(&x, &x, 12);
/// assert_eq!((kept.len(), kept[0], kept[kept.len() - 1]), (12, 0, 1000));
/// assert_eq!(thinned(&x[..3], &x[..3], 12), [0, 1, 2]);
/// ```
pub fn thinned(x: &[f64], y: &[f64], most: usize) -> Vec<usize> {
    let n = x.len().min(y.len());
    if n <= most {
        return (0..n).collect();
    }
    let point = |i: usize| [x[i], y[i]];
    let way: f64 = (1..n).map(|i| apart(point(i - 1), point(i))).sum();
    let mut thinning = Thinning::new(way, most, point(0));
    let between = (1..n - 1).filter(|&i| thinning.keeps(point(i)));
    std::iter::once(0).chain(between).chain([n - 1]).collect()
}

/// Lets through every point that lies far enough from the last one let through.
pub(crate) struct Thinning {
    step: f64,
    last: [f64; 2],
}

impl Thinning {
    /// For a curve that starts at `first` and goes a way of at most `way` along the axes. Both ends are kept elsewhere, so
    /// `most - 2` points are let through between them.
    pub(crate) fn new(way: f64, most: usize, first: [f64; 2]) -> Self {
        Self { step: way / most.saturating_sub(1).max(1) as f64, last: first }
    }

    pub(crate) fn keeps(&mut self, point: [f64; 2]) -> bool {
        let far = apart(self.last, point) > self.step;
        if far {
            self.last = point;
        }
        far
    }
}

fn apart(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).abs() + (a[1] - b[1]).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A saw, whose way is much longer than its ends are apart, and a jump.
    #[test]
    fn never_more_than_asked_for_and_always_both_ends() {
        let n = 5000;
        let x: Vec<f64> = (0..n).map(|i| f64::from(i) / f64::from(n)).collect();
        let saw: Vec<f64> = (0..n).map(|i| f64::from(i % 7) / 7.0).collect();
        let jump: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i > 2500))).collect();
        for y in [&x, &saw, &jump] {
            for most in [2, 3, 50, 200] {
                let kept = thinned(&x, y, most);
                assert!(kept.len() <= most.max(2), "{} of {most}", kept.len());
                assert_eq!((kept[0], kept[kept.len() - 1]), (0, 4999));
                assert!(kept.is_sorted_by(|a, b| a < b));
            }
        }
        // No point that was left out lies further than a step from the one before it.
        let kept = thinned(&x, &jump, 200);
        for pair in kept.windows(2) {
            for i in pair[0] + 1..pair[1] {
                assert!(apart([x[pair[0]], jump[pair[0]]], [x[i], jump[i]]) < 2.0 / 199.0);
            }
        }
    }
}

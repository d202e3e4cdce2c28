//! Closeness with a tolerance that the test must state.

/// The largest absolute difference of two equally long slices.
///
/// # Panics
/// If the lengths differ or a difference is NaN.
pub fn max_abs_difference(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "lengths differ");
    a.iter().zip(b).fold(0.0, |worst, (&x, &y)| {
        let difference = (f64::from(x) - f64::from(y)).abs();
        assert!(!difference.is_nan(), "NaN in comparison");
        difference.max(worst)
    })
}

/// Fails with the place of the largest difference if it is above `tolerance`.
///
/// # Panics
/// If the lengths differ or any difference is above the tolerance or NaN.
pub fn assert_all_close(what: &str, got: &[f32], expected: &[f32], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: lengths differ");
    let mut worst = (0, 0.0);
    for (i, (&g, &e)) in got.iter().zip(expected).enumerate() {
        let difference = (f64::from(g) - f64::from(e)).abs();
        assert!(!difference.is_nan(), "{what}: NaN at {i}: got {g}, expected {e}");
        if difference > worst.1 {
            worst = (i, difference);
        }
    }
    let (i, difference) = worst;
    assert!(
        difference <= tolerance,
        "{what}: off by {difference:e} at {i} (got {}, expected {}), tolerance {tolerance:e}",
        got[i],
        expected[i]
    );
}

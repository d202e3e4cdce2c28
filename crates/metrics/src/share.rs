//! A share of counted things, with exact bounds.

use crate::beta;
use crate::undefined::{Undefined, check_confidence};

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    count: u64,
    of: u64,
}

/// An interval, ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Its lower end.
    pub lower: f64,
    /// Its upper end.
    pub upper: f64,
}

impl Share {
    /// `count` of `of` things; `None` where there are no things, or fewer than `count`.
    pub fn new(count: u64, of: u64) -> Option<Self> {
        (of > 0 && count <= of).then_some(Self { count, of })
    }

    /// How many.
    pub fn count(self) -> u64 {
        self.count
    }

    /// Of how many; at least 1.
    pub fn of(self) -> u64 {
        self.of
    }

    /// The share, in `[0, 1]`.
    pub fn value(self) -> f64 {
        self.count as f64 / self.of as f64
    }

    /// The Clopper-Pearson bounds: the shares in the long run under which what was seen, or more of it, is not too
    /// unlikely on either side.
    ///
    /// With `a = 1 - confidence`, the lower bound is the chance of success at which at least `count` successes have the
    /// probability `a / 2`, the upper the one at which at most `count` have. They cover the true share with at least
    /// `confidence`, whatever it is, if the things were drawn independently. None seen gives a lower bound of exactly 0,
    /// all seen an upper bound of exactly 1.
    ///
    /// # Errors
    ///
    /// [`Undefined::InvalidConfidence`] unless `0 < confidence < 1`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patchcore_metrics::Share;
    /// // No defect missed among 30: up to 11.6 % may still be missed in the long run.
    /// let missed = Share::new(0, 30).ok_or("no share")?;
    /// let bounds = missed.clopper_pearson(0.95)?;
    /// assert_eq!(bounds.lower, 0.0);
    /// assert!((bounds.upper - (1.0 - 0.025_f64.powf(1.0 / 30.0))).abs() < 1e-15);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Source
    ///
    /// Clopper and Pearson 1934; scipy's `binomtest(count, of).proportion_ci(method="exact")`.
    pub fn clopper_pearson(self, confidence: f64) -> Result<Bounds, Undefined> {
        check_confidence(confidence)?;
        let tail = (1.0 - confidence) / 2.0;
        let missing = self.of - self.count;
        let lower = if self.count == 0 { 0.0 } else { beta::inverse(tail, self.count, missing + 1) };
        let upper =
            if missing == 0 { 1.0 } else { beta::inverse_of_complement(tail, self.count + 1, missing) };
        Ok(Bounds { lower, upper })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_nothing_is_none() {
        assert_eq!(Share::new(0, 0), None);
        assert_eq!(Share::new(3, 2), None);
        assert_eq!(Share::new(2, 2).map(Share::value), Some(1.0));
    }

    /// At the bounds, what was seen and beyond has exactly half of what the confidence leaves.
    #[test]
    fn bounds_have_their_defining_property() {
        for of in [1, 2, 9, 60, 1000] {
            for count in [0, 1, of / 3, of - 1, of] {
                let Bounds { lower, upper } = Share::new(count, of).unwrap().clopper_pearson(0.9).unwrap();
                assert!(lower <= count as f64 / of as f64 && count as f64 / of as f64 <= upper);
                if count > 0 {
                    let at_least = beta::tails(lower, count, of - count + 1).0;
                    assert!((at_least - 0.05).abs() < 1e-12, "{count} of {of}: {at_least}");
                }
                if count < of {
                    let at_most = beta::tails(upper, count + 1, of - count).1;
                    assert!((at_most - 0.05).abs() < 1e-12, "{count} of {of}: {at_most}");
                }
            }
        }
    }

    /// The root of `(1 - x)^n + n x (1 - x)^(n - 1) = 1/4`, found with 40 digits.
    #[test]
    fn as_many_things_as_pixels() {
        let bounds = Share::new(1, 87_031_808).unwrap().clopper_pearson(0.5).unwrap();
        assert!((bounds.upper / 3.093_851_046_626_424e-8 - 1.0).abs() < 1e-14, "{}", bounds.upper);
    }

    #[test]
    fn a_confidence_is_a_probability() {
        for confidence in [0.0, 1.0, -0.5, 95.0, f64::NAN] {
            let refused = Share::new(1, 2).unwrap().clopper_pearson(confidence);
            assert!(matches!(refused, Err(Undefined::InvalidConfidence { .. })), "{confidence}");
        }
    }
}

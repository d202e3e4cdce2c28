//! What a score means: two thresholds make three verdicts.

use serde::{Deserialize, Serialize};

/// What a score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Below both thresholds.
    Ok,
    /// Below the threshold of a defect, at or above that of a review: a person should look.
    Review,
    /// At or above the threshold of a defect, or not a finite number.
    Defect,
}

/// The two image scores at which a verdict changes; `review <= defect`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// At or above it a picture is not ok.
    pub review: f32,
    /// At or above it a picture shows a defect.
    pub defect: f32,
}

impl Thresholds {
    /// No room for a review: a picture is ok or shows a defect.
    pub fn single(defect: f32) -> Self {
        Self { review: defect, defect }
    }

    /// A model's own, if it has any, with another threshold of a defect, if one is given; that of a review goes no higher.
    pub fn in_use(own: Option<Self>, defect: Option<f32>) -> Option<Self> {
        match (own, defect) {
            (Some(own), Some(defect)) => Some(Self { review: own.review.min(defect), defect }),
            (None, Some(defect)) => Some(Self::single(defect)),
            (own, None) => own,
        }
    }
}

impl Verdict {
    /// `score >= threshold` everywhere; what is not a finite number is never ok.
    ///
    /// ```
    /// use patchcore::{Thresholds, Verdict};
    /// let thresholds = Thresholds { review: 0.8, defect: 1.0 };
    /// assert_eq!(Verdict::of(1.0, thresholds), Verdict::Defect);
    /// assert_eq!(Verdict::of(0.9, thresholds), Verdict::Review);
    /// assert_eq!(Verdict::of(0.7, thresholds), Verdict::Ok);
    /// assert_eq!(Verdict::of(f32::NAN, thresholds), Verdict::Defect);
    /// assert_eq!(Verdict::of(f32::NEG_INFINITY, thresholds), Verdict::Defect);
    /// ```
    pub fn of(score: f32, thresholds: Thresholds) -> Self {
        if !score.is_finite() || score >= thresholds.defect {
            Self::Defect
        } else if score < thresholds.review {
            Self::Ok
        } else {
            Self::Review
        }
    }

    /// As it stands in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Review => "review",
            Self::Defect => "defect",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_that_cannot_be_compared_make_nothing_ok() {
        for thresholds in [
            Thresholds { review: f32::NAN, defect: 1.0 },
            Thresholds { review: 0.5, defect: f32::NAN },
            Thresholds { review: f32::NAN, defect: f32::NAN },
        ] {
            assert_ne!(Verdict::of(0.7, thresholds), Verdict::Ok, "{thresholds:?}");
        }
    }

    #[test]
    fn a_lower_threshold_takes_the_review_with_it() {
        let own = Thresholds { review: 0.8, defect: 1.0 };
        let in_use = |defect| Thresholds::in_use(Some(own), defect);
        assert_eq!(in_use(Some(0.5)), Some(Thresholds::single(0.5)));
        assert_eq!(in_use(Some(2.0)), Some(Thresholds { review: 0.8, defect: 2.0 }));
        assert_eq!(in_use(None), Some(own));
        assert_eq!(Thresholds::in_use(None, Some(0.5)), Some(Thresholds::single(0.5)));
        assert_eq!(Thresholds::in_use(None, None), None);
    }
}

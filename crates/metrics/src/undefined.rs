//! Why a metric has no value.

/// A metric's value, or the reason why there is none.
pub type Metric = Result<f64, Undefined>;

/// Why a metric has no value; its text is fit to stand beside the metric's name in a report.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Undefined {
    /// There is no score at all.
    #[error("there are no scores")]
    Empty,
    /// Nothing is labelled anomalous.
    #[error("nothing is labelled anomalous")]
    NoAnomalous,
    /// Nothing is labelled normal.
    #[error("nothing is labelled normal")]
    NoNormal,
    /// No mask marks a region.
    #[error("no mask marks a region")]
    NoRegion,
    /// A score is NaN or infinite.
    #[error("score {index} is not a finite number")]
    NotFinite {
        /// Its place in the list.
        index: usize,
    },
    /// A pixel's score is NaN or infinite.
    #[error("pixel {index} of picture {picture} has a score that is not a finite number")]
    NotFinitePixel {
        /// The picture's place in the list.
        picture: usize,
        /// The pixel's place in the picture, row by row.
        index: usize,
    },
    /// Scores and labels do not pair up.
    #[error("there are {scores} scores, but {labels} labels")]
    LengthMismatch {
        /// Number of scores.
        scores: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A picture's scores or mask do not fill its height and width.
    #[error("picture {picture} of {height}x{width} pixels has {scores} scores and {mask} mask pixels")]
    PictureSize {
        /// The picture's place in the list.
        picture: usize,
        /// Its height in pixels.
        height: usize,
        /// Its width in pixels.
        width: usize,
        /// Number of its scores.
        scores: usize,
        /// Number of its mask pixels.
        mask: usize,
    },
    /// More pixels than the ranking can number.
    #[error("{pixels} pixels are more than the {limit} that can be ranked")]
    TooManyPixels {
        /// Number of pixels.
        pixels: usize,
        /// The largest number that can be ranked.
        limit: usize,
    },
    /// The largest false positive rate is not in `(0, 1]`.
    #[error("the limit of the false positive rate is {limit}, expected more than 0 and at most 1")]
    InvalidLimit {
        /// The limit that was asked for.
        limit: f64,
    },
    /// Every picture has a defect: there is no normal picture to count false alarms on.
    #[error("no picture is free of defects")]
    NoNormalPicture,
    /// At the threshold nothing counts as anomalous, so no alarm can be right or wrong.
    #[error("nothing raises an alarm at the threshold")]
    NoAlarm,
    /// The threshold is not a number.
    #[error("the threshold is not a number")]
    InvalidThreshold,
    /// An error rate is not in `[0, 1]`.
    #[error("the rate is {rate}, expected 0 to 1")]
    InvalidRate {
        /// The rate that was asked for.
        rate: f64,
    },
    /// A confidence is not between 0 and 1.
    #[error("the confidence is {confidence}, expected more than 0 and less than 1")]
    InvalidConfidence {
        /// The confidence that was asked for.
        confidence: f64,
    },
    /// A range of false positive rates is empty or leaves `(0, 1]`.
    #[error("the false positive rates run from {lower} to {upper}, expected 0 < lower < upper <= 1")]
    InvalidRange {
        /// Where the range starts.
        lower: f64,
        /// Where it ends.
        upper: f64,
    },
    /// A normal picture has too few pixels for a false positive rate as low as asked for.
    #[error("picture {picture} has {pixels} pixels: too few to tell a false positive rate of {lower}")]
    UnresolvedRange {
        /// The picture's place in the list.
        picture: usize,
        /// Number of its pixels.
        pixels: usize,
        /// The lowest false positive rate that was asked for.
        lower: f64,
    },
    /// A region's mask has not the picture's size.
    #[error("region {region} of picture {picture} has {got} mask pixels, expected {expected}")]
    RegionSize {
        /// The picture's place in the list.
        picture: usize,
        /// The region's place in the picture.
        region: usize,
        /// Number of its mask pixels.
        got: usize,
        /// Number of the picture's pixels.
        expected: usize,
    },
    /// A region's mask marks nothing.
    #[error("region {region} of picture {picture} has no pixel")]
    EmptyRegion {
        /// The picture's place in the list.
        picture: usize,
        /// The region's place in the picture.
        region: usize,
    },
    /// A region is saturated at no pixel, or at more than the whole of it.
    #[error("region {region} of picture {picture} has an invalid saturation")]
    InvalidSaturation {
        /// The picture's place in the list.
        picture: usize,
        /// The region's place in the picture.
        region: usize,
    },
    /// A bootstrap was asked for without resamples.
    #[error("no resamples were asked for")]
    NoResamples,
    /// The metric has no value in some resamples, and an interval from the others would be too narrow.
    #[error("the metric has no value in {undefined} of {of} resamples")]
    UndefinedResamples {
        /// Number of resamples without a value.
        undefined: usize,
        /// Number of resamples.
        of: usize,
    },
    /// A variance needs two items of each class.
    #[error("a variance needs two items of each class, found {anomalous} anomalous and {normal} normal")]
    TooFew {
        /// Number of anomalous items.
        anomalous: u64,
        /// Number of normal items.
        normal: u64,
    },
    /// The estimated variance is zero: there is nothing to measure a difference by.
    #[error("the estimated variance is zero")]
    NoVariance,
    /// The models to fuse or to compare did not score the same pictures.
    #[error("model {model} has {got} values, expected {expected} as for model 0")]
    UnequalModels {
        /// The model's place in the list.
        model: usize,
        /// The length found: pictures, or pixels of the first picture that differs.
        got: usize,
        /// The length that model 0 has there.
        expected: usize,
    },
    /// A model gave every picture or pixel the same score: there is no range to scale by, and no order to compare.
    #[error("model {model} gave the same score everywhere")]
    Constant {
        /// The model's place in the list.
        model: usize,
    },
    /// The range of a model's scores overflows `f32`.
    #[error("the scores of model {model} span more than a 32-bit float can hold")]
    RangeTooWide {
        /// The model's place in the list.
        model: usize,
    },
}

/// Refuses a list in which one of the two classes is missing.
pub(crate) fn both_classes(n_anomalous: u64, n_normal: u64) -> Result<(), Undefined> {
    match (n_anomalous, n_normal) {
        (0, 0) => Err(Undefined::Empty),
        (0, _) => Err(Undefined::NoAnomalous),
        (_, 0) => Err(Undefined::NoNormal),
        _ => Ok(()),
    }
}

/// Refuses a confidence that is no probability strictly between 0 and 1, NaN included.
pub(crate) fn check_confidence(confidence: f64) -> Result<(), Undefined> {
    if confidence > 0.0 && confidence < 1.0 {
        Ok(())
    } else {
        Err(Undefined::InvalidConfidence { confidence })
    }
}

/// Refuses lists of different lengths and scores that are NaN or infinite.
pub(crate) fn check_list(scores: &[f32], labels: usize) -> Result<(), Undefined> {
    if scores.len() != labels {
        return Err(Undefined::LengthMismatch { scores: scores.len(), labels });
    }
    match scores.iter().position(|score| !score.is_finite()) {
        Some(index) => Err(Undefined::NotFinite { index }),
        None => Ok(()),
    }
}

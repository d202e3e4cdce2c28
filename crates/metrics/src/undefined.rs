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

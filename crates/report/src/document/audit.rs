//! What is odd about the training pictures.

use super::Thumbnail;
use serde::Serialize;

/// What a look at the training pictures found.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Audit {
    /// The pictures most unlike the rest, the most unlike first.
    pub unlike: Vec<Unlike>,
    /// How many training pictures were compared.
    pub pictures: usize,
    /// Pairs of training pictures that are nearly the same; none if nobody looked for them.
    pub duplicates: Option<Vec<Duplicate>>,
    /// Test pictures that are nearly the same as a training picture: they make a result look better than it is; none if
    /// nobody looked for them.
    pub leaks: Option<Vec<Duplicate>>,
}

/// A training picture judged by the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unlike {
    /// Its name.
    pub name: String,
    /// How unlike the others it is; higher is more unlike.
    pub score: f64,
    /// By how many usual deviations the score lies above the middle picture's, if that is known.
    pub deviations: Option<f64>,
    /// Its most unusual place, if it is known: `[x, y]` in shares of its width and height.
    pub at: Option<[f64; 2]>,
    /// The picture made small, if it is at hand.
    pub thumbnail: Option<Thumbnail>,
}

/// Two pictures that are the same, or nearly so.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Duplicate {
    /// One of them.
    pub picture: String,
    /// The training picture that it is like.
    pub like: String,
    /// Whether all pixels are the same.
    pub exact: bool,
}

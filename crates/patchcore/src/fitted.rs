//! What fitting found: all that a model file holds.

use crate::calibration::Calibration;
use crate::member::Member;
use patchcore_image::Intensity;
use serde::{Deserialize, Serialize};

/// Everything that fitting found, apart from the networks: what a model file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// One, or the several of an ensemble; the first one's geometry is that of the model's maps.
    pub members: Vec<Member>,
    /// What it was fitted on.
    pub training: Training,
    /// Thresholds from the good pictures alone; none if there were too few.
    pub calibration: Option<Calibration>,
}

/// What a model was fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Names of the pictures, by number.
    pub pictures: Vec<String>,
    /// Names of the pictures that could not be read and were left out.
    pub skipped: Vec<String>,
    /// Names of the pictures with values outside the intensity window.
    pub clipped: Vec<String>,
    /// What became of samples of other depths than 8 bits; the same for every picture that the model judges.
    pub intensity: Intensity,
    /// Version of the program that fitted.
    pub version: String,
}

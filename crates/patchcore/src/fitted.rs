//! What fitting found: all that a model file holds.

use crate::Params;
use crate::bank::MemoryBank;
use crate::calibration::Calibration;
use crate::filter::Filter;
use serde::{Deserialize, Serialize};

/// Everything that fitting found, apart from the network: what a model file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The parameters.
    pub params: Params,
    /// Fingerprint of the weights that the model was fitted with.
    pub fingerprint: String,
    /// The memory bank.
    pub bank: MemoryBank,
    /// What makes searching the bank fast; none if nothing does.
    pub filter: Option<Filter>,
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
    /// Patches of all pictures.
    pub patches: usize,
    /// Largest L2 distance from a training patch to the bank, where the sampler knows it, in the embeddings that chose.
    pub covering_radius: Option<f32>,
    /// Version of the program that fitted.
    pub version: String,
}

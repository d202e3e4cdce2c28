//! What a model is.

use serde::Serialize;

/// What a model is, for those who must answer for it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ModelCard {
    /// The model file, as it was named.
    pub file: Option<String>,
    /// The version of the program that fitted it.
    pub fitted_by: String,
    /// The version of the model file's form.
    pub file_format: u32,
    /// What becomes of the pictures' samples, such as an intensity window.
    pub intensity: String,
    /// Training pictures that the model was fitted on.
    pub training_pictures: usize,
    /// One, or the several of an ensemble.
    pub members: Vec<MemberCard>,
    /// What it is for, in a sentence.
    pub intended_use: String,
    /// What it is not for, in a sentence.
    pub limits: String,
}

/// One network with its memory bank.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct MemberCard {
    /// The network.
    pub backbone: String,
    /// The layers that patches are described by.
    pub layers: Vec<String>,
    /// The numbers in which the network computes.
    pub precision: String,
    /// Fingerprint of its weights.
    pub weights: String,
    /// Patches in the memory bank.
    pub bank_rows: usize,
    /// Values that describe a patch.
    pub embedding_dimension: usize,
    /// Patches of all training pictures; 0 if they are not known.
    pub patches: usize,
    /// The largest distance from a training patch to the memory bank, if it is known.
    pub covering_radius: Option<f32>,
    /// All parameters, as the model file holds them.
    pub parameters: serde_json::Value,
}

impl ModelCard {
    /// What every such model is for.
    pub const INTENDED_USE: &str = "It tells pictures that look like the good training pictures from pictures that do \
        not, for one product under one camera and lighting, and shows where they differ.";
    /// What no such model can do.
    pub const LIMITS: &str = "It measures difference, not harm: a harmless change of light, position or supplier raises \
        scores too, and a defect that looks normal at the network's resolution is not seen; its promise holds only while \
        new pictures come from the same process as the good ones.";
}

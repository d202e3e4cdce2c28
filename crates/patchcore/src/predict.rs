//! `predict`: a fitted model judges pictures.

use crate::anomaly_map::anomaly_map;
use crate::bank::MemoryBank;
use crate::calibration::{Calibration, Verdict};
use crate::embedding::PictureEmbeddings;
use crate::score::patch_scores;
use crate::search::nearest;
use crate::{Error, Params};
use patchcore_backbone::FeatureExtractor;
use patchcore_image::Picture;
use patchcore_tensor::{AnomalyMap, Tensor};
use rayon::prelude::*;
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
    /// Largest L2 distance from a training patch to the bank, where the sampler knows it.
    pub covering_radius: Option<f32>,
    /// Version of the program that fitted.
    pub version: String,
}

/// A fitted model and its network.
pub struct Model<E> {
    pub(crate) fitted: Fitted,
    pub(crate) extractor: E,
}

/// What a model says about one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The image score: higher is more anomalous, finite, in embedding units (squared for the original's rule).
    pub image_score: f32,
    /// One score per pixel of the network's input, `[h, w]`.
    pub anomaly_map: AnomalyMap,
    /// One score per patch, on the patch grid.
    pub patch_scores: AnomalyMap,
    /// The nearest bank row of each patch, row by row of the grid.
    pub nearest: Vec<u32>,
}

impl<E: FeatureExtractor> Model<E> {
    /// Joins what a model file held with its network.
    ///
    /// # Errors
    /// [`Error::OtherWeights`] if the network or its weights are not those that the model was fitted with.
    pub fn new(fitted: Fitted, extractor: E) -> Result<Self, Error> {
        if fitted.fingerprint != extractor.fingerprint() {
            return Err(Error::OtherWeights {
                backbone: fitted.params.backbone,
                fitted: fitted.fingerprint,
                given_backbone: extractor.name().to_string(),
                given: extractor.fingerprint().to_string(),
            });
        }
        Ok(Self { fitted, extractor })
    }

    /// What fitting found.
    pub fn fitted(&self) -> &Fitted {
        &self.fitted
    }

    /// Judges one picture.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a score is not a number, or a picture that the network does not take.
    pub fn predict(&self, picture: &Picture) -> Result<Prediction, Error> {
        let embedded = embed(&self.fitted.params, &self.extractor, std::slice::from_ref(picture))?;
        let embeddings = embedded.first().ok_or(Error::NoPictures)?;
        let [h, w] = self.fitted.params.preprocess.input_size(picture.width(), picture.height());
        score(&self.fitted.params, &self.fitted.bank, embeddings.rows.data(), embeddings.grid, [h, w], None)
    }

    /// Whether a score is a defect; `None` if the model has no threshold.
    pub fn verdict(&self, image_score: f32) -> Option<Verdict> {
        self.fitted.calibration.as_ref().map(|c| Verdict::of(image_score, c.image_threshold))
    }
}

/// Preprocesses, extracts and embeds pictures; those of one input size go through the network together.
pub(crate) fn embed<E: FeatureExtractor>(
    params: &Params,
    extractor: &E,
    pictures: &[Picture],
) -> Result<Vec<PictureEmbeddings>, Error> {
    let inputs: Vec<Tensor> = pictures.par_iter().map(|p| params.preprocess.apply(p)).collect();
    let mut out: Vec<Option<PictureEmbeddings>> = inputs.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..inputs.len()).collect();
    while let Some(&first) = left.first() {
        let (same, other): (Vec<usize>, Vec<usize>) =
            left.iter().partition(|&&i| inputs[i].shape() == inputs[first].shape());
        let batch: Vec<Tensor> = same.iter().map(|&i| inputs[i].clone()).collect();
        let Some(batch) = Tensor::stack(&batch) else { break };
        let embedded = params.embedding.embed(&extractor.features(&batch)?)?;
        for (i, embeddings) in same.into_iter().zip(embedded) {
            out[i] = Some(embeddings);
        }
        left = other;
    }
    Ok(out.into_iter().flatten().collect())
}

/// Scores the embeddings of one picture; `without` leaves out bank rows of that training picture.
pub(crate) fn score(
    params: &Params,
    bank: &MemoryBank,
    embeddings: &[f32],
    grid: [usize; 2],
    input: [usize; 2],
    without: Option<u32>,
) -> Result<Prediction, Error> {
    let neighbours = nearest(bank, embeddings, params.num_nn, without);
    let patches = patch_scores(&neighbours, grid, params.patch_distance)?;
    let image_score = params.image_score.score(&patches);
    if !image_score.is_finite() {
        return Err(Error::NotFinite);
    }
    let map = anomaly_map(&patches, input, params.map_sigma);
    let nearest = neighbours.index.iter().step_by(neighbours.k).copied().collect();
    Ok(Prediction { image_score, anomaly_map: map, patch_scores: patches, nearest })
}

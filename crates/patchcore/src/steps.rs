//! The two halves of the way: pictures to embeddings, embeddings to a prediction.

use crate::anomaly_map::anomaly_map_between;
use crate::embedding::PictureEmbeddings;
use crate::score::patch_scores;
use crate::search::Neighbours;
use crate::{Error, Params};
use patchcore_backbone::{FeatureExtractor, Precision};
use patchcore_image::Picture;
use patchcore_tensor::{AnomalyMap, Tensor};
use rayon::prelude::*;

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

/// Fails unless the network computes in this precision.
pub(crate) fn check_precision<E: FeatureExtractor>(precision: Precision, extractor: &E) -> Result<(), Error> {
    if precision == extractor.precision() {
        return Ok(());
    }
    let must = format!("{}, as the backbone was loaded", extractor.precision());
    Err(Error::Parameter { name: "precision", got: precision.to_string(), must })
}

/// Fails unless the network has the weights with this fingerprint, which were those of `backbone`.
pub(crate) fn check_weights<E: FeatureExtractor>(
    backbone: &str,
    fingerprint: &str,
    extractor: &E,
) -> Result<(), Error> {
    if fingerprint == extractor.fingerprint() {
        return Ok(());
    }
    Err(Error::OtherWeights {
        backbone: backbone.to_string(),
        fitted: fingerprint.to_string(),
        given_backbone: extractor.name().to_string(),
        given: extractor.fingerprint().to_string(),
    })
}

/// Preprocesses, extracts and embeds pictures; those of one input size go through the network together.
pub(crate) fn embed<E: FeatureExtractor>(
    params: &Params,
    extractor: &E,
    pictures: &[Picture],
) -> Result<Vec<PictureEmbeddings>, Error> {
    let sizes: Vec<[usize; 2]> =
        pictures.iter().map(|p| params.preprocess.input_size(p.width(), p.height())).collect();
    let mut out: Vec<Option<PictureEmbeddings>> = pictures.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..pictures.len()).collect();
    while let Some(&first) = left.first() {
        let (same, other): (Vec<usize>, Vec<usize>) = left.iter().partition(|&&i| sizes[i] == sizes[first]);
        let [h, w] = sizes[first];
        let mut batch = Tensor::zeros([same.len(), h, w, 3]);
        let inputs = batch.data_mut().par_chunks_exact_mut(h * w * 3);
        inputs.zip(&same).for_each(|(input, &i)| params.preprocess.apply_to(&pictures[i], input));
        let embedded = params.embedding.embed(&extractor.features(&batch)?)?;
        for (i, embeddings) in same.into_iter().zip(embedded) {
            out[i] = Some(embeddings);
        }
        left = other;
    }
    Ok(out.into_iter().flatten().collect())
}

/// Turns the neighbours of a picture's patches into its scores and its map.
pub(crate) fn judge(
    params: &Params,
    neighbours: &Neighbours,
    grid: [usize; 2],
    input: [usize; 2],
    between: &mut Vec<f32>,
) -> Result<Prediction, Error> {
    let patches = patch_scores(neighbours, grid, params.patch_distance)?;
    let image_score = params.image_score.score(&patches);
    if !image_score.is_finite() {
        return Err(Error::NotFinite);
    }
    let map = anomaly_map_between(&patches, input, params.map_sigma, between);
    let nearest = neighbours.index.iter().step_by(neighbours.k).copied().collect();
    Ok(Prediction { image_score, anomaly_map: map, patch_scores: patches, nearest })
}

//! The two halves of the way: pictures to embeddings, embeddings to a prediction.

use crate::bank::{MemoryBank, Stretch};
use crate::embedding::PictureEmbeddings;
use crate::score::patch_scores;
use crate::search::{NONE, Neighbours, Search};
use crate::{Error, Params};
use patchcore_backbone::{FeatureExtractor, Precision};
use patchcore_image::Picture;
use patchcore_kernels::distance::squared_l2;
use patchcore_kernels::isa::Isa;
use patchcore_tensor::{AnomalyMap, Tensor};
use rayon::prelude::*;

/// What a model says about one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The image score: higher is more anomalous, finite. In embedding units (squared for the original's rule); of an
    /// ensemble, in multiples of what a good patch usually scores.
    pub image_score: f32,
    /// One score per pixel of the first member's input, `[h, w]`.
    pub anomaly_map: AnomalyMap,
    /// What each member says about its patches.
    pub patches: Vec<PatchScores>,
}

/// What a member says about the patches of one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchScores {
    /// One score per patch, on the patch grid, in embedding units.
    pub scores: AnomalyMap,
    /// The nearest bank row of each patch, row by row of the grid.
    pub nearest: Vec<u32>,
}

/// What one member says about one picture, in its own units.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberPrediction {
    /// The image score: higher is more anomalous, finite, in embedding units (squared for the original's rule).
    pub image_score: f32,
    /// One score per pixel of the member's input, `[h, w]`.
    pub anomaly_map: AnomalyMap,
    /// The patches.
    pub patches: PatchScores,
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

/// What the neighbours were found in.
#[derive(Clone, Copy)]
pub(crate) struct Searched<'a> {
    pub(crate) bank: &'a MemoryBank,
    pub(crate) search: &'a Search,
    /// The pictures whose rows were left out.
    pub(crate) without: Option<Stretch>,
}

impl Searched<'_> {
    /// The `k` nearest rows of each query.
    pub(crate) fn nearest_into(&self, queries: &[f32], k: usize, found: &mut Neighbours) {
        self.search.nearest_into(self.bank, queries, k, self.without, found);
    }

    /// L2 distances from a patch to the rows around this row, itself included.
    fn support(&self, patch: &[f32], matched: u32, neighbours: usize) -> Vec<f64> {
        let row = |row: u32| self.bank.rows.row(row as usize);
        let mut around = Neighbours::default();
        self.nearest_into(row(matched), neighbours, &mut around);
        let found = around.index.into_iter().filter(|&index| index != NONE);
        found.map(|index| f64::from(squared_l2(Isa::best(), patch, row(index))).sqrt()).collect()
    }
}

/// Turns the neighbours of a picture's patches `rows` into patch scores and the image score.
pub(crate) fn score(
    params: &Params,
    searched: Searched,
    rows: &[f32],
    neighbours: &Neighbours,
    grid: [usize; 2],
) -> Result<(f32, PatchScores), Error> {
    let scores = patch_scores(neighbours, grid, params.patch_distance)?;
    let nearest: Vec<u32> = neighbours.index.iter().step_by(neighbours.k).copied().collect();
    let d = searched.bank.rows.dim();
    let support = |patch: usize, b| searched.support(&rows[patch * d..][..d], nearest[patch], b);
    let mut image_score = params.image_score.score(&scores, support);
    patchcore_faults::spoil("score", std::slice::from_mut(&mut image_score));
    if !image_score.is_finite() {
        return Err(Error::NotFinite);
    }
    Ok((image_score, PatchScores { scores, nearest }))
}

//! `predict`: a fitted model judges pictures.

use crate::Error;
use crate::calibration::Verdict;
use crate::embedding::PictureEmbeddings;
use crate::fitted::Fitted;
use crate::search::{Neighbours, Search};
use crate::steps::{Prediction, Searched, check_precision, check_weights, judge};
use crate::workspace::Workspace;
use patchcore_backbone::FeatureExtractor;
use patchcore_image::Picture;
use patchcore_tensor::Embeddings;
use std::sync::{Mutex, PoisonError};

/// A fitted model and its network.
pub struct Model<E> {
    pub(crate) fitted: Fitted,
    pub(crate) extractor: E,
    search: Search,
    /// Memory of earlier pictures.
    spaces: Mutex<Vec<Workspace>>,
}

impl<E: FeatureExtractor> Model<E> {
    /// Joins what a model file held with its network.
    ///
    /// # Errors
    /// [`Error::OtherWeights`] if the network or its weights are not those that the model was fitted with;
    /// [`Error::Parameter`] if it computes in another precision.
    pub fn new(fitted: Fitted, extractor: E) -> Result<Self, Error> {
        check_weights(&fitted.params.backbone, &fitted.fingerprint, &extractor)?;
        check_precision(fitted.params.precision, &extractor)?;
        let search = Search::new(&fitted.bank, fitted.filter.as_ref());
        Ok(Self::joined(fitted, search, extractor))
    }

    pub(crate) fn joined(fitted: Fitted, search: Search, extractor: E) -> Self {
        Self { fitted, extractor, search, spaces: Mutex::default() }
    }

    /// What fitting found.
    pub fn fitted(&self) -> &Fitted {
        &self.fitted
    }

    /// Judges one picture: [`preprocess`](Self::preprocess), [`features`](Self::features), [`embed`](Self::embed),
    /// [`search`](Self::search), [`judge`](Self::judge), one after the other.
    ///
    /// ```
    /// # use patchcore::{Params, PatchCore, Quiet, Workspace};
    /// # use patchcore_backbone::Backbone;
    /// # use patchcore_image::Picture;
    /// # let picture = Picture::from_rgb(32, 32, (0..32 * 32 * 3).map(|i| (i % 256) as u8).collect())?;
    /// # let good = vec![("a".to_string(), picture.clone()), ("b".to_string(), picture.clone())];
    /// # let model = PatchCore::load(Params::default(), Backbone::embedded()?)?.fit(&good, &Quiet)?;
    /// let mut space = Workspace::default();
    /// model.preprocess(&picture, &mut space);
    /// model.features(&mut space)?;
    /// model.embed(&mut space)?;
    /// model.search(&mut space)?;
    /// assert_eq!(model.judge(&mut space)?, model.predict(&picture)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a score is not a number, or a picture that the network does not take.
    pub fn predict(&self, picture: &Picture) -> Result<Prediction, Error> {
        let spaces = || self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut space = spaces().pop().unwrap_or_default();
        let prediction = self.predict_in(picture, &mut space);
        spaces().push(space);
        prediction
    }

    fn predict_in(&self, picture: &Picture, space: &mut Workspace) -> Result<Prediction, Error> {
        self.preprocess(picture, space);
        self.features(space)?;
        self.embed(space)?;
        self.search(space)?;
        self.judge(space)
    }

    /// The first step of [`predict`](Self::predict): resizes and normalises a picture to the network's input
    /// `[1, h, w, 3]`.
    pub fn preprocess(&self, picture: &Picture, space: &mut Workspace) {
        let preprocess = &self.fitted.params.preprocess;
        let [h, w] = preprocess.input_size(picture.width(), picture.height());
        space.input.reset([1, h, w, 3]);
        preprocess.apply_to(picture, space.input.data_mut());
    }

    /// The second step: the network. One feature map per tapped layer.
    ///
    /// # Errors
    /// A picture that the network does not take.
    pub fn features(&self, space: &mut Workspace) -> Result<(), Error> {
        Ok(self.extractor.features_into(&space.input, &mut space.maps)?)
    }

    /// The third step: pools the feature maps and joins them to embeddings.
    ///
    /// # Errors
    /// [`Error::NoPatch`] if a map is too small for a patch.
    ///
    /// # Panics
    /// If there is no map of a picture.
    pub fn embed(&self, space: &mut Workspace) -> Result<(), Error> {
        let Workspace { maps, join, embeddings, .. } = space;
        self.fitted.params.embedding.embed_into(maps, 0, join, embeddings)
    }

    /// The fourth step: finds each patch's nearest rows of the memory bank.
    ///
    /// # Errors
    /// [`Error::BankWidth`] if the embeddings are not as wide as the bank.
    pub fn search(&self, space: &mut Workspace) -> Result<(), Error> {
        let Workspace { embeddings: PictureEmbeddings { rows, .. }, neighbours, .. } = space;
        self.nearest_into(rows, self.fitted.params.num_nn, neighbours)
    }

    /// The `k` nearest rows of the memory bank for each of these embeddings, `k` cut to the bank's size.
    ///
    /// # Errors
    /// [`Error::BankWidth`] if the embeddings are not as wide as the bank.
    ///
    /// # Panics
    /// If `k` is 0.
    pub fn nearest(&self, queries: &Embeddings, k: usize) -> Result<Neighbours, Error> {
        let mut found = Neighbours::default();
        self.nearest_into(queries, k, &mut found)?;
        Ok(found)
    }

    fn nearest_into(&self, queries: &Embeddings, k: usize, found: &mut Neighbours) -> Result<(), Error> {
        let (embedding, bank) = (queries.dim(), self.fitted.bank.rows.dim());
        if embedding != bank {
            return Err(Error::BankWidth { embedding, bank });
        }
        self.searched().nearest_into(queries.data(), k, found);
        Ok(())
    }

    /// The last step: turns the neighbours of the patches into scores, and into a map of the input's size.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a score is not a number.
    pub fn judge(&self, space: &mut Workspace) -> Result<Prediction, Error> {
        let [_, h, w, _] = space.input.shape();
        let (params, PictureEmbeddings { grid, rows }) = (&self.fitted.params, &space.embeddings);
        judge(params, self.searched(), rows.data(), &space.neighbours, *grid, [h, w], &mut space.between)
    }

    fn searched(&self) -> Searched<'_> {
        Searched { bank: &self.fitted.bank, search: &self.search, without: None }
    }

    /// The network.
    pub fn extractor(&self) -> &E {
        &self.extractor
    }

    /// Whether a score is a defect; `None` if the model has no threshold.
    pub fn verdict(&self, image_score: f32) -> Option<Verdict> {
        self.fitted.calibration.as_ref().map(|c| Verdict::of(image_score, c.image_threshold))
    }
}

//! `predict`: a fitted model judges pictures.

use crate::Error;
use crate::calibration::Verdict;
use crate::embedding::PictureEmbeddings;
use crate::fitted::Fitted;
use crate::search::{Neighbours, nearest};
use crate::steps::{Prediction, check_precision, check_weights, judge};
use patchcore_backbone::FeatureExtractor;
use patchcore_image::Picture;
use patchcore_tensor::Tensor;

/// A fitted model and its network.
pub struct Model<E> {
    pub(crate) fitted: Fitted,
    pub(crate) extractor: E,
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
        Ok(Self { fitted, extractor })
    }

    /// What fitting found.
    pub fn fitted(&self) -> &Fitted {
        &self.fitted
    }

    /// Judges one picture: [`preprocess`](Self::preprocess), [`features`](Self::features), [`embed`](Self::embed),
    /// [`search`](Self::search), [`judge`](Self::judge), one after the other.
    ///
    /// ```
    /// # use patchcore::{Params, PatchCore, Quiet};
    /// # use patchcore_backbone::Backbone;
    /// # use patchcore_image::Picture;
    /// # let picture = Picture::from_rgb(32, 32, (0..32 * 32 * 3).map(|i| (i % 256) as u8).collect())?;
    /// # let good = vec![("a".to_string(), picture.clone()), ("b".to_string(), picture.clone())];
    /// # let model = PatchCore::load(Params::default(), Backbone::embedded()?)?.fit(&good, &Quiet)?;
    /// let input = model.preprocess(&picture);
    /// let embeddings = model.embed(&model.features(&input)?)?;
    /// let neighbours = model.search(&embeddings)?;
    /// let [_, h, w, _] = input.shape();
    /// assert_eq!(model.judge(&neighbours, embeddings.grid, [h, w])?, model.predict(&picture)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a score is not a number, or a picture that the network does not take.
    pub fn predict(&self, picture: &Picture) -> Result<Prediction, Error> {
        let input = self.preprocess(picture);
        let embeddings = self.embed(&self.features(&input)?)?;
        let neighbours = self.search(&embeddings)?;
        let [_, h, w, _] = input.shape();
        self.judge(&neighbours, embeddings.grid, [h, w])
    }

    /// The first step of [`predict`](Self::predict): resizes and normalises a picture to the network's input
    /// `[1, h, w, 3]`.
    pub fn preprocess(&self, picture: &Picture) -> Tensor {
        self.fitted.params.preprocess.apply(picture)
    }

    /// The second step: the network. One feature map per tapped layer.
    ///
    /// # Errors
    /// A picture that the network does not take.
    pub fn features(&self, input: &Tensor) -> Result<Vec<Tensor>, Error> {
        Ok(self.extractor.features(input)?)
    }

    /// The third step: pools the feature maps of one picture and joins them to embeddings.
    ///
    /// # Errors
    /// [`Error::NoPatch`] if a map is too small for a patch, [`Error::NoPictures`] if the maps are of no picture.
    ///
    /// # Panics
    /// If there is no map.
    pub fn embed(&self, maps: &[Tensor]) -> Result<PictureEmbeddings, Error> {
        self.fitted.params.embedding.embed(maps)?.into_iter().next().ok_or(Error::NoPictures)
    }

    /// The fourth step: finds each patch's nearest rows of the memory bank.
    ///
    /// # Errors
    /// [`Error::BankWidth`] if the embeddings are not as wide as the bank.
    pub fn search(&self, embeddings: &PictureEmbeddings) -> Result<Neighbours, Error> {
        let (embedding, bank) = (embeddings.rows.dim(), self.fitted.bank.rows.dim());
        if embedding != bank {
            return Err(Error::BankWidth { embedding, bank });
        }
        Ok(nearest(&self.fitted.bank, embeddings.rows.data(), self.fitted.params.num_nn, None))
    }

    /// The last step: turns the neighbours of the patches on `grid` `[h, w]` into scores, and into a map of the
    /// network's `input` size `[h, w]`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a score is not a number, or there are not as many neighbours as patches on the grid.
    pub fn judge(
        &self,
        neighbours: &Neighbours,
        grid: [usize; 2],
        input: [usize; 2],
    ) -> Result<Prediction, Error> {
        judge(&self.fitted.params, neighbours, grid, input)
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

//! `predict`: a fitted model judges pictures.

use crate::Error;
use crate::calibration::Verdict;
use crate::fitted::Fitted;
use crate::steps::{Prediction, check_precision, embed, score};
use patchcore_backbone::FeatureExtractor;
use patchcore_image::Picture;

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
        if fitted.fingerprint != extractor.fingerprint() {
            return Err(Error::OtherWeights {
                backbone: fitted.params.backbone,
                fitted: fitted.fingerprint,
                given_backbone: extractor.name().to_string(),
                given: extractor.fingerprint().to_string(),
            });
        }
        check_precision(&fitted.params, &extractor)?;
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
        let (embedding, bank) = (embeddings.rows.dim(), self.fitted.bank.rows.dim());
        if embedding != bank {
            return Err(Error::BankWidth { embedding, bank });
        }
        let [h, w] = self.fitted.params.preprocess.input_size(picture.width(), picture.height());
        score(&self.fitted.params, &self.fitted.bank, embeddings.rows.data(), embeddings.grid, [h, w], None)
    }

    /// Whether a score is a defect; `None` if the model has no threshold.
    pub fn verdict(&self, image_score: f32) -> Option<Verdict> {
        self.fitted.calibration.as_ref().map(|c| Verdict::of(image_score, c.image_threshold))
    }
}

//! `predict`: a fitted model judges pictures.

use crate::ahead::read_ahead;
use crate::audit::Audit;
use crate::calibration::{Calibration, Rates};
use crate::fitted::Fitted;
use crate::fusion::{HeldOut, fuse};
use crate::held_out::HeldOutBy;
use crate::member::{Member, check_together};
use crate::search::{Neighbours, Search};
use crate::steps::{MemberPrediction, Prediction, Searched, check_precision, check_weights, score};
use crate::verdict::Verdict;
use crate::workspace::Workspace;
use crate::{Error, Params, Pictures, Progress, Stage};
use crate::{anomaly_map::anomaly_map_between, embedding::PictureEmbeddings};
use patchcore_backbone::FeatureExtractor;
use patchcore_image::{Fingerprint, Picture};
use patchcore_tensor::Embeddings;
use std::sync::{Mutex, PoisonError};

/// A fitted model and its networks.
pub struct Model<E> {
    fitted: Fitted,
    /// One for each member.
    engines: Vec<Engine<E>>,
    /// Memory of earlier pictures, one space for each member.
    spaces: Mutex<Vec<Vec<Workspace>>>,
    audit: Option<Audit>,
}

/// What a member needs at work.
pub(crate) struct Engine<E> {
    pub(crate) extractor: E,
    pub(crate) search: Search,
}

impl<E: FeatureExtractor> Model<E> {
    /// Joins what a model file held with its networks, one for each member.
    ///
    /// # Errors
    /// [`Error::OtherWeights`] if a network or its weights are not those that the member was fitted with;
    /// [`Error::Parameter`] if it computes in another precision, or there are more or fewer networks than members.
    pub fn new(fitted: Fitted, extractors: Vec<E>) -> Result<Self, Error> {
        if extractors.len() != fitted.members.len() {
            let (got, must) = (extractors.len().to_string(), format!("{}", fitted.members.len()));
            return Err(Error::Parameter { name: "the number of networks", got, must });
        }
        check_together(fitted.members.iter().map(|member| &member.params))?;
        for (member, extractor) in fitted.members.iter().zip(&extractors) {
            check_weights(&member.params.backbone, &member.fingerprint, extractor)?;
            check_precision(member.params.precision, extractor)?;
        }
        let engine = |(member, extractor): (&Member, E)| Engine {
            extractor,
            search: Search::new(&member.bank, member.filter.as_ref()),
        };
        let engines = fitted.members.iter().zip(extractors).map(engine).collect();
        Ok(Self::joined(fitted, engines))
    }

    pub(crate) fn joined(fitted: Fitted, engines: Vec<Engine<E>>) -> Self {
        Self { fitted, engines, spaces: Mutex::default(), audit: None }
    }

    pub(crate) fn audited(self, audit: Audit) -> Self {
        Self { audit: Some(audit), ..self }
    }

    /// What fitting noticed about the training pictures; a model file does not hold it.
    pub fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    /// What fitting found.
    pub fn fitted(&self) -> &Fitted {
        &self.fitted
    }

    /// Judges one picture: [every member](Self::predict_members), then all of them together.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a score is not a number, [`Error::NoScales`] for an ensemble that was never calibrated, or
    /// a picture that a network does not take.
    pub fn predict(&self, picture: &Picture) -> Result<Prediction, Error> {
        self.fuse(self.predict_members(picture)?)
    }

    /// What each member says about one picture, in its own units.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a score is not a number, or a picture that a network does not take.
    pub fn predict_members(&self, picture: &Picture) -> Result<Vec<MemberPrediction>, Error> {
        let lock = || self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spaces = lock().pop().unwrap_or_default();
        spaces.resize_with(self.engines.len(), Workspace::default);
        let predictions = self.members().zip(&mut spaces).map(|(steps, space)| steps.all(picture, space));
        let predictions = predictions.collect();
        lock().push(spaces);
        predictions
    }

    /// The members' words on one picture as one: each divided by its scale from good pictures, and the mean of that. A
    /// single member's stays as it is.
    ///
    /// # Errors
    /// [`Error::NoScales`] for an ensemble that was never calibrated.
    pub fn fuse(&self, members: Vec<MemberPrediction>) -> Result<Prediction, Error> {
        let scales = match &self.fitted.calibration {
            Some(calibration) => &calibration.scales[..],
            None if members.len() == 1 => &[1.0],
            None => return Err(Error::NoScales),
        };
        fuse(members, scales).ok_or(Error::NotFinite)
    }

    /// Takes thresholds, and an ensemble's scales, from good pictures that the model was not fitted on: one calibrated by
    /// pictures that it knows would call too much a defect.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless [`Rates`] are within their range; [`Error::NoPictures`]; [`Error::BadPictures`] with all
    /// that cannot be read; [`Error::NotNew`] with all that the model was fitted on; otherwise as
    /// [`predict_members`](Self::predict_members).
    pub fn calibrate(
        &mut self,
        pictures: &dyn Pictures,
        rates: Rates,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        rates.check()?;
        let (own, given) = (self.fitted.training.intensity, pictures.intensity());
        if own != given {
            let (got, must) = (given.to_string(), format!("{own}, as the model's"));
            return Err(Error::Parameter { name: "the pictures' intensity", got, must });
        }
        let total = pictures.count();
        if total == 0 {
            return Err(Error::NoPictures);
        }
        progress.begin(Stage::Calibrate, total);
        let mut held_out: Vec<Vec<HeldOut>> = self.engines.iter().map(|_| Vec::new()).collect();
        let (mut bad, mut leaks) = (Vec::new(), Vec::new());
        let known = self.fitted.training.known();
        let load = |i| pictures.load(i).map(|picture| (Fingerprint::of(&picture), picture));
        read_ahead(total, load, |numbers, loaded| {
            for (i, picture) in numbers.clone().zip(loaded) {
                let leak = |(fingerprint, _): &(_, _)| known.leak(&pictures.name(i), fingerprint);
                leaks.extend(picture.as_ref().ok().and_then(leak));
                match picture {
                    Ok((_, picture)) if bad.is_empty() && leaks.is_empty() => {
                        for (all, member) in held_out.iter_mut().zip(self.predict_members(&picture)?) {
                            let MemberPrediction { image_score, anomaly_map, patches } = member;
                            let input = [anomaly_map.height(), anomaly_map.width()];
                            all.push(HeldOut { image_score, patch_scores: patches.scores, input });
                        }
                    }
                    Ok(_) => {}
                    Err(error) => bad.push((error.to_string(), error.kind())),
                }
            }
            progress.advance(numbers.len());
            Ok::<(), Error>(())
        })?;
        progress.end();
        if !bad.is_empty() {
            return Err(Error::bad_pictures(bad, total));
        }
        if !leaks.is_empty() {
            return Err(Error::NotNew { leaks, total });
        }
        let params: Vec<&Params> = self.fitted.members.iter().map(|member| &member.params).collect();
        self.fitted.calibration = Calibration::from_held_out(&params, &held_out, rates, HeldOutBy::New)?;
        Ok(())
    }

    /// The steps of each member's way.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Steps<'_, E>> {
        self.fitted.members.iter().zip(&self.engines).map(|(member, engine)| Steps { member, engine })
    }

    /// What a score means; `None` if the model has no threshold.
    pub fn verdict(&self, image_score: f32) -> Option<Verdict> {
        self.fitted.calibration.as_ref().map(|c| Verdict::of(image_score, c.thresholds()))
    }
}

/// The steps of a picture through one member: [`preprocess`](Self::preprocess), [`features`](Self::features),
/// [`embed`](Self::embed), [`search`](Self::search), [`judge`](Self::judge), one after the other.
///
/// ```
/// # use patchcore::{Params, PatchCore, Quiet, Workspace};
/// # use patchcore_backbone::Backbone;
/// # use patchcore_image::Picture;
/// # let picture = Picture::from_rgb(32, 32, (0..32 * 32 * 3).map(|i| (i % 256) as u8).collect())?;
/// # let good = vec![("a".to_string(), picture.clone()), ("b".to_string(), picture.clone())];
/// # let model = PatchCore::load(Params::default(), Backbone::embedded()?)?.fit(&good, &Quiet)?;
/// let (steps, mut space) = (model.members().next().unwrap(), Workspace::default());
/// steps.preprocess(&picture, &mut space);
/// steps.features(&mut space)?;
/// steps.embed(&mut space)?;
/// steps.search(&mut space)?;
/// assert_eq!(steps.judge(&mut space)?, model.predict_members(&picture)?[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Steps<'a, E> {
    member: &'a Member,
    engine: &'a Engine<E>,
}

impl<'a, E: FeatureExtractor> Steps<'a, E> {
    /// The parameters and the memory bank.
    pub fn member(&self) -> &'a Member {
        self.member
    }

    /// The network.
    pub fn extractor(&self) -> &'a E {
        &self.engine.extractor
    }

    fn all(&self, picture: &Picture, space: &mut Workspace) -> Result<MemberPrediction, Error> {
        self.preprocess(picture, space);
        self.features(space)?;
        self.embed(space)?;
        self.search(space)?;
        self.judge(space)
    }

    /// The first step: resizes and normalises a picture to the network's input `[1, h, w, 3]`.
    pub fn preprocess(&self, picture: &Picture, space: &mut Workspace) {
        let preprocess = &self.member.params.preprocess;
        let [h, w] = preprocess.input_size(picture.width(), picture.height());
        space.input.reset([1, h, w, 3]);
        preprocess.apply_to(picture, space.input.data_mut());
    }

    /// The second step: the network. One feature map per tapped layer.
    ///
    /// # Errors
    /// A picture that the network does not take.
    pub fn features(&self, space: &mut Workspace) -> Result<(), Error> {
        Ok(self.engine.extractor.features_into(&space.input, &mut space.maps)?)
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
        self.member.params.embedding.embed_into(maps, 0, join, embeddings)
    }

    /// The fourth step: finds each patch's nearest rows of the memory bank.
    ///
    /// # Errors
    /// [`Error::BankWidth`] if the embeddings are not as wide as the bank.
    pub fn search(&self, space: &mut Workspace) -> Result<(), Error> {
        let Workspace { embeddings: PictureEmbeddings { rows, .. }, neighbours, .. } = space;
        self.nearest_into(rows, self.member.params.num_nn, neighbours)
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
        let (embedding, bank) = (queries.dim(), self.member.bank.rows.dim());
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
    pub fn judge(&self, space: &mut Workspace) -> Result<MemberPrediction, Error> {
        let [_, h, w, _] = space.input.shape();
        let (params, PictureEmbeddings { grid, rows }) = (&self.member.params, &space.embeddings);
        let (image_score, patches) = score(params, self.searched(), rows.data(), &space.neighbours, *grid)?;
        let Params { map_sigma, map_style, .. } = self.member.params;
        let anomaly_map =
            anomaly_map_between(&patches.scores, [h, w], map_sigma, map_style, &mut space.between);
        if !anomaly_map.is_finite() {
            return Err(Error::NotFinite);
        }
        Ok(MemberPrediction { image_score, anomaly_map, patches })
    }

    fn searched(&self) -> Searched<'_> {
        Searched { bank: &self.member.bank, search: &self.engine.search, without: None }
    }
}

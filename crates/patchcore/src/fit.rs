//! `fit`: good pictures become a model.

use crate::ahead::read_ahead;
use crate::calibration::{Calibration, FALSE_ALARM_RATE};
use crate::fitted::{Fitted, Training};
use crate::predict::Model;
use crate::search::{Search, choose};
use crate::steps::{check_precision, check_weights, embed};
use crate::training_patches::TrainingPatches;
use crate::{Error, Expected, Features, Params, PictureFault, Pictures, Progress, Stage, peak_memory};
use patchcore_backbone::{FeatureExtractor, Precision};
use patchcore_image::{ErrorKind, Picture};

/// What `fit` does about a picture that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBadPicture {
    /// Reads on to find all of them, then fails with the list.
    #[default]
    Fail,
    /// Fits on the others and remembers which were left out.
    Skip,
}

/// A configuration and its network, not fitted yet: it can only be fitted.
pub struct PatchCore<E> {
    params: Params,
    extractor: E,
    /// The same network in another precision, whose embeddings choose the memory bank.
    chooser: Option<E>,
    on_bad_picture: OnBadPicture,
    false_alarm_rate: f64,
    max_memory: Option<u64>,
}

impl<E: FeatureExtractor> PatchCore<E> {
    /// Joins parameters and network.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a parameter is outside its range, or the parameters name another network or other layers
    /// than the extractor has.
    pub fn load(params: Params, extractor: E) -> Result<Self, Error> {
        params.check()?;
        check_network(&params, params.precision, &extractor)?;
        Ok(Self {
            params,
            extractor,
            chooser: None,
            on_bad_picture: OnBadPicture::default(),
            false_alarm_rate: FALSE_ALARM_RATE,
            max_memory: None,
        })
    }

    /// Chooses the memory bank by the embeddings of `chooser`, the same network with the same weights in
    /// [the precision for that](patchcore_backbone::Precision::choosing). Rows and scores stay the own network's. Costs a
    /// second pass over the pictures.
    ///
    /// # Errors
    /// [`Error::OtherWeights`] if it is another network, [`Error::Parameter`] if it has another precision or taps other
    /// layers.
    pub fn choose_by(mut self, chooser: E) -> Result<Self, Error> {
        check_network(&self.params, self.params.precision.choosing(), &chooser)?;
        check_weights(self.extractor.name(), self.extractor.fingerprint(), &chooser)?;
        self.chooser = Some(chooser);
        Ok(self)
    }

    /// Says what to do about a picture that cannot be read.
    #[must_use]
    pub fn on_bad_picture(mut self, choice: OnBadPicture) -> Self {
        self.on_bad_picture = choice;
        self
    }

    /// Asks for a false-alarm rate of the thresholds, [`FALSE_ALARM_RATE`] by default.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless it is above 0 and below 1.
    pub fn false_alarm_rate(mut self, rate: f64) -> Result<Self, Error> {
        if !(rate > 0.0 && rate < 1.0) {
            let (name, must) = ("false_alarm_rate", "above 0 and below 1".to_string());
            return Err(Error::Parameter { name, got: rate.to_string(), must });
        }
        self.false_alarm_rate = rate;
        Ok(self)
    }

    /// Refuses to fit if that is [expected](Expected) to hold more bytes than this.
    #[must_use]
    pub fn max_memory(mut self, bytes: Option<u64>) -> Self {
        self.max_memory = bytes;
        self
    }

    /// Extracts, embeds, selects, calibrates.
    ///
    /// The embeddings of all patches are held once; the memory bank is a copy of the chosen ones.
    ///
    /// # Errors
    /// [`Error::NoPictures`], [`Error::BadPictures`] with all of them, a bank size that does not fit, or a picture that
    /// the network does not take; [`Error::Memory`] if it would take more than allowed; [`Error::PicturesChanged`] if there is a second pass and it does not find the same.
    pub fn fit(self, pictures: &dyn Pictures, progress: &dyn Progress) -> Result<Model<E>, Error> {
        let select = |all: &TrainingPatches| self.params.sampler.select(&*all.rows, progress);
        let mut chosen = None;
        if let Some(chooser) = &self.chooser {
            let mut seen = self.embed_all(chooser, pictures, progress)?;
            let coreset = select(&seen)?;
            // Gone before the own embeddings come: they are the largest thing in memory.
            seen.rows = Features::default();
            chosen = Some((coreset, seen));
        }
        let all = self.embed_all(&self.extractor, pictures, progress)?;
        let coreset = match chosen {
            None => select(&all)?,
            Some((coreset, seen)) if seen.names == all.names && seen.pictures == all.pictures => coreset,
            Some(_) => return Err(Error::PicturesChanged),
        };
        let bank = all.bank(&coreset.indices);
        let training = Training {
            pictures: all.names.clone(),
            skipped: all.skipped.clone(),
            patches: all.rows.len(),
            covering_radius: coreset.covering_radius,
            version: env!("CARGO_PKG_VERSION").to_string(),
        };
        let filter = choose(&bank, &all.sample(), self.params.num_nn);
        let search = Search::new(&bank, filter.as_ref());
        let rate = self.false_alarm_rate;
        let calibration = Calibration::leave_one_out(&self.params, &bank, &search, &all, rate, progress)?;
        let fingerprint = self.extractor.fingerprint().to_string();
        let fitted = Fitted { params: self.params, fingerprint, bank, filter, training, calibration };
        Ok(Model::joined(fitted, search, self.extractor))
    }

    /// The embeddings of all patches, picture by picture in raster order: what the coreset is chosen from, `[n, d]`.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn embeddings(&self, pictures: &dyn Pictures, progress: &dyn Progress) -> Result<Features, Error> {
        Ok(self.embed_all(self.chooser.as_ref().unwrap_or(&self.extractor), pictures, progress)?.rows)
    }

    /// Tells what so many patches will take, and fails if that is too much.
    fn expect(&self, patches: usize, dim: usize, progress: &dyn Progress) -> Result<(), Error> {
        let expected = Expected::of(&self.params, patches, dim, peak_memory().unwrap_or(0));
        progress.expects(&expected);
        expected.check(&self.params, self.max_memory)
    }

    fn embed_all(
        &self,
        extractor: &E,
        pictures: &dyn Pictures,
        progress: &dyn Progress,
    ) -> Result<TrainingPatches, Error> {
        let total = pictures.count();
        if total == 0 {
            return Err(Error::NoPictures);
        }
        progress.begin(Stage::Embed, total);
        let mut all = TrainingPatches::default();
        let mut bad: Vec<(String, ErrorKind)> = Vec::new();
        read_ahead(
            total,
            |i| pictures.load(i),
            |numbers, loaded| {
                let mut good: Vec<Picture> = Vec::new();
                for (i, result) in numbers.clone().zip(loaded) {
                    match result {
                        Ok(picture) => {
                            good.push(picture);
                            all.names.push(pictures.name(i));
                        }
                        Err(error) => {
                            all.skipped.push(pictures.name(i));
                            bad.push((error.to_string(), error.kind()));
                        }
                    }
                }
                // After a bad picture only reading goes on, to name all bad ones at once.
                if bad.is_empty() || self.on_bad_picture == OnBadPicture::Skip {
                    let names = all.names[all.pictures.len()..].to_vec();
                    for (picture, name) in embed(&self.params, extractor, &good)?.iter().zip(names) {
                        if all.rows.is_empty() {
                            self.expect(picture.rows.len() * total, picture.rows.dim(), progress)?;
                        }
                        if !picture.rows.data().iter().all(|v| v.is_finite()) {
                            return Err(Error::NotFiniteFeatures { picture: name });
                        }
                        all.push(picture, self.params.feature_precision, total)?;
                    }
                }
                progress.advance(numbers.len());
                Ok(())
            },
        )?;
        progress.end();
        let nothing_left = all.names.is_empty();
        if !bad.is_empty() && (nothing_left || self.on_bad_picture == OnBadPicture::Fail) {
            return Err(bad_pictures(bad, total));
        }
        Ok(all)
    }
}

/// Fails unless the extractor is the network that the parameters name, with the layers that they tap, in this precision.
fn check_network<E: FeatureExtractor>(
    params: &Params,
    precision: Precision,
    extractor: &E,
) -> Result<(), Error> {
    if params.backbone != extractor.name() || params.layers != extractor.layers() {
        return Err(Error::Parameter {
            name: "backbone",
            got: format!("{} {}", params.backbone, params.layers.join(" ")),
            must: format!("{} {}, as loaded", extractor.name(), extractor.layers().join(" ")),
        });
    }
    check_precision(precision, extractor)
}

fn bad_pictures(bad: Vec<(String, ErrorKind)>, total: usize) -> Error {
    let all = |kind: ErrorKind| bad.iter().all(|(_, k)| *k == kind);
    let kind = if all(ErrorKind::Io) {
        PictureFault::Io
    } else if all(ErrorKind::Limit) {
        PictureFault::Limit
    } else {
        PictureFault::Content
    };
    Error::BadPictures { bad: bad.into_iter().map(|(text, _)| text).collect(), total, kind }
}

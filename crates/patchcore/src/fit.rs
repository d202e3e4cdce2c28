//! `fit`: good pictures become a model.

use crate::ahead::{read_ahead_by, usual_chunk};
use crate::audit::{Audit, Audited, Outliers};
use crate::calibration::{Calibration, Rates};
use crate::coreset::Coreset;
use crate::embedding::PictureEmbeddings;
use crate::extent::Extent;
use crate::fitted::{Fitted, Training};
use crate::held_out::{HeldOutBy, held_out};
use crate::member::{Member, check_together};
use crate::memory::MemberPatches;
use crate::pictures::Selected;
use crate::predict::{Engine, Model};
use crate::search::{Search, choose};
use crate::steps::{check_precision, check_weights, embed};
use crate::training_patches::{TrainingPatches, TrainingPicture};
use crate::{Error, Expected, Features, Params, Pictures, Progress, Stage, peak_memory};
use patchcore_backbone::{FeatureExtractor, Precision};
use patchcore_image::{ErrorKind, Fingerprint, Picture};
use std::collections::BTreeSet;

/// What `fit` does about a picture that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBadPicture {
    /// Reads on to find all of them, then fails with the list.
    #[default]
    Fail,
    /// Fits on the others and remembers which were left out.
    Skip,
}

/// A configuration with its networks, not fitted yet: it can only be fitted.
pub struct PatchCore<E> {
    members: Vec<Unfitted<E>>,
    on_bad_picture: OnBadPicture,
    rates: Rates,
    held_out: HeldOutBy,
    max_memory: Option<u64>,
    /// Pictures that go through the network together, if it was said.
    batch: Option<usize>,
    left_out: Vec<String>,
    outliers: Option<Outliers>,
}

/// A member to be.
struct Unfitted<E> {
    params: Params,
    extractor: E,
    /// The same network in another precision, whose embeddings choose the memory bank.
    chooser: Option<E>,
}

impl<E: FeatureExtractor> PatchCore<E> {
    /// Joins parameters and network: the model's first member, and its only one unless [`with`](Self::with) adds more.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a parameter is outside its range, or the parameters name another network or other layers
    /// than the extractor has.
    pub fn load(params: Params, extractor: E) -> Result<Self, Error> {
        let none = Self {
            members: Vec::new(),
            on_bad_picture: OnBadPicture::default(),
            rates: Rates::default(),
            held_out: HeldOutBy::Picture,
            max_memory: None,
            batch: None,
            left_out: Vec::new(),
            outliers: None,
        };
        none.with(params, extractor)
    }

    /// Adds a member, which makes the model an ensemble: all members see the same pictures, and their scores become one.
    ///
    /// # Errors
    /// As [`load`](Self::load); [`Error::Parameter`] if its maps show another part of the picture than the first member's.
    pub fn with(mut self, params: Params, extractor: E) -> Result<Self, Error> {
        params.check()?;
        check_network(&params, params.precision, &extractor)?;
        self.members.push(Unfitted { params, extractor, chooser: None });
        check_together(self.members.iter().map(|member| &member.params))?;
        Ok(self)
    }

    /// Chooses the memory bank of the member added last by the embeddings of `chooser`, the same network with the same
    /// weights in [the precision for that](patchcore_backbone::Precision::choosing). Rows and scores stay the own
    /// network's. Costs a second pass over the pictures.
    ///
    /// # Errors
    /// [`Error::OtherWeights`] if it is another network, [`Error::Parameter`] if it has another precision or taps other
    /// layers.
    pub fn choose_by(mut self, chooser: E) -> Result<Self, Error> {
        if let Some(member) = self.members.last_mut() {
            check_network(&member.params, member.params.precision.choosing(), &chooser)?;
            check_weights(member.extractor.name(), member.extractor.fingerprint(), &chooser)?;
            member.chooser = Some(chooser);
        }
        Ok(self)
    }

    /// Says what to do about a picture that cannot be read.
    #[must_use]
    pub fn on_bad_picture(mut self, choice: OnBadPicture) -> Self {
        self.on_bad_picture = choice;
        self
    }

    /// Asks for these rates of the thresholds.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless both are above 0 and below 1, and the review rate is the larger one or equal.
    pub fn rates(mut self, rates: Rates) -> Result<Self, Error> {
        rates.check()?;
        self.rates = rates;
        Ok(self)
    }

    /// Leaves out stretches of so many training pictures for the thresholds, instead of single ones.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless there are at least two folds.
    pub fn folds(mut self, folds: usize) -> Result<Self, Error> {
        if folds < 2 {
            let (got, must) = (folds.to_string(), "2 or more".to_string());
            return Err(Error::Parameter { name: "folds", got, must });
        }
        self.held_out = HeldOutBy::Folds(folds);
        Ok(self)
    }

    /// Refuses to fit if that is [expected](Expected) to hold more bytes than this. Without it, what the machine has free
    /// is the limit; those of the process and its control group [always](crate::Left) are.
    #[must_use]
    pub fn max_memory(mut self, bytes: Option<u64>) -> Self {
        self.max_memory = bytes;
        self
    }

    /// So many pictures go through the network together, at least 1: as many as there are threads and at least four, unless
    /// told. Changes the memory that it takes, and no bit of the model.
    #[must_use]
    pub fn batch(mut self, pictures: usize) -> Self {
        self.batch = Some(pictures.max(1));
        self
    }

    /// Leaves out the pictures with these names.
    #[must_use]
    pub fn leave_out(mut self, names: Vec<String>) -> Self {
        self.left_out = names;
        self
    }

    /// Leaves out the pictures that the [`Audit`] finds most unlike the others, and embeds the others anew. The thresholds
    /// then speak of pictures like those that were kept.
    #[must_use]
    pub fn drop_outliers(mut self, outliers: Option<Outliers>) -> Self {
        self.outliers = outliers;
        self
    }

    /// Extracts, embeds, audits, selects, calibrates.
    ///
    /// A picture is decoded once for all members. The embeddings of all patches are held once; the memory bank is a copy
    /// of the chosen ones.
    ///
    /// # Errors
    /// [`Error::NoPictures`], [`Error::NotAmongPictures`] for names to leave out that there are not,
    /// [`Error::BadPictures`] with all of them, a bank size that does not fit, or a picture that
    /// the network does not take; [`Error::Memory`] if it would take more than allowed; [`Error::PicturesChanged`] if
    /// there is a second pass and it does not find the same.
    pub fn fit(self, pictures: &dyn Pictures, progress: &dyn Progress) -> Result<Model<E>, Error> {
        let pictures = Selected::without(pictures, &self.left_out)?;
        let own: Vec<Network<'_, E>> =
            self.members.iter().map(|member| (&member.params, &member.extractor)).collect();
        let choosers: Vec<Network<'_, E>> = (self.members.iter())
            .filter_map(|member| Some((&member.params, member.chooser.as_ref()?)))
            .collect();
        let first = if choosers.is_empty() { &own } else { &choosers };
        let Look { seen, pictures, audit } = self.look(first, pictures, progress)?;
        let (all, chosen) = if choosers.is_empty() {
            (seen, self.members.iter().map(|_| None).collect())
        } else {
            let chosen = self.choose_first(seen, progress)?;
            (self.embed_all(&own, &pictures, progress)?, chosen)
        };
        let (mut members, mut searches) = (Vec::new(), Vec::new());
        for ((member, patches), chosen) in self.members.iter().zip(&all.members).zip(chosen) {
            let params = member.params.clone();
            let coreset = match chosen {
                None => params.sampler.select(&*patches.rows, progress)?,
                Some(chosen) if chosen.names == all.names && chosen.pictures == patches.pictures => {
                    chosen.coreset
                }
                Some(_) => return Err(Error::PicturesChanged),
            };
            let bank = patches.bank(&coreset.indices);
            let filter = choose(&bank, &patches.sample(), params.num_nn);
            searches.push(Search::new(&bank, filter.as_ref()));
            members.push(Member {
                params,
                fingerprint: member.extractor.fingerprint().to_string(),
                bank,
                filter,
                patches: patches.rows.len(),
                covering_radius: coreset.covering_radius,
            });
        }
        let calibration = self.calibrate(&members, &searches, &all, progress)?;
        let training = Training {
            pictures: all.names,
            skipped: all.skipped,
            clipped: all.clipped,
            intensity: pictures.intensity(),
            dropped: audit.dropped.clone(),
            extent: all.extent,
            version: env!("CARGO_PKG_VERSION").to_string(),
            fingerprints: all.fingerprints,
        };
        let engines = self.members.into_iter().zip(searches);
        let engines = engines.map(|(member, search)| Engine { extractor: member.extractor, search });
        Ok(Model::joined(Fitted { members, training, calibration }, engines.collect()).audited(audit))
    }

    /// The first look at all pictures: embeds and audits them, and embeds them anew where outliers are to be dropped.
    fn look<'a>(
        &self,
        networks: &[Network<'_, E>],
        pictures: Selected<'a>,
        progress: &dyn Progress,
    ) -> Result<Look<'a>, Error> {
        let mut seen = self.embed_all(networks, &pictures, progress)?;
        progress.begin(Stage::Audit, seen.names.len() * networks.len());
        let audited = Audited { names: &seen.names, sizes: &seen.sizes, fingerprints: &seen.fingerprints };
        let members: Vec<_> =
            networks.iter().zip(&seen.members).map(|((params, _), patches)| (*params, patches)).collect();
        let (mut audit, order) = Audit::of(&audited, &members, progress);
        progress.end();
        audit.dropped.clone_from(&self.left_out);
        let count = self.outliers.map_or(Ok(0), |outliers| outliers.of(seen.names.len()))?;
        if count == 0 {
            return Ok(Look { seen, pictures, audit });
        }
        audit.dropped.extend(order.iter().take(count).map(|&i| seen.names[i].clone()));
        let numbers: BTreeSet<usize> = order.iter().take(count).map(|&i| seen.numbers[i]).collect();
        // The rows go here: they are the largest thing in memory, and those of the pictures that are kept are to come.
        seen.members = Vec::new();
        let pictures = pictures.without_numbers(&numbers);
        let seen = self.embed_all(networks, &pictures, progress)?;
        Ok(Look { seen, pictures, audit })
    }

    /// What the members' choosers choose of what they saw.
    fn choose_first(&self, seen: Seen, progress: &dyn Progress) -> Result<Vec<Option<Chosen>>, Error> {
        let Seen { members, names, .. } = seen;
        let mut seen = members.into_iter();
        let choose = |member: &Unfitted<E>| {
            let Some(patches) = member.chooser.as_ref().and_then(|_| seen.next()) else { return Ok(None) };
            // The rows go here: they are the largest thing in memory, and the own embeddings are still to come.
            let TrainingPatches { rows, pictures } = patches;
            let coreset = member.params.sampler.select(&*rows, progress)?;
            Ok(Some(Chosen { coreset, names: names.clone(), pictures }))
        };
        self.members.iter().map(choose).collect()
    }

    /// Scores every training picture as one that the model has not seen.
    fn calibrate(
        &self,
        members: &[Member],
        searches: &[Search],
        all: &Seen,
        progress: &dyn Progress,
    ) -> Result<Option<Calibration>, Error> {
        progress.begin(Stage::Calibrate, all.names.len() * members.len());
        let mut all_held_out = Vec::with_capacity(members.len());
        for ((member, search), patches) in members.iter().zip(searches).zip(&all.members) {
            match held_out(&member.params, &member.bank, search, patches, self.held_out, progress)? {
                Some(scores) => all_held_out.push(scores),
                None => break,
            }
        }
        progress.end();
        if all_held_out.len() < members.len() {
            return Ok(None);
        }
        let params: Vec<&Params> = members.iter().map(|member| &member.params).collect();
        Calibration::from_held_out(&params, &all_held_out, self.rates, self.held_out)
    }

    /// The embeddings of all patches, picture by picture in raster order: what the first member's coreset is chosen
    /// from, `[n, d]`.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn embeddings(&self, pictures: &dyn Pictures, progress: &dyn Progress) -> Result<Features, Error> {
        let first = &self.members[0];
        let network = (&first.params, first.chooser.as_ref().unwrap_or(&first.extractor));
        let all = self.embed_all(&[network], &Selected::without(pictures, &self.left_out)?, progress)?;
        Ok(all.members.into_iter().next().unwrap_or_default().rows)
    }

    /// Tells what the patches of so many pictures like this one will take, and fails if that is too much.
    fn expect(
        &self,
        networks: &[Network<'_, E>],
        picture: &[PictureEmbeddings],
        total: usize,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let held = networks.iter().zip(picture);
        let held: Vec<MemberPatches<'_>> = held
            .map(|((params, _), e)| MemberPatches {
                params,
                patches: e.rows.len() * total,
                dim: e.rows.dim(),
            })
            .collect();
        let expected = Expected::of(&held, peak_memory().unwrap_or(0));
        progress.expects(&expected);
        expected.check(self.max_memory)
    }

    fn embed_all(
        &self,
        networks: &[Network<'_, E>],
        pictures: &dyn Pictures,
        progress: &dyn Progress,
    ) -> Result<Seen, Error> {
        let total = pictures.count();
        if total == 0 {
            return Err(Error::NoPictures);
        }
        progress.begin(Stage::Embed, total);
        let mut all = Seen::default();
        all.members.resize_with(networks.len(), TrainingPatches::default);
        let mut bad: Vec<(String, ErrorKind)> = Vec::new();
        read_ahead_by(
            self.batch.unwrap_or_else(usual_chunk),
            total,
            |i| pictures.load(i).map(|picture| (Fingerprint::of(&picture), Extent::of(&picture), picture)),
            |numbers, loaded| {
                let (mut good, mut names): (Vec<Picture>, Vec<String>) = Default::default();
                for (i, result) in numbers.clone().zip(loaded) {
                    match result {
                        Ok((fingerprint, extent, picture)) => {
                            match &mut all.extent {
                                Some(all) => all.join(&extent),
                                none => *none = Some(extent),
                            }
                            if picture.clipped() > 0 {
                                all.clipped.push(pictures.name(i));
                            }
                            all.fingerprints.push(fingerprint);
                            all.sizes.push([picture.width(), picture.height()]);
                            all.numbers.push(i);
                            good.push(picture);
                            names.push(pictures.name(i));
                        }
                        Err(error) => {
                            all.skipped.push(pictures.name(i));
                            bad.push((error.to_string(), error.kind()));
                        }
                    }
                }
                // After a bad picture only reading goes on, to name all bad ones at once.
                if bad.is_empty() || self.on_bad_picture == OnBadPicture::Skip {
                    let mut embedded = Vec::with_capacity(networks.len());
                    for (params, extractor) in networks {
                        embedded.push(embed(params, *extractor, &good)?);
                    }
                    if all.names.is_empty() && !good.is_empty() {
                        let first: Vec<_> = embedded.iter().map(|pictures| pictures[0].clone()).collect();
                        self.expect(networks, &first, total, progress)?;
                    }
                    for ((patches, (params, _)), embedded) in
                        all.members.iter_mut().zip(networks).zip(embedded)
                    {
                        for ((embedded, picture), name) in embedded.iter().zip(&good).zip(&names) {
                            if !embedded.rows.data().iter().all(|v| v.is_finite()) {
                                return Err(Error::NotFiniteFeatures { picture: name.clone() });
                            }
                            let input = params.preprocess.input_size(picture.width(), picture.height());
                            patches.push(name, embedded, input, params.feature_precision, total)?;
                        }
                    }
                }
                all.names.extend(names);
                progress.advance(numbers.len());
                Ok(())
            },
        )?;
        progress.end();
        let nothing_left = all.names.is_empty();
        if !bad.is_empty() && (nothing_left || self.on_bad_picture == OnBadPicture::Fail) {
            return Err(Error::bad_pictures(bad, total));
        }
        Ok(all)
    }
}

/// Parameters and the network that embeds for them.
type Network<'a, E> = (&'a Params, &'a E);

/// What all pictures gave.
#[derive(Default)]
struct Seen {
    /// One for each network.
    members: Vec<TrainingPatches>,
    names: Vec<String>,
    /// Number of each picture among those that were to be embedded.
    numbers: Vec<usize>,
    /// Width and height of each picture.
    sizes: Vec<[usize; 2]>,
    fingerprints: Vec<Fingerprint>,
    extent: Option<Extent>,
    skipped: Vec<String>,
    clipped: Vec<String>,
}

/// What the first look gave.
struct Look<'a> {
    /// Of the pictures that are kept.
    seen: Seen,
    pictures: Selected<'a>,
    audit: Audit,
}

/// What a member's chooser chose, and of which pictures.
struct Chosen {
    coreset: Coreset,
    names: Vec<String>,
    pictures: Vec<TrainingPicture>,
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

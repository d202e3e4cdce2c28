//! The method on a toy backbone: stages can be exchanged and tested without a network.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod toy;

use patchcore::{
    BankSize, Error, FeaturePrecision, Model, OnBadPicture, Params, PatchCore, Quiet, SamplerKind, Scoring,
    Verdict, Workspace,
};
use patchcore_backbone::Precision;
use patchcore_image::Picture;
use std::sync::atomic::{AtomicUsize, Ordering};
use toy::{Toy, good, params, picture};

#[test]
fn a_bright_spot_is_found_where_it_is() {
    let model = PatchCore::load(params(), Toy::new()).unwrap().fit(&good(12), &Quiet).unwrap();
    let fine = model.predict(&picture(100, false)).unwrap();
    let spot = model.predict(&picture(100, true)).unwrap();
    assert_eq!(model.verdict(spot.image_score), Some(Verdict::Defect));
    assert!(spot.image_score > 3.0 * fine.image_score);
    let largest = spot.anomaly_map.min_max().unwrap().1;
    let at = spot.anomaly_map.data().iter().position(|&v| v == largest).unwrap();
    assert!((20..32).contains(&(at / 48)) && (20..32).contains(&(at % 48)), "{at}");
    assert_eq!((spot.patches[0].scores.height(), spot.patches[0].scores.width()), (12, 12));
}

#[test]
fn threads_and_samplers_change_nothing_that_they_must_not() {
    let fit = |threads: usize, kind: SamplerKind| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut params = params();
        params.sampler.kind = kind;
        params.sampler.size = BankSize::Ratio(0.2);
        pool.install(|| {
            let model = PatchCore::load(params, Toy::new()).unwrap().fit(&good(5), &Quiet).unwrap();
            (model.fitted().to_bytes().unwrap(), model.predict(&picture(9, true)).unwrap())
        })
    };
    for kind in [
        SamplerKind::Greedy,
        SamplerKind::Reference,
        SamplerKind::ReferenceGreedy,
        SamplerKind::Anomalib,
        SamplerKind::Random,
    ] {
        let one = fit(1, kind);
        for threads in [2, 3, 8] {
            assert_eq!(one, fit(threads, kind), "{kind:?} with {threads} threads");
        }
    }
    let mut params = params();
    params.sampler.kind = SamplerKind::Identity;
    let model = PatchCore::load(params, Toy::new()).unwrap().fit(&good(3), &Quiet).unwrap();
    assert_eq!(model.fitted().members[0].bank.len(), 3 * 144);
    // Every patch is in the bank: a training picture scores zero.
    assert_eq!(model.predict(&picture(1, false)).unwrap().image_score, 0.0);
}

#[test]
fn every_bank_row_knows_its_picture_and_place() {
    let model = PatchCore::load(params(), Toy::new()).unwrap().fit(&good(4), &Quiet).unwrap();
    let fitted = model.fitted();
    for (i, origin) in fitted.members[0].bank.origins.iter().enumerate().step_by(17) {
        let name = &fitted.training.pictures[origin.picture as usize];
        assert_eq!(name, &format!("{}.png", origin.picture));
        let prediction = model.predict(&picture(u64::from(origin.picture), false)).unwrap();
        assert_eq!(prediction.patches[0].scores.at(origin.y as usize, origin.x as usize), 0.0, "row {i}");
    }
}

/// Pictures that are others when they are looked at again.
struct Changing(AtomicUsize);

impl patchcore::Pictures for Changing {
    fn count(&self) -> usize {
        3
    }

    fn name(&self, i: usize) -> String {
        format!("{i}.png")
    }

    fn load(&self, i: usize) -> Result<Picture, patchcore_image::ImageError> {
        let again = self.0.fetch_add(1, Ordering::SeqCst) >= self.count();
        let (h, w) = if again { (24, 96) } else { (48, 48) };
        Ok(Picture::from_rgb(w, h, vec![i as u8; w * h * 3]).unwrap())
    }
}

#[test]
fn a_chooser_chooses_and_the_own_network_embeds() {
    let small = |precision| {
        let mut params = Params { precision, ..params() };
        params.sampler.size = BankSize::Rows(20);
        params
    };
    let load = |precision, toy| PatchCore::load(small(precision), toy).unwrap();
    let exact = load(Precision::F32, Toy::new()).fit(&good(6), &Quiet).unwrap();
    let own = load(Precision::Bf16, Toy::rounded()).fit(&good(6), &Quiet).unwrap();
    let both = load(Precision::Bf16, Toy::rounded()).choose_by(Toy::new()).unwrap();
    let both = both.fit(&good(6), &Quiet).unwrap();
    let (exact, own, bank) =
        (&exact.fitted().members[0].bank, &own.fitted().members[0].bank, &both.fitted().members[0].bank);
    assert_ne!(own.origins, exact.origins);
    assert_eq!(bank.origins, exact.origins);
    for origin in &bank.origins {
        let prediction = both.predict(&picture(u64::from(origin.picture), false)).unwrap();
        assert_eq!(prediction.patches[0].scores.at(origin.y as usize, origin.x as usize), 0.0);
    }

    let rounded = || load(Precision::Bf16, Toy::rounded());
    let refused = |chooser: Toy| rounded().choose_by(chooser).err().map(|e| e.to_string()).unwrap();
    assert_eq!(refused(Toy::rounded()), "precision is f32, must be bf16, as the backbone was loaded");
    assert!(refused(Toy { weights: "others", ..Toy::new() }).contains("toy others"));
    assert!(refused(Toy { layers: vec!["fine".into()], ..Toy::new() }).starts_with("backbone is toy fine"));
    let changed = rounded().choose_by(Toy::new()).unwrap().fit(&Changing(AtomicUsize::new(0)), &Quiet);
    assert!(matches!(changed.err(), Some(Error::PicturesChanged)));
}

#[test]
fn one_picture_gives_a_model_without_threshold() {
    let model = PatchCore::load(params(), Toy::new()).unwrap().fit(&good(1), &Quiet).unwrap();
    assert!(model.fitted().calibration.is_none());
    assert_eq!(model.verdict(1.0), None);
}

#[test]
fn a_broken_network_gives_an_error_and_no_verdict() {
    let broken = Toy { offset: f32::NAN, ..Toy::new() };
    let Err(error) = PatchCore::load(params(), broken).unwrap().fit(&good(3), &Quiet) else {
        panic!("fitted on NaN");
    };
    assert!(matches!(&error, Error::NotFiniteFeatures { picture } if picture == "0.png"), "{error}");
}

/// The bank holds rounded values, scores are measured to them, and what halves cannot hold is refused by name.
#[test]
fn features_kept_as_halves() {
    let fit = |toy: Toy| {
        let params = Params { feature_precision: FeaturePrecision::F16, ..params() };
        PatchCore::load(params, toy).unwrap().fit(&good(3), &Quiet)
    };
    let model = fit(Toy::new()).unwrap();
    let values = model.fitted().members[0].bank.rows.data();
    assert!(values.iter().all(|v| v.to_bits() % (1 << 13) == 0), "{values:?}");
    let Err(error) = fit(Toy { offset: 2e4, ..Toy::new() }) else { panic!("fitted on infinity") };
    assert!(matches!(&error, Error::FeatureRange { picture, .. } if picture == "0.png"), "{error}");
}

#[test]
fn parameters_outside_their_range_are_named() {
    let refused = |change: fn(&mut Params)| {
        let mut params = params();
        change(&mut params);
        PatchCore::load(params, Toy::new()).err().map(|e| e.to_string()).unwrap_or_default()
    };
    assert_eq!(refused(|p| p.embedding.patch.size = 0), "patchsize is 0, must be between 1 and 1024");
    assert_eq!(
        refused(|p| p.sampler.size = BankSize::Ratio(1.1)),
        "percentage is 1.1, must be above 0 and below 1"
    );
    assert_eq!(
        refused(|p| p.sampler.size = BankSize::Ratio(f64::NAN)),
        "percentage is NaN, must be above 0 and below 1"
    );
    let weighed = |support| params().scored_by(Scoring::Paper { support });
    let one = PatchCore::load(weighed(1), Toy::new()).err().map(|e| e.to_string());
    assert_eq!(one.unwrap(), "support is 1, must be between 2 and 1024");
    let two = Params { num_nn: 2, ..weighed(9) };
    let two = PatchCore::load(two, Toy::new()).err().map(|e| e.to_string());
    assert_eq!(two.unwrap(), "anomaly_score_num_nn is 2, must be 1 where the image score is weighed");
    assert!(refused(|p| p.layers.truncate(1)).starts_with("backbone is toy fine, must be toy fine coarse"));
}

/// Through the whole way, against the formula on distances to every row of the bank.
#[test]
fn weighed_scores_are_those_of_the_formula() {
    let fit = |rule| {
        let mut params = params().scored_by(rule);
        params.sampler.size = BankSize::Rows(90);
        PatchCore::load(params, Toy::new()).unwrap().fit(&good(4), &Quiet).unwrap()
    };
    let l2 = |a: &[f32], b: &[f32]| {
        let squares = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
        squares.sum::<f64>().sqrt()
    };
    for support in [2, 9, 200] {
        let model = fit(Scoring::Paper { support });
        let (bank, mut space) = (&model.fitted().members[0].bank.rows, Workspace::default());
        let steps = model.members().next().unwrap();
        steps.preprocess(&picture(7, true), &mut space);
        steps.features(&mut space).unwrap();
        steps.embed(&mut space).unwrap();
        let rows = &space.embeddings.rows;
        let nearest = |query: &[f32]| {
            let mut all: Vec<usize> = (0..bank.len()).collect();
            all.sort_by(|&a, &b| l2(query, bank.row(a)).total_cmp(&l2(query, bank.row(b))).then(a.cmp(&b)));
            all
        };
        let matches: Vec<usize> = (0..rows.len()).map(|patch| nearest(rows.row(patch))[0]).collect();
        let distance = |patch: usize| l2(rows.row(patch), bank.row(matches[patch]));
        let worst = (0..rows.len()).fold(0, |w, p| if distance(p) > distance(w) { p } else { w });
        let around = nearest(bank.row(matches[worst]));
        let to_around = around.iter().take(support).map(|&row| l2(rows.row(worst), bank.row(row)).exp());
        let weight = 1.0 - distance(worst).exp() / to_around.sum::<f64>();
        let expected = weight * distance(worst);
        for rule in [Scoring::Paper { support }, Scoring::Anomalib { support }] {
            let score = f64::from(fit(rule).predict(&picture(7, true)).unwrap().image_score);
            assert!((score - expected).abs() < 1e-5 * expected, "{rule:?}: {score} {expected}");
        }
    }
    let largest = |rule| {
        let prediction = fit(rule).predict(&picture(7, true)).unwrap();
        (prediction.image_score, prediction.patches[0].scores.min_max().unwrap().1)
    };
    let (plain, patch) = largest(Scoring::Anomalib { support: 1 });
    assert_eq!(plain, patch);
    assert_eq!(largest(Scoring::Reference).0, largest(Scoring::Reference).1);
}

/// A bank of one row has no neighbours to weigh with: no verdict, and not a score of zero.
#[test]
fn a_weight_without_neighbours_is_an_error() {
    let fit = |rule| {
        let mut params = params().scored_by(rule);
        params.sampler.size = BankSize::Rows(1);
        PatchCore::load(params, Toy::new()).unwrap().fit(&good(1), &Quiet).unwrap()
    };
    let paper = fit(Scoring::Paper { support: 9 }).predict(&picture(7, true));
    assert!(matches!(paper, Err(Error::NotFinite)), "{paper:?}");
    assert!(fit(Scoring::Anomalib { support: 9 }).predict(&picture(7, true)).unwrap().image_score > 0.0);
}

#[test]
fn bank_sizes_that_do_not_fit_are_refused() {
    let fit = |size| {
        let mut params = params();
        params.sampler.size = size;
        PatchCore::load(params, Toy::new()).unwrap().fit(&good(2), &Quiet).err().map(|e| e.to_string())
    };
    let too_large = "a memory bank of 289 rows was asked for, but the pictures have only 288 patches";
    assert_eq!(fit(BankSize::Rows(289)).unwrap(), too_large);
    assert!(fit(BankSize::Ratio(0.003)).unwrap().contains("no patch at all"));
    assert_eq!(fit(BankSize::Rows(288)), None);
}

/// Pictures of which some cannot be read.
struct WithBad(Vec<usize>);

impl patchcore::Pictures for WithBad {
    fn count(&self) -> usize {
        7
    }

    fn name(&self, i: usize) -> String {
        format!("{i}.png")
    }

    fn load(&self, i: usize) -> Result<Picture, patchcore_image::ImageError> {
        if self.0.contains(&i) {
            let fault = patchcore_image::DecodeError::Empty;
            return Err(patchcore_image::ImageError::Decode { path: self.name(i).into(), fault });
        }
        Ok(picture(i as u64, false))
    }
}

#[test]
fn all_bad_pictures_are_listed_or_left_out() {
    let fit = |choice, bad| {
        PatchCore::load(params(), Toy::new()).unwrap().on_bad_picture(choice).fit(&WithBad(bad), &Quiet)
    };
    match fit(OnBadPicture::Fail, vec![1, 5]).err() {
        Some(Error::BadPictures { bad, total, .. }) => assert_eq!((bad.len(), total), (2, 7)),
        other => panic!("{other:?}"),
    }
    let model = fit(OnBadPicture::Skip, vec![1, 5]).unwrap();
    assert_eq!(model.fitted().training.skipped, ["1.png", "5.png"]);
    assert_eq!(model.fitted().training.pictures.len(), 5);
    assert!(fit(OnBadPicture::Skip, (0..7).collect()).is_err());
}

/// Without its own rows a picture may find fewer neighbours than a score needs: then there is no threshold, but a model.
#[test]
fn too_few_neighbours_for_a_threshold_are_no_failure() {
    let mut params = params();
    params.sampler.kind = SamplerKind::Random;
    params.sampler.size = BankSize::Rows(5);
    params.num_nn = 4;
    let model = PatchCore::load(params, Toy::new()).unwrap().fit(&good(2), &Quiet).unwrap();
    assert!(model.fitted().calibration.is_none());
    assert!(model.predict(&picture(5, false)).unwrap().image_score.is_finite());
}

/// A model whose bank does not belong to its parameters is refused when it is asked, not a panic.
#[test]
fn a_bank_of_another_width_is_refused() {
    let model = PatchCore::load(params(), Toy::new()).unwrap().fit(&good(3), &Quiet).unwrap();
    let mut fitted = model.fitted().clone();
    let rows = fitted.members[0].bank.len();
    fitted.members[0].bank.rows =
        patchcore_tensor::Embeddings::from_vec(rows, 5, vec![0.0; rows * 5]).unwrap();
    let error = Model::new(fitted, vec![Toy::new()]).unwrap().predict(&picture(1, false)).unwrap_err();
    assert_eq!(error.to_string(), "the network gives embeddings of 6 values, the memory bank has 5");
}

//! The method on a toy backbone: stages can be exchanged and tested without a network.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::{
    BankSize, Error, FeaturePrecision, Model, OnBadPicture, Params, PatchCore, PatchEmbedding, PatchShape,
    Quiet, Reduction, SamplerKind, Scoring, Verdict, Workspace,
};
use patchcore_backbone::{BackboneError, FeatureExtractor, Precision};
use patchcore_image::{Geometry, Picture};
use patchcore_tensor::Tensor;
use patchcore_testkit::{assert_all_close, weights::uniform};
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Two layers: means over 4 x 4 and over 8 x 8 pixels, three channels each.
struct Toy {
    layers: Vec<String>,
    /// Added to every feature: a broken network gives NaN.
    offset: f32,
    /// Anything but `f32` rounds to eighths.
    precision: Precision,
    weights: &'static str,
}

impl Toy {
    fn new() -> Self {
        Self {
            layers: vec!["fine".into(), "coarse".into()],
            offset: 0.0,
            precision: Precision::F32,
            weights: "toy weights",
        }
    }

    fn rounded() -> Self {
        Self { precision: Precision::Bf16, ..Self::new() }
    }
}

impl FeatureExtractor for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn layers(&self) -> &[String] {
        &self.layers
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn fingerprint(&self) -> &'static str {
        self.weights
    }

    fn features_into(&self, pictures: &Tensor, maps: &mut Vec<Tensor>) -> Result<(), BackboneError> {
        let [n, h, w, c] = pictures.shape();
        let mean = |side: usize| {
            let mut out = Tensor::zeros([n, h / side, w / side, c]);
            let (gh, gw) = (h / side, w / side);
            for (place, pixel) in out.data_mut().chunks_exact_mut(c).enumerate() {
                let (i, y, x) = (place / gw / gh, place / gw % gh * side, place % gw * side);
                for offset in 0..side * side {
                    let from = pictures.pixel(i, y + offset / side, x + offset % side);
                    pixel
                        .iter_mut()
                        .zip(from)
                        .for_each(|(o, v)| *o += v / (side * side) as f32 + self.offset);
                }
                if self.precision != Precision::F32 {
                    for v in pixel {
                        *v = (*v * 8.0).round() / 8.0;
                    }
                }
            }
            out
        };
        *maps = vec![mean(4), mean(8)];
        Ok(())
    }
}

fn params() -> Params {
    let layers = vec!["fine".into(), "coarse".into()];
    let mut params = Params { backbone: "toy".into(), layers, ..Params::default() };
    params.preprocess.geometry = Geometry::Whole { area_side: 48, multiple: 8 };
    params
}

/// A grey gradient with noise; `spot` paints a bright square.
fn picture(seed: u64, spot: bool) -> Picture {
    let noise = uniform("picture", seed, 48 * 48);
    let pixel = |i: usize| {
        let (y, x) = (i / 48, i % 48);
        let bright = spot && (20..32).contains(&y) && (20..32).contains(&x);
        [if bright { 250 } else { 90 + (x + (noise[i] * 12.0) as usize) as u8 }; 3]
    };
    Picture::from_rgb(48, 48, (0..48 * 48).flat_map(pixel).collect()).unwrap()
}

fn good(n: u64) -> Vec<(String, Picture)> {
    (0..n).map(|i| (format!("{i}.png"), picture(i, false))).collect()
}

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
    assert_eq!((spot.patch_scores.height(), spot.patch_scores.width()), (12, 12));
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
    assert_eq!(model.fitted().bank.len(), 3 * 144);
    // Every patch is in the bank: a training picture scores zero.
    assert_eq!(model.predict(&picture(1, false)).unwrap().image_score, 0.0);
}

#[test]
fn every_bank_row_knows_its_picture_and_place() {
    let model = PatchCore::load(params(), Toy::new()).unwrap().fit(&good(4), &Quiet).unwrap();
    let fitted = model.fitted();
    for (i, origin) in fitted.bank.origins.iter().enumerate().step_by(17) {
        let name = &fitted.training.pictures[origin.picture as usize];
        assert_eq!(name, &format!("{}.png", origin.picture));
        let prediction = model.predict(&picture(u64::from(origin.picture), false)).unwrap();
        assert_eq!(prediction.patch_scores.at(origin.y as usize, origin.x as usize), 0.0, "row {i}");
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
    let (exact, own, bank) = (&exact.fitted().bank, &own.fitted().bank, &both.fitted().bank);
    assert_ne!(own.origins, exact.origins);
    assert_eq!(bank.origins, exact.origins);
    for origin in &bank.origins {
        let prediction = both.predict(&picture(u64::from(origin.picture), false)).unwrap();
        assert_eq!(prediction.patch_scores.at(origin.y as usize, origin.x as usize), 0.0);
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
    let values = model.fitted().bank.rows.data();
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
    assert_eq!(refused(|p| p.embedding.patch.size = 0), "patchsize is 0, must be at least 1");
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
    assert_eq!(one.unwrap(), "support is 1, must be at least 2");
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
        let (bank, mut space) = (&model.fitted().bank.rows, Workspace::default());
        model.preprocess(&picture(7, true), &mut space);
        model.features(&mut space).unwrap();
        model.embed(&mut space).unwrap();
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
        (prediction.image_score, prediction.patch_scores.min_max().unwrap().1)
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

/// The order of the original: neighbourhoods first, then every offset resampled as a plane of its own, then pooled.
fn embed_as_written(maps: &[Tensor], size: usize, pretrain: usize, target: usize) -> Vec<f64> {
    let pad = (size - 1) / 2;
    let grid = |map: &Tensor| {
        let [_, h, w, _] = map.shape();
        [h + 2 * pad - size + 1, w + 2 * pad - size + 1]
    };
    let bins = |values: &[f64], d: usize| -> Vec<f64> {
        let n = values.len();
        (0..d)
            .map(|j| {
                let bin = &values[j * n / d..((j + 1) * n).div_ceil(d)];
                bin.iter().sum::<f64>() / bin.len() as f64
            })
            .collect()
    };
    let [gh, gw] = grid(&maps[0]);
    let mut out = Vec::new();
    for l in 0..gh * gw {
        let mut joined = Vec::new();
        for map in maps {
            let [_, h, w, c] = map.shape();
            let [own_h, own_w] = grid(map);
            let at = |y: usize, x: usize, ch: usize, a: usize, b: usize| {
                let (sy, sx) = (y + a, x + b);
                let inside = sy >= pad && sx >= pad && sy - pad < h && sx - pad < w;
                if inside { f64::from(map.pixel(0, sy - pad, sx - pad)[ch]) } else { 0.0 }
            };
            let source = |i: usize, from: usize, to: usize| {
                let t = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
                (t as usize, (t as usize + 1).min(from - 1), t.fract())
            };
            let (y0, y1, fy) = source(l / gw, own_h, gh);
            let (x0, x1, fx) = source(l % gw, own_w, gw);
            let mut values = Vec::new();
            for (ch, a, b) in
                (0..c).flat_map(|ch| (0..size).flat_map(move |a| (0..size).map(move |b| (ch, a, b))))
            {
                let row = |y| (1.0 - fx) * at(y, x0, ch, a, b) + fx * at(y, x1, ch, a, b);
                values.push((1.0 - fy) * row(y0) + fy * row(y1));
            }
            joined.extend(bins(&values, pretrain));
        }
        out.extend(bins(&joined, target));
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn pooling_first_gives_what_the_original_gives(
        size in 1usize..=6,
        layers in prop::collection::vec((1usize..=5, 5usize..=9, 5usize..=9), 1..=3),
        pretrain in 1usize..=40,
        target in 1usize..=50,
        seed: u64,
    ) {
        let maps: Vec<Tensor> = layers
            .iter()
            .enumerate()
            .map(|(i, &(c, h, w))| {
                let values = uniform("map", seed.wrapping_add(i as u64), h * w * c);
                Tensor::from_vec([1, h, w, c], values.into_iter().map(|u| u as f32).collect()).unwrap()
            })
            .collect();
        let embedding = PatchEmbedding {
            patch: PatchShape { size, stride: 1 },
            reduction: Reduction::Pooled { pretrain, target },
        };
        let got = embedding.embed(&maps).unwrap().remove(0);
        let expected: Vec<f32> = embed_as_written(&maps, size, pretrain, target).into_iter().map(|v| v as f32).collect();
        assert_all_close("embedding", got.rows.data(), &expected, 2e-6);
    }
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
    let rows = fitted.bank.len();
    fitted.bank.rows = patchcore_tensor::Embeddings::from_vec(rows, 5, vec![0.0; rows * 5]).unwrap();
    let error = Model::new(fitted, Toy::new()).unwrap().predict(&picture(1, false)).unwrap_err();
    assert_eq!(error.to_string(), "the network gives embeddings of 6 values, the memory bank has 5");
}

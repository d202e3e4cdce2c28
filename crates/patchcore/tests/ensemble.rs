//! Several members in one model: fitted together, their scores made one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod toy;

use patchcore::{
    BankSize, Error, Fitted, HeldOutBy, MapStyle, Model, Params, PatchCore, Quiet, Rates, SamplerKind,
    Scoring, Verdict, anomaly_map,
};
use patchcore_backbone::Precision;
use patchcore_image::{Geometry, Picture};
use patchcore_testkit::assert_all_close;
use toy::{Toy, good, params, picture};

/// The toy at half again the size, one layer, the original's squared distances.
fn other() -> Params {
    let mut params = Params { layers: vec!["fine".into()], ..params() }.scored_by(Scoring::Reference);
    params.preprocess.geometry = Geometry::Whole { area_side: 72, multiple: 8 };
    params
}

fn one_layer() -> Toy {
    Toy { layers: vec!["fine".into()], ..Toy::new() }
}

fn both(pictures: u64) -> Model<Toy> {
    let method = PatchCore::load(params(), Toy::new()).unwrap().with(other(), one_layer()).unwrap();
    method.fit(&good(pictures), &Quiet).unwrap()
}

#[test]
fn members_are_what_they_are_alone() {
    let both = both(8);
    let alone = [
        PatchCore::load(params(), Toy::new()).unwrap().fit(&good(8), &Quiet).unwrap(),
        PatchCore::load(other(), one_layer()).unwrap().fit(&good(8), &Quiet).unwrap(),
    ];
    let judged = both.predict_members(&picture(20, true)).unwrap();
    for ((member, judged), alone) in both.fitted().members.iter().zip(&judged).zip(&alone) {
        assert_eq!(*member, alone.fitted().members[0]);
        assert_eq!(vec![judged.clone()], alone.predict_members(&picture(20, true)).unwrap());
    }
}

/// The fused score from the formula: scales from the members' own held-out patches, maps brought to the first's size.
#[test]
fn scores_are_fused_on_the_scale_of_good_patches() {
    let model = both(8);
    let calibration = model.fitted().calibration.clone().unwrap();
    // The scales, by fitting without each picture's rows: leaving the rows out of the search is what fit does, so the
    // mean over all pictures is compared with that of a plain search over the other pictures' rows.
    let naive: Vec<f32> = (0..2)
        .map(|m| {
            let Fitted { members, .. } = model.fitted();
            let (rows, origins) = (&members[m].bank.rows, &members[m].bank.origins);
            let (mut sum, mut count) = (0.0, 0);
            for (i, (_, picture)) in good(8).iter().enumerate() {
                let steps = model.members().nth(m).unwrap();
                let mut space = patchcore::Workspace::default();
                steps.preprocess(picture, &mut space);
                steps.features(&mut space).unwrap();
                steps.embed(&mut space).unwrap();
                let patches = &space.embeddings.rows;
                for p in 0..patches.len() {
                    let squared = |row: usize| -> f64 {
                        let pairs = patches.row(p).iter().zip(rows.row(row));
                        pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
                    };
                    let others = (0..rows.len()).filter(|&row| origins[row].picture as usize != i);
                    let nearest = others.map(squared).fold(f64::MAX, f64::min);
                    sum += if m == 0 { nearest.sqrt() } else { nearest };
                    count += 1;
                }
            }
            (sum / f64::from(count)) as f32
        })
        .collect();
    let largest = f64::from(naive[0].max(naive[1]));
    assert_all_close("scales", &calibration.scales, &naive, 1e-5 * largest);

    let members = model.predict_members(&picture(20, true)).unwrap();
    let fused = model.predict(&picture(20, true)).unwrap();
    let [a, b] = [calibration.scales[0], calibration.scales[1]];
    let score = f32::midpoint(members[0].image_score / a, members[1].image_score / b);
    assert_all_close("score", &[fused.image_score], &[score], 1e-5 * f64::from(score));
    // Without a blur, `anomaly_map` only resamples.
    let second = anomaly_map(&members[1].anomaly_map, [48, 48], 0.0, MapStyle::Bilinear);
    let map: Vec<f32> = members[0]
        .anomaly_map
        .data()
        .iter()
        .zip(second.data())
        .map(|(x, y)| f32::midpoint(x / a, y / b))
        .collect();
    assert_all_close("map", fused.anomaly_map.data(), &map, 1e-4);
    assert_eq!((fused.anomaly_map.height(), fused.anomaly_map.width()), (48, 48));
    assert_eq!((fused.patches[1].scores.height(), fused.patches[1].scores.width()), (18, 18));
}

#[test]
fn an_ensemble_finds_the_spot_and_knows_good_ones() {
    let model = both(12);
    let spot = model.predict(&picture(100, true)).unwrap();
    assert_eq!(model.verdict(spot.image_score), Some(Verdict::Defect));
    let fine = model.predict(&picture(100, false)).unwrap();
    assert!(5.0 * fine.image_score < spot.image_score, "{} {}", fine.image_score, spot.image_score);
}

#[test]
fn it_comes_back_from_its_file_and_threads_change_nothing() {
    let at = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let model = both(5);
            (model.fitted().to_bytes().unwrap(), model.predict(&picture(3, true)).unwrap())
        })
    };
    let one = at(1);
    assert_eq!(one, at(3));
    let fitted = Fitted::from_bytes(&one.0).unwrap();
    let model = Model::new(fitted.clone(), vec![Toy::new(), one_layer()]).unwrap();
    assert_eq!(model.predict(&picture(3, true)).unwrap(), one.1);
    let error = Model::new(fitted, vec![Toy::new()]).err().unwrap().to_string();
    assert_eq!(error, "the number of networks is 1, must be 2");
}

#[test]
fn a_second_look_chooses_for_those_who_asked() {
    let small = |precision| {
        let mut params = Params { precision, ..params() };
        params.sampler.kind = SamplerKind::Greedy;
        params.sampler.size = BankSize::Rows(20);
        params
    };
    let plain = PatchCore::load(small(Precision::F32), Toy::new()).unwrap();
    let plain = plain.with(small(Precision::F32), Toy::new()).unwrap().fit(&good(4), &Quiet).unwrap();
    let chosen = PatchCore::load(small(Precision::F32), Toy::new()).unwrap();
    let chosen = chosen.with(small(Precision::Bf16), Toy::rounded()).unwrap().choose_by(Toy::new()).unwrap();
    let chosen = chosen.fit(&good(4), &Quiet).unwrap();
    let origins = |model: &Model<Toy>, member: usize| model.fitted().members[member].bank.origins.clone();
    assert_eq!(origins(&chosen, 0), origins(&plain, 0));
    assert_eq!(origins(&chosen, 1), origins(&plain, 1));
    assert_ne!(chosen.fitted().members[1].bank.rows, plain.fitted().members[1].bank.rows);
}

#[test]
fn without_calibration_there_is_no_common_score() {
    let model = both(1);
    assert!(model.fitted().calibration.is_none());
    assert!(matches!(model.predict(&picture(1, false)), Err(Error::NoScales)));
    assert_eq!(model.predict_members(&picture(1, false)).unwrap().len(), 2);
}

/// Pictures that the model was not fitted on are scored as they are, each member on the scale that they give.
#[test]
fn good_pictures_calibrate_a_model_that_has_none() {
    let mut model = both(1);
    let fresh: Vec<(String, Picture)> = (50..59).map(|i| (format!("{i}.png"), picture(i, false))).collect();
    model.calibrate(&fresh, Rates::of(0.2), &Quiet).unwrap();
    let calibration = model.fitted().calibration.clone().unwrap();
    let scores: Vec<f32> =
        fresh.iter().map(|(_, picture)| model.predict(picture).unwrap().image_score).collect();
    assert_eq!(calibration.image_scores, scores);
    // Ten times 0.8: the eighth of nine; ten times 0.6: the sixth.
    let mut sorted = scores;
    sorted.sort_by(f32::total_cmp);
    assert_eq!((calibration.image_threshold, calibration.false_alarm_rate), (sorted[7].next_up(), 0.2));
    assert_eq!((calibration.review_threshold, calibration.review_rate), (sorted[5].next_up(), 0.4));
    assert_eq!(calibration.held_out, HeldOutBy::New);
    for (m, scale) in calibration.scales.iter().enumerate() {
        let patches = |picture| model.predict_members(picture).unwrap()[m].patches.scores.data().to_vec();
        let all: Vec<f32> = fresh.iter().flat_map(|(_, picture)| patches(picture)).collect();
        let mean = all.iter().map(|&s| f64::from(s)).sum::<f64>() / all.len() as f64;
        assert_all_close("scale", &[*scale], &[mean as f32], 1e-6 * mean);
    }
    let none: Vec<(String, Picture)> = Vec::new();
    assert!(matches!(model.calibrate(&none, Rates::of(0.2), &Quiet), Err(Error::NoPictures)));
    assert!(matches!(model.calibrate(&fresh, Rates::of(1.0), &Quiet), Err(Error::Parameter { .. })));
    assert_eq!(model.fitted().calibration.as_ref(), Some(&calibration));
}

#[test]
fn members_must_show_the_same_part_of_a_picture() {
    let cropped = |crop: usize| {
        let mut params = other();
        params.preprocess.geometry = Geometry::ResizeCrop { resize: 48, crop: [crop; 2] };
        params
    };
    let join = |a: Params, b: Params| {
        PatchCore::load(a, one_layer()).unwrap().with(b, one_layer()).err().map(|e| e.to_string())
    };
    assert_eq!(join(cropped(40), cropped(40)), None);
    for (a, b) in [(cropped(40), cropped(48)), (other(), cropped(40))] {
        let error = join(a, b).unwrap();
        assert!(error.contains("geometry") && error.contains("the same crop for all members"), "{error}");
    }
}

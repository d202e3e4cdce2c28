//! The rates that thresholds promise hold on good pictures that a model has not seen, over repeated draws.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod toy;

use patchcore::{BankSize, PatchCore, Quiet, Rates, Verdict};
use patchcore_image::Picture;
use toy::{Toy, params, picture};

const ROUNDS: usize = 25;
const GOOD: usize = 19;
const FRESH: usize = 20;

/// The share of fresh good pictures that are called a defect, are not ok, and have a pixel at the threshold; each the mean
/// over the draws, with three standard errors of it.
fn found(rates: Rates, folds: Option<usize>) -> [[f64; 2]; 3] {
    let mut thin = params();
    thin.sampler.size = BankSize::Ratio(0.05);
    let mut shares: [Vec<f64>; 3] = Default::default();
    for round in 0..ROUNDS {
        let drawn = |i: usize| picture((round * (GOOD + FRESH) + i) as u64, false);
        let good: Vec<(String, Picture)> = (0..GOOD).map(|i| (i.to_string(), drawn(i))).collect();
        let mut method = PatchCore::load(thin.clone(), Toy::new()).unwrap().rates(rates).unwrap();
        if let Some(folds) = folds {
            method = method.folds(folds).unwrap();
        }
        let model = method.fit(&good, &Quiet).unwrap();
        let c = model.fitted().calibration.clone().unwrap();
        let mut counts = [0; 3];
        for i in GOOD..GOOD + FRESH {
            let prediction = model.predict(&drawn(i)).unwrap();
            let verdict = model.verdict(prediction.image_score).unwrap();
            let pixel = prediction.anomaly_map.data().iter().any(|&value| value >= c.pixel_threshold);
            for (count, reached) in
                counts.iter_mut().zip([verdict == Verdict::Defect, verdict != Verdict::Ok, pixel])
            {
                *count += usize::from(reached);
            }
        }
        shares.iter_mut().zip(counts).for_each(|(all, count)| all.push(count as f64 / FRESH as f64));
    }
    shares.map(|shares| {
        let n = shares.len() as f64;
        let mean = shares.iter().sum::<f64>() / n;
        let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / (n - 1.0);
        [mean, 3.0 * (variance / n).sqrt()]
    })
}

#[test]
fn no_more_good_pictures_are_flagged_than_promised() {
    let rates = Rates::of(0.1);
    for folds in [None, Some(4)] {
        for ([mean, room], promised) in found(rates, folds).into_iter().zip([0.1, 0.2, 0.1]) {
            assert!(mean - room <= promised, "{folds:?}: {mean} for {promised}, three errors are {room}");
        }
    }
}

/// Memory banks chosen without the held-out pictures have no holes, so that less of the promise is left unused.
#[test]
fn folds_come_nearer_to_the_promise() {
    let [plain, folds] = [None, Some(4)].map(|folds| found(Rates::of(0.2), folds)[1][0]);
    assert!(folds > plain, "{folds} with folds, {plain} without");
}

//! The same bits for any number of threads and any size of batch, time after time.
//!
//! `PATCHCORE_FULL=1 cargo test -p patchcore --test determinism` fits twenty times where the ordinary run fits twice.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use patchcore::{BankSize, Params, PatchCore, Prediction, Quiet, SamplerKind};
use patchcore_backbone::{Backbone, FeatureExtractor};
use patchcore_image::{Geometry, Picture};
use std::sync::Arc;

const SIDE: usize = 48;

fn picture(seed: usize) -> Picture {
    let rgb = (0..SIDE * SIDE * 3).map(|i| ((i * i / 7 + seed * (i + 3)) % 251) as u8).collect();
    Picture::from_rgb(SIDE, SIDE, rgb).unwrap()
}

/// Pictures of two sizes in turn, so that a batch falls apart into several.
fn pictures() -> Vec<(String, Picture)> {
    let of = |i: usize| match i % 3 {
        2 => Picture::from_rgb(2 * SIDE, SIDE, [picture(i).rgb(), picture(i + 50).rgb()].concat()).unwrap(),
        _ => picture(i),
    };
    (0..11).map(|i| (format!("{i}.png"), of(i))).collect()
}

fn params() -> Vec<Params> {
    let mut small = Params::default();
    small.preprocess.geometry = Geometry::Whole { area_side: 48, multiple: 16 };
    small.sampler.size = BankSize::Rows(40);
    let mut reference = small.clone();
    reference.sampler.kind = SamplerKind::Reference;
    vec![small, reference]
}

/// The model's file and what it says of two pictures.
fn results(
    params: &Params,
    backbone: &Arc<dyn FeatureExtractor>,
    threads: usize,
    batch: usize,
) -> (Vec<u8>, Vec<Prediction>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let method = PatchCore::load(params.clone(), backbone.clone()).unwrap().batch(batch);
        let model = method.fit(&pictures(), &Quiet).unwrap();
        let judged = [60, 61].map(|seed| model.predict(&picture(seed)).unwrap());
        (model.fitted().to_bytes().unwrap(), judged.to_vec())
    })
}

#[test]
fn models_scores_and_maps_are_the_same_bits() {
    let backbone: Arc<dyn FeatureExtractor> = Arc::new(Backbone::embedded().unwrap());
    let times = if std::env::var_os("PATCHCORE_FULL").is_some() { 20 } else { 2 };
    let mut runs = 0;
    for params in params() {
        let expected = results(&params, &backbone, 2, 4);
        for _ in 0..times {
            for threads in [1, 2, 3, 4, 8] {
                for batch in 1..=8 {
                    let (model, judged) = results(&params, &backbone, threads, batch);
                    assert!(model == expected.0, "the model: {threads} threads, batches of {batch}");
                    assert!(judged == expected.1, "scores or maps: {threads} threads, batches of {batch}");
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} fits, each with two predictions: the same bits");
}

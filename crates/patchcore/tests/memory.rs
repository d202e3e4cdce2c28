//! What a picture asks of the allocator, once another one has gone the same way.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use allocation_counter::{AllocationInfo, measure};
use patchcore::{Params, PatchCore, Prediction, Quiet, Reduction};
use patchcore_backbone::Backbone;
use patchcore_image::Picture;

const SIDE: usize = 224;
/// The resized picture in bytes, and lists of layers, rows and places; every map of the network is larger.
const SMALL: u64 = (SIDE * SIDE * 3 + (120 << 10)) as u64;

fn picture(seed: usize) -> Picture {
    let rgb = (0..SIDE * SIDE * 3).map(|i| ((i * i / 7 + seed * i) % 251) as u8).collect();
    Picture::from_rgb(SIDE, SIDE, rgb).unwrap()
}

/// The work happens on the thread that is counted.
fn counted(params: Params) -> (AllocationInfo, Prediction) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let good: Vec<(String, Picture)> = (0..2).map(|i| (i.to_string(), picture(i))).collect();
        let model =
            PatchCore::load(params, Backbone::embedded().unwrap()).unwrap().fit(&good, &Quiet).unwrap();
        let next = picture(2);
        model.predict(&next).unwrap();
        let mut prediction = None;
        let info = measure(|| prediction = Some(model.predict(&next).unwrap()));
        (info, prediction.unwrap())
    })
}

#[test]
fn after_the_first_a_picture_needs_no_memory_but_its_result() {
    let pooled = Reduction::Pooled { pretrain: 112, target: 96 };
    for reduction in [Reduction::Raw, pooled] {
        let mut params = Params::default();
        params.embedding.reduction = reduction;
        let (info, prediction) = counted(params);
        let values = prediction.anomaly_map.data().len()
            + prediction.patches[0].scores.data().len()
            + prediction.patches[0].nearest.len();
        let result = (values * size_of::<f32>()) as u64;
        assert!(info.bytes_total >= result, "{info:?} counts another thread");
        assert!(info.bytes_total < result + SMALL, "{info:?}, of which {result} bytes are the result");
        assert!(info.bytes_current.unsigned_abs() < result + SMALL, "{info:?}: memory is kept");
    }
}

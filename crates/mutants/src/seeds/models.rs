//! Model files of a few rows.

use patchcore::{Calibration, Fitted, HeldOutBy, Member, MemoryBank, Origin, Params, Rates, Training};
use patchcore_image::{Fingerprint, Intensity, Picture};
use patchcore_tensor::Embeddings;

/// With one member and thresholds; with two, of which one is imported; without thresholds.
pub(crate) fn model() -> Vec<Vec<u8>> {
    let rows = |n: usize, d: usize| {
        let values = (0..n * d).map(|i| (i * 37 % 23) as f32 * 0.25 - 2.0).collect();
        Embeddings::from_vec(n, d, values).expect("as many values")
    };
    let picture = |step: usize| {
        let rgb = (0..8 * 8 * 3).map(|i| (i * step) as u8).collect();
        Fingerprint::of(&Picture::from_rgb(8, 8, rgb).expect("a picture"))
    };
    let mut member = Member::imported(Params::default(), "00".repeat(32), rows(4, 8));
    let imported = Member::imported(Params::default(), "11".repeat(32), rows(3, 4));
    member.bank = MemoryBank { origins: vec![Origin { picture: 1, y: 2, x: 3 }; 4], rows: member.bank.rows };
    member.patches = 40;
    member.covering_radius = Some(0.5);
    let training = Training {
        pictures: vec!["good/0.png".into(), "good/1.png".into()],
        intensity: Intensity::Window { low: 5, high: 4095 },
        version: "0.1.0".into(),
        fingerprints: vec![picture(3), picture(7)],
        ..Training::default()
    };
    let calibration = |members: usize| Calibration {
        image_threshold: 1.25,
        false_alarm_rate: 0.25,
        review_threshold: 1.0,
        review_rate: 0.5,
        pixel_threshold: 1.0,
        pixel_false_area: 0.125,
        pixel_typical: 0.5,
        asked: Rates::of(0.01),
        held_out: HeldOutBy::Folds(2),
        image_scores: vec![1.0, 1.25],
        scales: vec![1.0; members],
    };
    let of = |members: Vec<Member>, calibration| Fitted { members, training: training.clone(), calibration };
    [
        of(vec![member.clone()], Some(calibration(1))),
        of(vec![member.clone(), imported], Some(calibration(2))),
        of(vec![member], None),
    ]
    .map(|fitted| fitted.to_bytes().expect("finite numbers"))
    .to_vec()
}

//! Times all pixel metrics of a set as large as an MVTec category: 160 maps of 224x224.
//!
//! `cargo run --release -p patchcore-metrics --example whole_category`
#![expect(clippy::print_stdout, reason = "the numbers are its purpose")]

use patchcore_metrics::{PixelPicture, pixel_metrics};
use std::time::Instant;

const SIDE: usize = 224;
const PICTURES: usize = 160;

fn main() {
    let pictures: Vec<(Vec<f32>, Vec<bool>)> = (0..PICTURES).map(picture).collect();
    let pictures: Vec<PixelPicture<'_>> = pictures
        .iter()
        .map(|(scores, mask)| PixelPicture { height: SIDE, width: SIDE, scores, mask })
        .collect();

    let start = Instant::now();
    let metrics = pixel_metrics(&pictures, &[0.3, 0.05]);
    let seconds = start.elapsed().as_secs_f64();
    println!("{metrics:#?}");
    println!("{} pixels: {seconds:.3} s on one thread", PICTURES * SIDE * SIDE);
}

/// Noise, and in two of three pictures a few warm discs that the mask marks.
fn picture(number: usize) -> (Vec<f32>, Vec<bool>) {
    let mut state = number as u64 + 1;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let discs: Vec<[f32; 3]> = (0..number % 3)
        .map(|_| [random() * SIDE as f32, random() * SIDE as f32, 5.0 + 20.0 * random()])
        .collect();
    (0..SIDE * SIDE)
        .map(|p| {
            let (y, x) = ((p / SIDE) as f32, (p % SIDE) as f32);
            let defect = discs.iter().any(|[cy, cx, r]| (y - cy).hypot(x - cx) < *r);
            (1.0 + random() + if defect { 0.7 } else { 0.0 }, defect)
        })
        .unzip()
}

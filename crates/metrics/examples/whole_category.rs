//! Times the pixel metrics of a whole category at original size, and says how much memory they took.
//!
//! `cargo run --release -p patchcore-metrics --example whole_category [PICTURES] [SIDE]`
//! (83 pictures of 1024x1024 unless told otherwise).
#![expect(clippy::print_stdout, reason = "the numbers are its purpose")]

use patchcore_metrics::{AUPIMO_RANGE, PixelPicture, aupimo, pixel_metrics};
use std::time::Instant;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse().expect("a whole number"));
    let (n, side) = (numbers.next().unwrap_or(83), numbers.next().unwrap_or(1024));
    let pictures: Vec<(Vec<f32>, Vec<bool>)> = (0..n).map(|number| picture(number, side)).collect();
    let pictures: Vec<PixelPicture<'_>> = pictures
        .iter()
        .map(|(scores, mask)| PixelPicture { height: side, width: side, scores, mask })
        .collect();
    println!("{} pixels, {} bytes of maps and masks", n * side * side, 5 * n * side * side);
    println!("peak memory before: {}", peak_memory());

    let start = Instant::now();
    let metrics = pixel_metrics(&pictures, &[0.3, 0.05]);
    let seconds = start.elapsed().as_secs_f64();
    println!("AUROC {:?}, AUPRO {:?}", metrics.auroc, metrics.aupro);
    println!("{seconds:.3} s; peak memory: {}", peak_memory());

    let start = Instant::now();
    let aupimo = aupimo(&pictures, AUPIMO_RANGE).map(|found| found.mean);
    let seconds = start.elapsed().as_secs_f64();
    println!("AUPIMO {aupimo:?}: {seconds:.3} s; peak memory: {}", peak_memory());
}

/// The most memory that the process ever held, as Linux tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("unknown".to_owned(), |size| size.trim().to_owned())
}

/// Noise, and in two of three pictures a few warm discs that the mask marks.
fn picture(number: usize, side: usize) -> (Vec<f32>, Vec<bool>) {
    let mut state = number as u64 + 1;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let discs: Vec<[f32; 3]> = (0..number % 3)
        .map(|_| [random() * side as f32, random() * side as f32, 5.0 + 20.0 * random()])
        .collect();
    (0..side * side)
        .map(|p| {
            let (y, x) = ((p / side) as f32, (p % side) as f32);
            let defect = discs.iter().any(|[cy, cx, r]| (y - cy).hypot(x - cx) < *r);
            (1.0 + random() + if defect { 0.7 } else { 0.0 }, defect)
        })
        .unzip()
}

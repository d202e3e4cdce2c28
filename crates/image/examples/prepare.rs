//! Times what becomes of a picture before the backbone: `prepare ROUNDS FILE...` prints for each file the medians of
//! decoding, resizing with the crop, and normalising, in milliseconds.
//!
//! One thread. `bench/peers/pictures.py` runs it beside Pillow.

use patchcore_image::{Limits, Picture, Preprocess, decode};
use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let rounds: usize = words.next().ok_or("usage: prepare ROUNDS FILE...")?.parse()?;
    let reference = Preprocess::reference(256, 224);
    // One pixel with a broad border has nothing to resize and is only normalised.
    let normalise = Preprocess::reference(1, 224);
    let small = Picture::from_rgb(1, 1, vec![128; 3])?;
    let mut out = std::io::stdout().lock();
    for file in words {
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..rounds.max(1) {
            let (decoded, picture) = timed(|| decode(file.as_ref(), &Limits::default()));
            let picture = picture?;
            let (applied, _) = timed(|| reference.apply(&picture));
            let (normalised, _) = timed(|| normalise.apply(&small));
            for (all, time) in times.iter_mut().zip([decoded, applied - normalised, normalised]) {
                all.push(time);
            }
        }
        let [decoded, resized, normalised] = times.map(median);
        writeln!(out, "{decoded:.4} {resized:.4} {normalised:.4} {file}")?;
    }
    Ok(())
}

/// What `work` gives, after the milliseconds that it took.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = black_box(work());
    (start.elapsed().as_secs_f64() * 1e3, result)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

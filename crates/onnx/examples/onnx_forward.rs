//! Times a network from an ONNX file, and writes its maps: `onnx_forward FILE PICTURE.f32 MAPS.f32 SECONDS LAYER...`.
//!
//! PICTURE.f32 holds `[3, 224, 224]` normalised values, MAPS.f32 gets the maps `[h, w, c]` one after the other; both raw,
//! little-endian. `RAYON_NUM_THREADS` sets the number of threads.

use patchcore_backbone::FeatureExtractor;
use patchcore_onnx::{OnnxBackbone, OnnxOptions};
use patchcore_tensor::Tensor;
use std::error::Error;
use std::time::Instant;

const SIDE: usize = 224;
const FEWEST_PASSES: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, picture, to, seconds, layers @ ..] = args.as_slice() else {
        return Err("usage: onnx_forward FILE PICTURE.f32 MAPS.f32 SECONDS LAYER...".into());
    };
    let seconds: f64 = seconds.parse()?;
    let start = Instant::now();
    let network = OnnxBackbone::load(file.as_ref(), layers, &OnnxOptions::default())?;
    let loading = start.elapsed().as_secs_f64();
    let bytes = std::fs::read(picture)?;
    let values: Vec<f32> = bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
    let picture = Tensor::from_nchw([1, SIDE, SIDE, 3], &values)?;
    let maps = network.features(&picture)?;
    let bytes: Vec<u8> = maps.iter().flat_map(Tensor::data).flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(to, bytes)?;
    let (block, mut times) = (Instant::now(), Vec::new());
    while times.len() < FEWEST_PASSES || block.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        network.features(&picture)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let shapes: Vec<_> = maps.iter().map(Tensor::shape).collect();
    let (fastest, middle) = (times[0], times[times.len() / 2]);
    #[expect(clippy::print_stdout, reason = "this is a program")]
    {
        println!(
            "{shapes:?}, loaded in {loading:.2} s, {middle:.2} ms per picture (median), {fastest:.2} at best"
        );
    }
    Ok(())
}

//! Times the forward pass up to the usual taps, and writes the feature maps for comparison with other engines.
//!
//! ```text
//! cargo run --release -p patchcore-backbone --example forward -- wide_resnet50_2 --batch 8
//! ```
//!
//! `forward NAME [--batch N] [--precision f32|fast|bf16] [--weights FILE.safetensors] [--input-tensor NAME] [--write FILE]
//! [--seconds S]`: weights come from a formula unless a file is named; the input is grey unless a tensor `[n, h, w, 3]` of
//! that file is named; passes are timed for S seconds after one that is not; the maps are written as safetensors.

#![allow(clippy::print_stdout, reason = "a program that prints its result")]

use patchcore_backbone::networks::architecture;
use patchcore_backbone::weights::Weights;
use patchcore_backbone::{Backbone, FeatureExtractor, Precision, parameters, weights_from};
use patchcore_tensor::Tensor;
use safetensors::tensor::{Dtype, TensorView};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Side of the input picture when no tensor is given.
const SIDE: usize = 224;
/// Passes that are timed even if they take longer than asked for.
const FEWEST_PASSES: usize = 3;

struct Options {
    name: String,
    batch: usize,
    precision: Precision,
    weights: Option<PathBuf>,
    input_tensor: Option<String>,
    write: Option<PathBuf>,
    seconds: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options(std::env::args().skip(1))?;
    let (name, precision) = (&options.name, options.precision);
    let layers =
        architecture(name).ok_or_else(|| format!("unknown network {name}"))?.layers.map(String::from);
    let weights = match &options.weights {
        Some(path) => Weights::read(path)?,
        None => weights_from(name, constant_like)?,
    };
    let input = input(&options, &weights)?;
    let backbone = Backbone::load(name, &weights, &layers, precision)?;
    drop(weights);

    let maps = backbone.features(&input)?;
    if let Some(path) = &options.write {
        write_maps(path, &layers, &maps)?;
    }
    let batch = input.shape()[0];
    let ms = median_ms(options.seconds, || backbone.features(&input).map(drop))? / batch as f64;
    let (count, threads) = (parameters(name)?.len(), rayon::current_num_threads());
    println!(
        "{name} ({count} parameters) batch {batch} threads {threads} {precision}: {ms:.3} ms per picture (median)"
    );
    Ok(())
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, Box<dyn Error>> {
    let mut options = Options {
        name: "wide_resnet50_2".into(),
        batch: 1,
        precision: Precision::F32,
        weights: None,
        input_tensor: None,
        write: None,
        seconds: 2.0,
    };
    while let Some(word) = args.next() {
        if !word.starts_with("--") {
            options.name = word;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--batch" => options.batch = value.parse()?,
            "--precision" => options.precision = value.parse()?,
            "--weights" => options.weights = Some(value.into()),
            "--input-tensor" => options.input_tensor = Some(value),
            "--write" => options.write = Some(value.into()),
            "--seconds" => options.seconds = value.parse()?,
            _ => return Err(format!("unknown option {word}").into()),
        }
    }
    Ok(options)
}

/// The named tensor of the weight file, or a grey batch.
fn input(options: &Options, weights: &Weights) -> Result<Tensor, Box<dyn Error>> {
    let Some(name) = &options.input_tensor else {
        let shape = [options.batch, SIDE, SIDE, 3];
        return Ok(Tensor::from_vec(shape, vec![0.1; shape.iter().product()])?);
    };
    let tensor = weights.tensor(name)?;
    let shape = <[usize; 4]>::try_from(tensor.shape.as_slice())
        .map_err(|_| format!("{name}: shape {:?}, expected [n, h, w, 3]", tensor.shape))?;
    Ok(Tensor::from_vec(shape, tensor.values)?)
}

/// One tensor `[n, h, w, c]` per layer, under the layer's name.
fn write_maps(path: &Path, layers: &[String], maps: &[Tensor]) -> Result<(), Box<dyn Error>> {
    let bytes: Vec<Vec<u8>> =
        maps.iter().map(|map| map.data().iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let mut views = Vec::new();
    for ((layer, map), bytes) in layers.iter().zip(maps).zip(&bytes) {
        views.push((layer, TensorView::new(Dtype::F32, map.shape().to_vec(), bytes)?));
    }
    std::fs::write(path, safetensors::serialize(views, None)?)?;
    Ok(())
}

/// Median time of a pass, over passes that together take `seconds`.
fn median_ms<E>(seconds: f64, mut pass: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let (block, mut times) = (Instant::now(), Vec::new());
    while times.len() < FEWEST_PASSES || block.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        pass()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Small weights that neither vanish nor explode.
fn constant_like(key: &str, shape: &[usize]) -> Vec<f32> {
    let n: usize = shape.iter().product();
    let value = if key.ends_with("running_mean") {
        0.0
    } else if shape.len() > 1 {
        0.01
    } else {
        1.0
    };
    (0..n).map(|i| if i % 2 == 0 { value } else { value * 0.9 }).collect()
}

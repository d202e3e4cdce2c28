//! Times the forward pass: `cargo run --release -p patchcore-backbone --example forward -- wide_resnet50_2 1`.

#![allow(clippy::print_stdout, reason = "a program that prints its result")]

use patchcore_backbone::networks::architecture;
use patchcore_backbone::{Backbone, FeatureExtractor, Precision, parameters, weights_from};
use patchcore_tensor::Tensor;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "wide_resnet50_2".into());
    let batch: usize = args.next().map_or(Ok(1), |n| n.parse())?;
    let precision: Precision = args.next().map_or(Ok(Precision::F32), |p| p.parse())?;
    let layers = architecture(&name).ok_or("unknown network")?.layers.map(String::from);
    let count = parameters(&name)?.len();
    let weights = weights_from(&name, constant_like)?;
    let backbone = Backbone::load(&name, &weights, &layers, precision)?;
    let input = Tensor::from_vec([batch, 224, 224, 3], vec![0.1; batch * 224 * 224 * 3])?;
    let mut times = Vec::new();
    for _ in 0..15 {
        let start = Instant::now();
        backbone.features(&input)?;
        times.push(start.elapsed().as_secs_f64() * 1e3 / batch as f64);
    }
    times.sort_by(f64::total_cmp);
    let threads = rayon::current_num_threads();
    println!(
        "{name} ({count} parameters) batch {batch} threads {threads}: {:.2} ms per picture (median)",
        times[7]
    );
    Ok(())
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

//! Times rten on an ONNX file and writes its outputs: `rten-forward MODEL.onnx INPUT.f32 OUTPUTS.f32 SECONDS`.
//!
//! INPUT.f32 holds the input's values, OUTPUTS.f32 gets the values of all outputs one after the other; both raw, little
//! endian, in the order of the ONNX file's shapes. Passes are timed for SECONDS after one that is not. `RTEN_NUM_THREADS`
//! sets the number of threads.

use rten::{Dimension, ModelOptions, Value};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use std::error::Error;
use std::time::Instant;

/// Passes that are timed even if they take longer than asked for.
const FEWEST_PASSES: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, input, outputs, seconds] = args.as_slice() else {
        return Err("usage: rten-forward MODEL.onnx INPUT.f32 OUTPUTS.f32 SECONDS".into());
    };
    let seconds: f64 = seconds.parse()?;
    // Packing weights once at load costs memory only; it is off by default.
    let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(model)?;

    let dimensions = model.input_shape(0).ok_or("the input has no shape")?;
    let shape: Vec<usize> = dimensions.iter().filter_map(fixed).collect();
    let shape =
        <[usize; 4]>::try_from(shape).map_err(|_| "the input is not [n, c, h, w] with fixed sizes")?;
    let values: Vec<f32> =
        std::fs::read(input)?.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
    let input = NdTensor::try_from_data(shape, values).map_err(|_| "the input's file has another size")?;
    let pass = || model.run(vec![(model.input_ids()[0], input.view().into())], model.output_ids(), None);

    let mut bytes = Vec::new();
    for map in pass()? {
        let Value::FloatTensor(map) = map else { return Err("an output is not f32".into()) };
        bytes.extend(map.iter().flat_map(|v| v.to_le_bytes()));
    }
    std::fs::write(outputs, bytes)?;

    let (block, mut times) = (Instant::now(), Vec::new());
    while times.len() < FEWEST_PASSES || block.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        pass()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let batch = shape[0];
    let threads = std::env::var("RTEN_NUM_THREADS").unwrap_or_else(|_| "default".into());
    let ms = times[times.len() / 2] / batch as f64;
    println!("batch {batch} threads {threads}: {ms:.3} ms per picture (median)");
    Ok(())
}

fn fixed(dimension: &Dimension) -> Option<usize> {
    match dimension {
        Dimension::Fixed(size) => Some(*size),
        Dimension::Symbolic(_) => None,
    }
}

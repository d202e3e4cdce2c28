//! Time of finding the nearest rows of a model's memory bank, alone, and a proof that they are the nearest.

use super::quantile;
use super::walk::walk;
use crate::args::{BenchSearch, Shown};
use crate::exit::{Code, Failure};
use crate::progress::Bars;
use crate::targets::{Sources, claim_file, may_write};
use crate::{backbone, inputs, output};
use patchcore::search::{NONE, Neighbours, nearest};
use patchcore::{MemoryBank, Progress};
use patchcore_files::write_atomic;
use patchcore_tensor::Embeddings;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

pub(super) fn run(args: &BenchSearch, how: Shown) -> Result<Code, Failure> {
    let saved = args.save.as_deref().map(claim_file).transpose()?;
    let model = backbone::open_model(&args.model, &args.weights)?;
    let inputs = inputs::expand(&args.paths, None)?;
    if let Some(claim) = &saved {
        may_write(claim, false, &Sources::of(&inputs.files).and(&args.weights).and([&args.model]))?;
    }
    let bars = Bars::new(how);
    bars.begin_named("queries", inputs.files.len());
    let mut queries = Vec::new();
    let place = args.member as usize - 1;
    let Some(member) = model.members().nth(place) else {
        let message = format!("--member {}: the model has {}", args.member, model.members().len());
        return Err(Failure::usage(message));
    };
    let mut spaces = Vec::new();
    for file in &inputs.files {
        walk(&model, file, &mut spaces).map_err(|fault| Failure::new(Code::Input, fault))?;
        queries.push(spaces[place].embeddings.rows.clone());
        bars.advance(1);
    }
    bars.end();
    let (bank, k) =
        (&member.member().bank, args.neighbours.unwrap_or(member.member().params.num_nn as u32) as usize);
    let (mut seconds, mut found) = (Vec::new(), Vec::new());
    for round in 0..=args.rounds {
        found.clear();
        for rows in &queries {
            let start = Instant::now();
            found.push(member.nearest(rows, k)?);
            // The first round finds memory for the others.
            if round > 0 {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
    }
    let verified = args.verify.then(|| verify(bank, &queries, &found, k)).transpose()?;
    if let Some(path) = &args.save {
        save(path, bank, &queries, &found)?;
    }
    let milliseconds = 1e3 * quantile(&seconds, 0.5);
    let (pictures, rows, d, threads) =
        (queries.len(), bank.len(), bank.rows.dim(), rayon::current_num_threads());
    let patches = queries.iter().map(Embeddings::len).sum::<usize>();
    if how.json {
        let report = json!({
            "pictures": pictures,
            "patches": patches,
            "bank_rows": rows,
            "embedding_dimension": d,
            "neighbours": k,
            "threads": threads,
            "milliseconds": milliseconds,
            "verified_pairs": verified,
        });
        output::line(&report.to_string())?;
        return Ok(Code::Done);
    }
    output::line(&format!(
        "{k} nearest of {rows} rows of {d} values for the patches of a picture: {milliseconds:.2} ms with {threads} \
         thread(s), the median of {pictures} picture(s), {patches} patches"
    ))?;
    if let Some(pairs) = verified {
        output::line(&format!(
            "verified with {pairs} distances: the rows and distances of the plain search"
        ))?;
    }
    Ok(Code::Done)
}

/// Fails unless every row and every distance is that of comparing with every row; gives how many were compared.
fn verify(
    bank: &MemoryBank,
    queries: &[Embeddings],
    found: &[Neighbours],
    k: usize,
) -> Result<usize, Failure> {
    for (rows, found) in queries.iter().zip(found) {
        if nearest(bank, rows.data(), k, None) != *found {
            return Err(Failure::new(Code::Internal, "the search and the plain search differ"));
        }
    }
    Ok(queries.iter().map(Embeddings::len).sum::<usize>() * bank.len())
}

/// Writes `bank` and `queries`, f32 `[n, d]`; `counts`, i64 `[pictures]`; `indices`, i64, and `squared`, f32, `[n, k]`.
fn save(path: &Path, bank: &MemoryBank, queries: &[Embeddings], found: &[Neighbours]) -> Result<(), Failure> {
    let internal = |e: safetensors::SafeTensorError| Failure::new(Code::Internal, e.to_string());
    let floats = |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    let integers = |values: &[i64]| -> Vec<u8> { values.iter().flat_map(|v| v.to_le_bytes()).collect() };
    let (d, n) = (bank.rows.dim(), queries.iter().map(Embeddings::len).sum());
    let k = found.first().map_or(0, |found| found.k);
    let counts: Vec<i64> = queries.iter().map(|rows| rows.len() as i64).collect();
    let indices: Vec<i64> = found
        .iter()
        .flat_map(|found| found.index.iter().map(|&index| if index == NONE { -1 } else { i64::from(index) }))
        .collect();
    let join =
        |part: fn(&Neighbours) -> &[f32]| -> Vec<f32> { found.iter().flat_map(part).copied().collect() };
    let rows: Vec<f32> = queries.iter().flat_map(Embeddings::data).copied().collect();
    let parts = [
        ("bank", Dtype::F32, vec![bank.len(), d], floats(bank.rows.data())),
        ("queries", Dtype::F32, vec![n, d], floats(&rows)),
        ("counts", Dtype::I64, vec![counts.len()], integers(&counts)),
        ("indices", Dtype::I64, vec![n, k], integers(&indices)),
        ("squared", Dtype::F32, vec![n, k], floats(&join(|found| &found.squared))),
    ];
    let mut tensors = Vec::new();
    for (name, dtype, shape, bytes) in &parts {
        tensors.push((*name, TensorView::new(*dtype, shape.clone(), bytes).map_err(internal)?));
    }
    let bytes = safetensors::serialize(tensors, None).map_err(internal)?;
    Ok(write_atomic(path, &bytes, false)?)
}

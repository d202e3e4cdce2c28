//! Time and memory of choosing the memory bank, apart from all else, and the proof that it is the right one.

use super::foretold::Foretold;
use super::{memory, quantile};
use crate::args::{BenchCoreset, Shown};
use crate::commands::fit::good_pictures;
use crate::exit::{Code, Failure};
use crate::output::{self, score_json};
use crate::progress::Bars;
use crate::targets::{Sources, claim_file, may_write};
use crate::{backbone, config};
use patchcore::coreset::{Coreset, replay};
use patchcore::{Features, Progress, SamplerKind, peak_memory};
use patchcore_files::write_atomic;
use patchcore_image::Limits;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

const MIB: f64 = (1 << 20) as f64;

pub(super) fn run(args: &BenchCoreset, how: Shown) -> Result<Code, Failure> {
    let params = config::single(&args.model, "bench coreset")?;
    let sampler = params.sampler.clone();
    if args.verify && sampler.kind != SamplerKind::Greedy {
        return Err(Failure::usage("--verify proves the picks of --sampler greedy"));
    }
    let saved = args.save.as_deref().map(claim_file).transpose()?;
    let bars = Bars::new(how);
    let patches = {
        let method = backbone::method(vec![params], &config::weights(&args.model))?;
        let good = good_pictures(&args.good, config::intensity(&args.model), Limits::default())?;
        if let Some(claim) = &saved {
            may_write(claim, false, &Sources::of(&good.paths).and(&args.model.weights))?;
        }
        let all = method.embeddings(&good, &bars)?;
        first(all, args.patches)?
    };
    memory::forget_peak();
    let before = peak_memory();
    let mut coreset = Coreset::default();
    let mut seconds = Vec::new();
    let mut foretold = None;
    for _ in 0..args.rounds {
        let progress = Foretold::new(&bars);
        let start = Instant::now();
        coreset = sampler.select(&*patches, &progress)?;
        seconds.push(start.elapsed().as_secs_f64());
        foretold = progress.error();
    }
    let seconds = quantile(&seconds, 0.5);
    let held = patches.bytes() as u64;
    let peak = peak_memory();
    let more = peak.map(|peak| peak.saturating_sub(held) as f64 / MIB);
    let choosing = peak.zip(before).map(|(peak, before)| peak.saturating_sub(before) as f64 / MIB);
    let start = Instant::now();
    if args.verify {
        bars.begin_named("replay", patches.len());
        replay(&*patches, &coreset, &bars).map_err(|wrong| Failure::new(Code::Internal, wrong))?;
        bars.end();
    }
    let verified = args.verify.then(|| start.elapsed().as_secs_f64());
    if let Some(path) = &args.save {
        save(path, &patches, &coreset)?;
    }
    let (n, rows, d, threads) =
        (patches.len(), coreset.indices.len(), patches.dim(), rayon::current_num_threads());
    if how.json {
        let report = json!({
            "patches": n,
            "embedding_dimension": d,
            "bank_rows": rows,
            "threads": threads,
            "seconds": seconds,
            "features_mib": held as f64 / MIB,
            "more_mib": more,
            "choosing_mib": choosing,
            "covering_radius": coreset.covering_radius.map(score_json),
            "foretold_within": foretold,
            "verify_seconds": verified,
        });
        output::line(&report.to_string())?;
        return Ok(Code::Done);
    }
    output::line(&format!("{rows} of {n} patches of {d} values in {seconds:.2} s with {threads} thread(s)"))?;
    let more = more.zip(choosing).map_or("unknown here".to_string(), |(more, choosing)| {
        format!("{more:.0} MiB, of which choosing took {choosing:.0}")
    });
    output::line(&format!("memory: {:.0} MiB for the patches; beyond them {more}", held as f64 / MIB))?;
    if let Some(error) = foretold {
        let percent = 100.0 * error;
        output::line(&format!(
            "progress foretold the whole time within {percent:.0} %, once a tenth was over"
        ))?;
    }
    if let Some(radius) = coreset.covering_radius {
        output::line(&format!("covering radius {radius}: no patch is farther from the bank"))?;
    }
    if let Some(seconds) = verified {
        let pairs = n as f64 * rows as f64;
        output::line(&format!(
            "verified in {seconds:.1} s with {pairs:.3e} distances: the picks of the plain loop"
        ))?;
    }
    Ok(Code::Done)
}

/// The first rows, or all.
fn first(mut all: Features, rows: Option<u64>) -> Result<Features, Failure> {
    let Some(rows) = rows.map(|rows| rows as usize) else { return Ok(all) };
    let n = all.len();
    if rows > n {
        return Err(Failure::usage(format!("--patches {rows}: the pictures have {n}")));
    }
    all.truncate(rows);
    Ok(all)
}

/// Writes `features`, f32 `[n, d]`, and `coreset`, i64 `[picks]`.
fn save(path: &Path, patches: &Features, coreset: &Coreset) -> Result<(), Failure> {
    let internal = |e: safetensors::SafeTensorError| Failure::new(Code::Internal, e.to_string());
    let features: Vec<u8> = patches
        .values(0..patches.len() * patches.dim(), &mut Vec::new())
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let picks: Vec<u8> = coreset.indices.iter().flat_map(|&i| (i as i64).to_le_bytes()).collect();
    let shape = vec![patches.len(), patches.dim()];
    let tensors = [
        ("features", TensorView::new(Dtype::F32, shape, &features).map_err(internal)?),
        ("coreset", TensorView::new(Dtype::I64, vec![coreset.indices.len()], &picks).map_err(internal)?),
    ];
    let bytes = safetensors::serialize(tensors, None).map_err(internal)?;
    Ok(write_atomic(path, &bytes, false)?)
}

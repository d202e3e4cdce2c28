//! Where the time of `predict` goes, and how near the network comes to what the processor can do.

use super::walk::{BACKBONE, STAGES, walk};
use super::{finish, peak, quantile};
use crate::args::{Bench, ModelOptions, Shown};
use crate::backbone::Network;
use crate::exit::{Code, Failure};
use crate::progress::Bars;
use crate::{backbone, inputs, output};
use patchcore::{Model, Progress};
use patchcore_kernels::isa::Isa;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Serialize)]
struct Report {
    pictures: usize,
    rounds: u32,
    stages: Vec<Row>,
    total: Row,
    instruction_set: &'static str,
    threads: usize,
    precision: &'static str,
    backbone: String,
    /// Of one picture, the mean over all; nothing where a network does not tell.
    multiply_adds: Option<f64>,
    backbone_gflops: Option<f64>,
    peak_gflops_one_thread: f64,
    peak_gflops: f64,
    /// Of the peak of all threads; over 100 where fewer products than the definition's give the same sums.
    direct_equivalent_percent: Option<f64>,
}

#[derive(Serialize)]
struct Row {
    stage: &'static str,
    p50_ms: f64,
    p95_ms: f64,
    share_percent: f64,
}

/// What was measured on every picture in every round.
struct Measured {
    seconds: Vec<[f64; STAGES.len()]>,
    multiply_adds: Option<u64>,
}

pub(super) fn run(args: &Bench, how: Shown) -> Result<Code, Failure> {
    let weights = args.model.weights.clone();
    if args.model != (ModelOptions { weights, ..ModelOptions::default() }) {
        return Err(Failure::usage("without --compare the model file says how it was fitted")
            .hint("of the model options only --weights may stand here"));
    }
    let Some((model, paths)) = args.paths.split_first().filter(|(_, paths)| !paths.is_empty()) else {
        return Err(Failure::usage("no pictures to judge").hint("patchcore bench MODEL PATH..."));
    };
    let model = backbone::open_model(model, &args.model.weights)?;
    let inputs = inputs::expand(paths, None)?;
    for warning in &inputs.warnings {
        output::warn(warning);
    }
    let bars = Bars::new(how);
    bars.begin_named("bench", inputs.files.len() * (args.rounds as usize + 1));
    let (mut good, mut faults): (Vec<PathBuf>, Vec<String>) = (Vec::new(), Vec::new());
    let mut spaces = Vec::new();
    for file in &inputs.files {
        match walk(&model, file, &mut spaces) {
            Ok(_) => good.push(file.clone()),
            Err(fault) => faults.push(fault),
        }
        bars.advance(1);
    }
    let mut measured = Measured { seconds: Vec::new(), multiply_adds: Some(0) };
    for _ in 0..args.rounds {
        for file in &good {
            let walk = walk(&model, file, &mut spaces).map_err(|fault| Failure::new(Code::Input, fault))?;
            measured.seconds.push(walk.seconds);
            measured.multiply_adds =
                measured.multiply_adds.zip(walk.multiply_adds).map(|(sum, more)| sum + more);
            bars.advance(1);
        }
    }
    bars.end();
    if !good.is_empty() {
        print(&report(&model, &measured, good.len(), args.rounds), how)?;
    }
    finish(faults, inputs.files.len())
}

fn report(model: &Model<Network>, measured: &Measured, pictures: usize, rounds: u32) -> Report {
    let stage = |i: usize| -> Vec<f64> { measured.seconds.iter().map(|s| s[i]).collect() };
    let totals: Vec<f64> = measured.seconds.iter().map(|s| s.iter().sum()).collect();
    let all: f64 = totals.iter().sum();
    let row = |stage, seconds: &[f64]| Row {
        stage,
        p50_ms: 1e3 * quantile(seconds, 0.5),
        p95_ms: 1e3 * quantile(seconds, 0.95),
        share_percent: 100.0 * seconds.iter().sum::<f64>() / all,
    };
    let members = &model.fitted().members;
    let names: Vec<&str> = members.iter().map(|member| member.params.backbone.as_str()).collect();
    let (isa, precision) = (Isa::best(), members[0].params.precision);
    let peak = peak::measure(isa, precision);
    let multiply_adds = measured.multiply_adds.map(|all| all as f64);
    let flops = multiply_adds.map(|all| 2.0 * all / stage(BACKBONE).iter().sum::<f64>());
    Report {
        pictures,
        rounds,
        stages: STAGES.iter().enumerate().map(|(i, name)| row(name, &stage(i))).collect(),
        total: row("total", &totals),
        instruction_set: isa.name(),
        threads: rayon::current_num_threads(),
        precision: precision.name(),
        backbone: names.join(" + "),
        multiply_adds: multiply_adds.map(|all| all / totals.len() as f64),
        backbone_gflops: flops.map(|flops| flops / 1e9),
        peak_gflops_one_thread: peak.one_thread / 1e9,
        peak_gflops: peak.all_threads / 1e9,
        direct_equivalent_percent: flops.map(|flops| 100.0 * flops / peak.all_threads),
    }
}

fn print(report: &Report, how: Shown) -> Result<(), Failure> {
    if how.json {
        let text = serde_json::to_string(report).map_err(|e| Failure::new(Code::Internal, e.to_string()))?;
        return output::line(&text);
    }
    output::line(&format!("{:<12}{:>10}{:>10}{:>9}", "ms a picture", "p50", "p95", "share"))?;
    for row in report.stages.iter().chain([&report.total]) {
        let Row { stage, p50_ms, p95_ms, share_percent } = row;
        output::line(&format!("{stage:<12}{p50_ms:>10.3}{p95_ms:>10.3}{share_percent:>7.1} %"))?;
    }
    let r = report;
    let network = match (r.multiply_adds, r.backbone_gflops, r.direct_equivalent_percent) {
        (Some(all), Some(gflops), Some(percent)) => format!(
            "{:.3} G multiply-adds a picture, {gflops:.1} GFLOP/s, {percent:.1} % (direct-equivalent)",
            all / 1e9
        ),
        _ => "multiply-adds not known".to_string(),
    };
    output::line(&format!(
        "{}, {} thread(s), {}; {} picture(s) x {} round(s); {}: {network} of the measured peak of {:.1} GFLOP/s, {:.1} with \
         one thread",
        r.instruction_set,
        r.threads,
        r.precision,
        r.pictures,
        r.rounds,
        r.backbone,
        r.peak_gflops,
        r.peak_gflops_one_thread
    ))
}

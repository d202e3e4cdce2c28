//! The patchcore program: fit, predict, evaluate, compare, inspect, bench, demo, weights.
//!
//! This is a door: it turns words into library calls and results into lines, files and exit codes.

mod args;
mod audit;
mod backbone;
mod commands;
mod config;
mod dataset;
mod exit;
mod inputs;
mod oddities;
mod out_of_memory;
mod output;
mod pictures;
mod progress;
mod regions;
mod report;
mod signals;
mod targets;
mod thresholds;
mod workers;

use args::{Args, Command};
use exit::{Code, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    out_of_memory::prepare();
    // A panic is our own bug; it is reported as one line, like every other error.
    std::panic::set_hook(Box::new(|_| {}));
    let args = match Args::read(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => return exit::usage(&error, std::env::args_os().any(|word| word == "--json")),
    };
    signals::listen();
    let json = args.json;
    out_of_memory::in_json(json);
    let result =
        std::panic::catch_unwind(|| run(args)).unwrap_or_else(|panic| Err(Failure::internal(panic.as_ref())));
    match result {
        Ok(code) => code.into(),
        Err(failure) => failure.report(json),
    }
}

fn run(args: Args) -> Result<Code, Failure> {
    config::set_processor(args.threads)?;
    let shown = args.shown();
    match args.command {
        Command::Fit(fit) => commands::fit::run(&fit, shown),
        Command::Calibrate(calibrate) => commands::calibrate::run(&calibrate, shown),
        Command::Predict(predict) => commands::predict::run(&predict, shown),
        Command::Evaluate(evaluate) => commands::evaluate::run(&evaluate, shown),
        Command::Compare(compare) => commands::compare::run(&compare, shown),
        Command::Run(run) => commands::run::run(&run, shown),
        Command::Inspect(inspect) => commands::inspect::run(&inspect, shown),
        Command::Dataset(dataset) => commands::dataset::run(&dataset, shown),
        Command::Import(import) => commands::import::run(&import, shown),
        Command::Export(export) => commands::export::run(&export, shown),
        Command::Bench(bench) => commands::bench::run(&bench, shown),
        Command::Demo(demo) => commands::demo::run(&demo, shown),
        Command::Weights(weights) => commands::weights::run(&weights, shown),
    }
}

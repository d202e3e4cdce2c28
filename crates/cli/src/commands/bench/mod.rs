//! `patchcore bench`: what the program does on the user's own machine and pictures, without labels.

mod calibration;
mod compare;
mod coreset;
mod foretold;
mod memory;
mod peak;
mod search;
mod stages;
mod walk;

use crate::args::{Bench, BenchPart, Shown};
use crate::exit::{Code, Failure};

pub(crate) fn run(args: &Bench, how: Shown) -> Result<Code, Failure> {
    match &args.part {
        Some(BenchPart::Coreset(args)) => return coreset::run(args, how),
        Some(BenchPart::Calibration(args)) => return calibration::run(args, how),
        Some(BenchPart::Search(args)) => return search::run(args, how),
        None => {}
    }
    match args.compare {
        Some(other) => compare::run(args, other, how),
        None => stages::run(args, how),
    }
}

/// The end, when all that can be said was said.
fn finish(faults: Vec<String>, total: usize) -> Result<Code, Failure> {
    if faults.is_empty() {
        return Ok(Code::Done);
    }
    let message = format!("{} of {total} pictures could not be judged and do not count", faults.len());
    Err(Failure::new(Code::SomeBad, message).parts(faults))
}

/// The smallest value that a share `q` of all values does not exceed; 0 if there is none.
fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_values() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((quantile(&hundred, 0.5), quantile(&hundred, 0.95)), (50.0, 95.0));
        assert_eq!((quantile(&[3.0, 1.0, 2.0], 0.5), quantile(&[3.0, 1.0, 2.0], 0.95)), (2.0, 3.0));
        assert_eq!((quantile(&[7.0], 0.5), quantile(&[7.0], 0.95)), (7.0, 7.0));
    }
}

//! Whether the promises of the thresholds hold on good pictures that a model has not seen, over repeated draws.
//!
//! A round draws some of the good pictures at random, fits on them alone, and counts what their thresholds say about all
//! others. The mean over the rounds is what the promised rates speak of; a single round's rate scatters around it.

use crate::args::{BenchCalibration, Shown};
use crate::backbone::Network;
use crate::commands::fit::good_pictures;
use crate::exit::{Code, Failure};
use crate::output;
use crate::progress::Bars;
use crate::{backbone, config};
use patchcore::{Files, Model, Mt19937, Pictures, Progress, Quiet};
use patchcore_image::Limits;
use patchcore_metrics::{Estimate, Resampling, bootstrap_mean};
use serde_json::{Value, json};

/// What is counted, and how it is named for people and for programs.
const COUNTED: [(&str, &str); 4] = [
    ("defect", "false_alarm_rate"),
    ("not ok", "review_rate"),
    ("any pixel", "pixel_false_alarm_rate"),
    ("area", "pixel_false_area"),
];

pub(super) fn run(args: &BenchCalibration, how: Shown) -> Result<Code, Failure> {
    let rates = args.held_out.rates();
    let members = config::members(&args.model)?;
    let networks = backbone::networks(&members, &config::weights(&args.model))?;
    let all = good_pictures(&args.good, config::intensity(&args.model), Limits::default())?;
    let n = all.paths.len();
    let fitted_on = args.fit_on.map_or(n / 2, |count| count as usize);
    if fitted_on < 2 || fitted_on >= n {
        let message =
            format!("{fitted_on} of {n} pictures to fit on: it takes two, and one more to count on");
        return Err(Failure::usage(message));
    }
    let bars = Bars::new(how);
    bars.begin_named("rounds", args.rounds as usize);
    let mut rounds = Vec::new();
    for round in 0..args.rounds {
        let drawn = Mt19937::new(round).permutation(n);
        let [fit, fresh] = [&drawn[..fitted_on], &drawn[fitted_on..]].map(|drawn| subset(&all, drawn));
        let method = backbone::method_on(members.clone(), networks.clone())?;
        let model = args.held_out.apply(method)?.fit(&fit, &Quiet)?;
        rounds.push(count(&model, &fresh)?);
        bars.advance(1);
    }
    bars.end();
    let asked = [Some(rates.false_alarm), Some(rates.review), Some(rates.false_alarm), None];
    let lines = (0..COUNTED.len()).map(|i| Line::of(i, asked[i], &rounds)).collect::<Result<Vec<_>, _>>()?;
    if how.json {
        let all: Value = lines
            .iter()
            .map(|line| (COUNTED[line.counted].1.to_string(), line.json()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let summary = json!({"pictures": n, "fitted_on": fitted_on, "rounds": args.rounds, "rates": all});
        output::line(&summary.to_string())?;
    } else {
        output::line(&format!(
            "{} rounds, each fitted on {fitted_on} of {n} good pictures and counted on the others",
            args.rounds
        ))?;
        output::line(&format!(
            "{:12}{:>9}{:>12}{:>12}   95 % interval of the mean",
            "", "asked", "promised", "found"
        ))?;
        for line in &lines {
            output::line(&line.text())?;
        }
    }
    Ok(Code::Done)
}

/// Some of the pictures, in their order.
fn subset(all: &Files, drawn: &[usize]) -> Files {
    let mut drawn = drawn.to_vec();
    drawn.sort_unstable();
    let paths = drawn.iter().map(|&i| all.paths[i].clone()).collect();
    Files { paths, root: all.root.clone(), limits: all.limits, intensity: all.intensity }
}

/// What one round promised, and what it found; each in the order of [`COUNTED`].
struct Round {
    promised: [f64; 4],
    found: [f64; 4],
}

fn count(model: &Model<Network>, fresh: &Files) -> Result<Round, Failure> {
    let Some(c) = &model.fitted().calibration else {
        return Err(Failure::usage("too few pictures to fit on: their models have no thresholds"));
    };
    let mut found = [0.0; 4];
    for i in 0..fresh.count() {
        let prediction = model.predict(&fresh.load(i)?)?;
        let map = prediction.anomaly_map.data();
        let reached = map.iter().filter(|&&value| value >= c.pixel_threshold).count();
        found[0] += f64::from(u8::from(prediction.image_score >= c.image_threshold));
        found[1] += f64::from(u8::from(prediction.image_score >= c.review_threshold));
        found[2] += f64::from(u8::from(reached > 0));
        found[3] += reached as f64 / map.len() as f64;
    }
    let promised = [c.false_alarm_rate, c.review_rate, c.false_alarm_rate, c.pixel_false_area];
    Ok(Round { promised, found: found.map(|sum| sum / fresh.count() as f64) })
}

/// One line of the table.
struct Line {
    counted: usize,
    asked: Option<f64>,
    promised: f64,
    found: Estimate,
}

impl Line {
    fn of(counted: usize, asked: Option<f64>, rounds: &[Round]) -> Result<Self, Failure> {
        let found: Vec<f64> = rounds.iter().map(|round| round.found[counted]).collect();
        let found = bootstrap_mean(&found, Resampling::default())
            .map_err(|reason| Failure::new(Code::Internal, reason.to_string()))?;
        let promised = rounds.iter().map(|round| round.promised[counted]).sum::<f64>() / rounds.len() as f64;
        Ok(Self { counted, asked, promised, found })
    }

    /// Whether no more was found than was promised, as far as the rounds can tell.
    fn holds(&self) -> bool {
        self.found.bounds.lower <= self.promised
    }

    fn text(&self) -> String {
        let percent = |share: f64| format!("{:.4} %", share * 100.0);
        let Estimate { value, bounds } = self.found;
        format!(
            "{:12}{:>9}{:>12}{:>12}   {} to {}{}",
            COUNTED[self.counted].0,
            self.asked.map_or("-".into(), |share| format!("{} %", share * 100.0)),
            percent(self.promised),
            percent(value),
            percent(bounds.lower),
            percent(bounds.upper),
            if self.holds() { "" } else { "   more than promised" }
        )
    }

    fn json(&self) -> Value {
        let Estimate { value, bounds } = self.found;
        json!({
            "asked": self.asked,
            "promised": self.promised,
            "found": value,
            "lower": bounds.lower,
            "upper": bounds.upper,
            "holds": self.holds(),
        })
    }
}

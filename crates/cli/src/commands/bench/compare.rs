//! What another precision would change for the user's pictures: verdicts, scores, time.

use super::walk::{BACKBONE, walk};
use super::{finish, quantile};
use crate::args::{Bench, PrecisionName, Shown};
use crate::backbone::Network;
use crate::commands::fit::good_pictures;
use crate::exit::{Code, Failure};
use crate::output::{self, score_json};
use crate::progress::Bars;
use crate::{backbone, config, inputs};
use patchcore::{Model, Params, Progress, Stage, Verdict, Workspace};
use patchcore_files::shown;
use patchcore_image::Limits;
use patchcore_metrics::{Metric, ScoreDifferences, score_differences, spearman};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Both models' word on all pictures; the first is the one that the options ask for.
struct Comparison {
    models: [Model<Network>; 2],
    spaces: [Vec<Workspace>; 2],
    files: Vec<PathBuf>,
    scores: [Vec<f32>; 2],
    /// Seconds of each network, picture by picture.
    seconds: [Vec<f64>; 2],
}

pub(super) fn run(args: &Bench, other: PrecisionName, how: Shown) -> Result<Code, Failure> {
    let params = config::single(&args.model, "--compare")?;
    let other = Params { precision: config::precision(other), ..params.clone() };
    if other.precision == params.precision {
        let message = format!("--compare {0}: the model options ask for {0} already", other.precision);
        return Err(Failure::usage(message).hint("--precision says what to compare with"));
    }
    // What is not there is told before the first fit.
    let weights = &config::weights(&args.model);
    let methods = [backbone::method(vec![params], weights)?, backbone::method(vec![other], weights)?];
    let good = good_pictures(
        args.good.as_deref().unwrap_or(Path::new("")),
        config::intensity(&args.model),
        Limits::default(),
    )?;
    let inputs = inputs::expand(&args.paths, None)?;
    for warning in &inputs.warnings {
        output::warn(warning);
    }
    let bars = Bars::new(how);
    let [first, second] = methods;
    let models = [first.fit(&good, &bars)?, second.fit(&good, &bars)?];
    let mut comparison = Comparison {
        models,
        spaces: Default::default(),
        files: Vec::new(),
        scores: Default::default(),
        seconds: Default::default(),
    };
    let mut faults = Vec::new();
    bars.begin(Stage::Predict, inputs.files.len());
    for file in &inputs.files {
        faults.extend(comparison.add(file).err());
        bars.advance(1);
    }
    bars.end();
    if !comparison.files.is_empty() {
        comparison.print(good.paths.len(), how)?;
    }
    finish(faults, inputs.files.len())
}

impl Comparison {
    /// Judges one picture with both models, one right after the other.
    fn add(&mut self, file: &Path) -> Result<(), String> {
        let [first, second] = &mut self.spaces;
        let walks = [walk(&self.models[0], file, first)?, walk(&self.models[1], file, second)?];
        for (i, walk) in walks.into_iter().enumerate() {
            self.scores[i].push(walk.prediction.image_score);
            self.seconds[i].push(walk.seconds[BACKBONE]);
        }
        self.files.push(file.to_path_buf());
        Ok(())
    }

    fn names(&self) -> [&'static str; 2] {
        self.models.each_ref().map(|model| model.fitted().members[0].params.precision.name())
    }

    fn thresholds(&self) -> [Option<f32>; 2] {
        self.models.each_ref().map(|model| model.fitted().calibration.as_ref().map(|c| c.image_threshold))
    }

    /// Both models' verdicts on picture `i`, each at its own threshold.
    fn verdicts(&self, i: usize) -> [Option<Verdict>; 2] {
        let [first, second] = &self.models;
        [first.verdict(self.scores[0][i]), second.verdict(self.scores[1][i])]
    }

    /// The pictures on which the verdicts differ; `None` without thresholds.
    fn flips(&self) -> Option<Vec<usize>> {
        let flips = |i: &usize| matches!(self.verdicts(*i), [Some(first), Some(second)] if first != second);
        let [Some(_), Some(_)] = self.thresholds() else { return None };
        Some((0..self.files.len()).filter(flips).collect())
    }

    /// A score as a share of the first model's threshold, if it has one to divide by.
    fn percent_of_threshold(&self, score: f64) -> Option<f64> {
        let threshold = self.thresholds()[0].filter(|t| *t > 0.0)?;
        Some(100.0 * score / f64::from(threshold))
    }

    fn print(&self, good: usize, how: Shown) -> Result<(), Failure> {
        let differences = score_differences(&self.scores[0], &self.scores[1])
            .map_err(|e| Failure::new(Code::Internal, e.to_string()))?;
        let correlation = spearman(&self.scores[0], &self.scores[1]);
        let milliseconds = self.seconds.each_ref().map(|seconds| 1e3 * quantile(seconds, 0.5));
        if how.json {
            return output::line(&self.as_json(good, differences, &correlation, milliseconds).to_string());
        }
        let ([first, second], total) = (self.names(), self.files.len());
        output::line(&format!(
            "{first} against {second} on {total} pictures, both fitted on {good} good ones"
        ))?;
        let apart = |value: f64| match self.percent_of_threshold(value) {
            Some(percent) => format!("{value:.6} ({percent:.4} % of the threshold)"),
            None => format!("{value:.6}"),
        };
        let ScoreDifferences { largest, mean } = differences;
        output::line(&format!("score difference   largest {}, mean {}", apart(largest), apart(mean)))?;
        match correlation {
            Ok(value) => output::line(&format!("rank correlation   {value:.6} (Spearman)"))?,
            Err(reason) => output::line(&format!("rank correlation   undefined: {reason}"))?,
        }
        match self.flips() {
            Some(flips) => {
                output::line(&format!("verdict flips      {} of {total}", flips.len()))?;
                flips.into_iter().try_for_each(|i| output::line(&self.flip_line(i)))?;
            }
            None => output::line("verdict flips      unknown: no threshold, too few good pictures")?,
        }
        let [a, b] = milliseconds;
        output::line(&format!(
            "backbone           {first} {a:.3} ms, {second} {b:.3} ms a picture (median), {:.2} x the speed",
            a / b
        ))
    }

    fn flip_line(&self, i: usize) -> String {
        let (names, verdicts, thresholds) = (self.names(), self.verdicts(i), self.thresholds());
        let told = [0, 1].map(|m| {
            let (score, threshold) = (self.scores[m][i], thresholds[m].unwrap_or(f32::NAN));
            format!("{} with {} ({score:.4}, threshold {threshold:.4})", word(verdicts[m]), names[m])
        });
        format!("  {}: {}", shown(&self.files[i]), told.join(", "))
    }

    fn as_json(
        &self,
        good: usize,
        differences: ScoreDifferences,
        correlation: &Metric,
        milliseconds: [f64; 2],
    ) -> Value {
        let flip = |i: usize| {
            json!({
                "path": self.files[i].to_string_lossy(),
                "verdicts": self.verdicts(i).map(word),
                "image_scores": [score_json(self.scores[0][i]), score_json(self.scores[1][i])],
            })
        };
        json!({
            "precisions": self.names(),
            "good_pictures": good,
            "pictures": self.files.len(),
            "thresholds": self.thresholds().map(|t| t.map(score_json)),
            "largest_difference": differences.largest,
            "mean_difference": differences.mean,
            "largest_difference_percent_of_threshold": self.percent_of_threshold(differences.largest),
            "mean_difference_percent_of_threshold": self.percent_of_threshold(differences.mean),
            "spearman": correlation.as_ref().ok(),
            "spearman_undefined": correlation.as_ref().err().map(ToString::to_string),
            "flips": self.flips().map(|flips| flips.into_iter().map(flip).collect::<Vec<_>>()),
            "backbone_ms": milliseconds,
        })
    }
}

fn word(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("unknown", Verdict::name)
}

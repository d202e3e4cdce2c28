//! A comparison for people: a table for each category, and one sentence.

use super::Found;
use crate::commands::evaluate::{Table, percent};
use patchcore_evaluation::{Comparison, Discordant, MeanComparison};
use patchcore_files::shown;
use patchcore_metrics::{Estimate, Metric, PairedBootstrap, Undefined};
use std::path::Path;

/// Differences that chance alone makes more seldom than this are told as such.
const SIGNIFICANCE: f64 = 0.05;

pub(super) fn of(found: &Found) -> Vec<String> {
    let mut lines = Vec::new();
    for own in &found.categories {
        let (name, [good, bad]) = (shown(Path::new(&own.category)), own.pictures);
        lines.push(format!("{name}: {good} good and {bad} defective test pictures   (percent)"));
        lines.extend(category(own));
        lines.push(String::new());
    }
    if let Some(mean) = &found.mean {
        lines.push(format!("mean of {} categories   (percent)", found.categories.len()));
        lines.extend(mean_table(mean));
        lines.push(String::new());
    }
    lines.push(conclusion(found).sentence);
    lines
}

fn category(own: &Comparison) -> Vec<String> {
    let mut rows = Rows::new();
    rows.bootstrap("image AUROC, bootstrap", &own.auroc, &own.auroc_bootstrap);
    match &own.auroc_delong {
        Ok(test) => {
            rows.difference("  DeLong", Default::default(), &test.difference, test.p_value.as_ref().ok());
            rows.reason("DeLong's p", test.p_value.as_ref().err());
        }
        Err(reason) => rows.reason("DeLong's test", Some(reason)),
    }
    rows.bootstrap("image AP, bootstrap", &own.average_precision, &own.average_precision_bootstrap);
    rows.discordant("escapes, McNemar", &own.escapes);
    rows.discordant("overkill, McNemar", &own.overkill);
    rows.lines()
}

fn mean_table(mean: &MeanComparison) -> Vec<String> {
    let mut rows = Rows::new();
    rows.bootstrap("image AUROC, bootstrap", &mean.auroc, &mean.auroc_bootstrap);
    rows.bootstrap("image AP, bootstrap", &mean.average_precision, &mean.average_precision_bootstrap);
    rows.lines()
}

/// A table, and below it why something is missing in it.
struct Rows {
    table: Table,
    reasons: Vec<String>,
}

impl Rows {
    fn new() -> Self {
        Self { table: Table::new(["A", "B", "B - A", "(95 %)", "p"]), reasons: Vec::new() }
    }

    fn bootstrap(&mut self, name: &str, values: &[Metric; 2], found: &Result<PairedBootstrap, Undefined>) {
        let values = [0, 1].map(|i| percent(values[i].clone().ok()));
        match found {
            Ok(found) => self.difference(name, values, &found.difference, Some(&found.p_value)),
            Err(reason) => self.reason(name, Some(reason)),
        }
    }

    fn difference(&mut self, name: &str, values: [String; 2], difference: &Estimate, p: Option<&f64>) {
        let [a, b] = values;
        let Estimate { value, bounds } = difference;
        let between = format!("{} to {}", signed(bounds.lower), signed(bounds.upper));
        let p = p.map_or_else(|| "-".to_string(), |&p| probability(p));
        self.table.row(name, vec![a, b, signed(*value), between, p]);
    }

    fn discordant(&mut self, name: &str, found: &Result<Discordant, String>) {
        match found {
            Ok(Discordant { of, wrong: [a, b], only, p_value }) => {
                let only = format!("A only {}, B only {}", only[0], only[1]);
                let change = format!("{:+}", i128::from(*b) - i128::from(*a));
                let count = |n: &u64| format!("{n} of {of}");
                self.table.row(name, vec![count(a), count(b), change, only, probability(*p_value)]);
            }
            Err(reason) => self.reasons.push(format!("{name}: {reason}")),
        }
    }

    fn reason(&mut self, name: &str, reason: Option<&Undefined>) {
        self.reasons.extend(reason.map(|reason| format!("{name}: {reason}")));
    }

    fn lines(self) -> Vec<String> {
        [self.table.lines(""), self.reasons].concat()
    }
}

fn signed(share: f64) -> String {
    format!("{:+.2}", share * 100.0)
}

fn probability(p: f64) -> String {
    if p < 0.001 { format!("{p:.1e}") } else { format!("{p:.3}") }
}

/// What follows from all that, by the image AUROC's paired bootstrap.
pub(super) struct Conclusion {
    /// `A`, `B`, or neither.
    pub(super) better: Option<&'static str>,
    pub(super) sentence: String,
}

pub(super) fn conclusion(found: &Found) -> Conclusion {
    let (what, pictures, auroc, bootstrap) = match (&found.mean, &found.categories[..]) {
        (Some(mean), all) => {
            let what = format!("mean image AUROC over {} categories", all.len());
            (what, mean.pictures, &mean.auroc, &mean.auroc_bootstrap)
        }
        (None, [only]) => {
            let pictures = only.pictures.iter().sum();
            ("image AUROC".to_string(), pictures, &only.auroc, &only.auroc_bootstrap)
        }
        (None, _) => return Conclusion { better: None, sentence: "Nothing was compared.".into() },
    };
    let [a, b] = [0, 1].map(|i| percent(auroc[i].clone().ok()));
    let test = match bootstrap {
        Ok(test) => test,
        Err(reason) => {
            let sentence = format!("No difference can be told with these {pictures} pictures: {reason}.");
            return Conclusion { better: None, sentence };
        }
    };
    let (Estimate { value, bounds }, p) = (test.difference, test.p_value);
    if p >= SIGNIFICANCE || value == 0.0 {
        let sentence = format!(
            "No difference can be told with these {pictures} pictures: {what} {a} % (A) and {b} % (B), p = {}.",
            probability(p)
        );
        return Conclusion { better: None, sentence };
    }
    let (better, more, less, sign) = if value > 0.0 { ("B", b, a, 1.0) } else { ("A", a, b, -1.0) };
    let mut ends = [bounds.lower * sign, bounds.upper * sign];
    ends.sort_by(f64::total_cmp);
    let sentence = format!(
        "{better} is better: {what} {more} % against {less} %, {} (95 % from {} to {}), p = {}, on {pictures} pictures.",
        signed(value * sign),
        signed(ends[0]),
        signed(ends[1]),
        probability(p)
    );
    Conclusion { better: Some(better), sentence }
}

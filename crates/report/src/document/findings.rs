//! What a reader should know before trusting a number, found in the report's own numbers.

use super::report::CategoryReport;
use super::test_part::{Outcome, Rate, TestPart};
use crate::html::words::{pictures, share};

/// Fewer pictures of a label leave a wide interval, which is said in words.
const FEW: u64 = 30;

impl CategoryReport {
    /// Adds to the warnings what its numbers themselves give reason to doubt.
    #[must_use]
    pub fn with_findings(mut self) -> Self {
        let mut found = Vec::new();
        if self.threshold.is_none() {
            found.push(
                "No deployed threshold applies here, so no picture is called good or defective.".into(),
            );
        }
        if let Some(test) = &self.test {
            found.extend(about_test(test, self.threshold.as_ref().and_then(|t| t.false_alarm_rate)));
        }
        if let Some(audit) = &self.audit {
            let count = |list: &Option<Vec<_>>| list.as_ref().map_or(0, Vec::len);
            let (leaks, duplicates) = (count(&audit.leaks), count(&audit.duplicates));
            if leaks > 0 {
                found.push(format!(
                    "{} also among the training pictures, or nearly: the results look better than they are.",
                    pictures(leaks, "test picture is", "test pictures are"),
                ));
            }
            if duplicates > 0 {
                found.push(format!(
                    "{} of training pictures nearly the same: the good pictures show less variety than their number \
                     says.",
                    pictures(duplicates, "pair is", "pairs are"),
                ));
            }
        }
        if !self.data.skipped.is_empty() {
            found.push(format!(
                "{} could not be read and took no part.",
                pictures(self.data.skipped.len(), "training picture", "training pictures"),
            ));
        }
        self.warnings.extend(found);
        self
    }
}

fn about_test(test: &TestPart, promised: Option<f64>) -> Vec<String> {
    let mut found = Vec::new();
    let labelled = |anomalous| test.pictures.iter().filter(|p| p.anomalous == anomalous).count() as u64;
    for (n, what) in
        [(labelled(false), "good test pictures"), (labelled(true), "test pictures with a defect")]
    {
        if n == 0 {
            found.push(format!("There are no {what}: half of the questions have no answer."));
        }
    }
    if let Some(outcome) = &test.outcome {
        found.extend(about_outcome(outcome, promised));
    }
    if test.metrics.iter().any(|metric| metric.undefined.is_some()) {
        found.push("Some metrics are undefined; the table of metrics gives the reasons.".into());
    }
    found
}

fn about_outcome(outcome: &Outcome, promised: Option<f64>) -> Vec<String> {
    let mut found = Vec::new();
    if let (Some(rate), Some(promised)) = (&outcome.false_alarm_rate, promised)
        && rate.lower > promised
    {
        found.push(format!(
            "Good test pictures are called defective more often than the threshold promises ({} promised, {} to {} \
             seen): they differ from the good pictures that the model knows.",
            share(promised),
            share(rate.lower),
            share(rate.upper),
        ));
    }
    let few = |rate: &Option<Rate>, what: &str, name: &str| {
        let rate = rate.as_ref().filter(|rate| rate.of < FEW)?;
        Some(format!(
            "Only {} {what} were tested: the {name} in the long run may lie anywhere from {} to {}.",
            rate.of,
            share(rate.lower),
            share(rate.upper),
        ))
    };
    found.extend(few(&outcome.false_alarm_rate, "good pictures", "false-alarm rate"));
    found.extend(few(&outcome.escape_rate, "pictures with a defect", "escape rate"));
    found
}

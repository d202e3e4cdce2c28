//! The verdict in plain sentences, the numbers that matter most, and all warnings in one place.

use super::words::{interval, pictures, score, share};
use crate::document::{CategoryReport, Outcome, Rate, Threshold};
use maud::{Markup, html};

pub(super) fn section(category: &CategoryReport) -> Markup {
    let outcome = category.test.as_ref().and_then(|test| test.outcome);
    html! {
        section.summary {
            h3 { "Summary" }
            (tiles(category, outcome.as_ref()))
            @match &category.threshold {
                Some(threshold) => (where_from(threshold)),
                None => p { "No threshold applies, so scores can be compared with each other but mean neither good nor \
                             defective." },
            }
            @if let Some(outcome) = &outcome { (what_happened(outcome)) }
            @if category.test.is_none() {
                p { "No labelled test picture took part in this report: it says how the model was made, not how well it \
                     finds defects." }
            }
            @if !category.warnings.is_empty() {
                div.warnings {
                    h4 { "Before you trust these numbers" }
                    ul { @for warning in &category.warnings { li { (warning) } } }
                }
            }
        }
    }
}

fn where_from(threshold: &Threshold) -> Markup {
    html! {
        p {
            "Pictures that score " strong { (score(threshold.image)) " or more" } " are called defective"
            @if let Some(review) = threshold.review {
                "; those from " strong { (score(review)) } " up to there are for a person to review"
            }
            ". "
            @match threshold.false_alarm_rate {
                Some(rate) => {
                    "The threshold comes from " (threshold.source) "; no test picture and no label took part. It promises that in the long run " strong { "at most " (share(rate)) }
                    " of good parts from the same process are called defective"
                    @if let Some(review) = threshold.review_rate { ", and at most " (share(review)) " defective or for review" }
                    "."
                }
                None => "Somebody gave this threshold, so it promises no rate of false alarms.",
            }
        }
    }
}

fn what_happened(outcome: &Outcome) -> Markup {
    html! {
        p {
            @match &outcome.false_alarm_rate {
                Some(rate) => {
                    "Of " (pictures(rate.of as usize, "good test picture", "good test pictures")) ", "
                    strong { (called(rate.count)) " called defective" } " (" (with_bounds(rate)) ")"
                    @if outcome.good.review > 0 { " and " (outcome.good.review) " for review" }
                    ". "
                }
                None => "There were no good test pictures. ",
            }
            @match &outcome.escape_rate {
                Some(rate) => {
                    "Of " (pictures(rate.of as usize, "test picture with a defect", "test pictures with a defect")) ", "
                    strong { (rate.count) " escaped" } ", called ok (" (with_bounds(rate)) ")"
                    @if outcome.defects.review > 0 { " and " (outcome.defects.review) " are for review" }
                    "."
                }
                None => "There were no test pictures with a defect.",
            }
        }
    }
}

fn called(n: u64) -> String {
    format!("{n} {}", if n == 1 { "was" } else { "were" })
}

fn with_bounds(rate: &Rate) -> String {
    format!("{}; 95\u{a0}% interval {}", share(rate.value()), interval([rate.lower, rate.upper]))
}

fn tiles(category: &CategoryReport, outcome: Option<&Outcome>) -> Markup {
    let metric = |key: &str| {
        let metrics = &category.test.as_ref()?.metrics;
        metrics.iter().find(|m| m.key == key)
    };
    let rate = |rate: Option<Rate>, what: &str| {
        rate.map(|r| {
            tile(
                what,
                &format!("{} of {}", r.count, r.of),
                &format!("95\u{a0}%: {}", interval([r.lower, r.upper])),
            )
        })
    };
    html! {
        dl.tiles {
            @if let Some(t) = &category.threshold {
                (tile("Threshold", &score(t.image), &promise(t)))
            }
            @if let Some(outcome) = outcome {
                @if let Some(tile) = rate(outcome.false_alarm_rate, "False alarms") { (tile) }
                @if let Some(tile) = rate(outcome.escape_rate, "Escapes") { (tile) }
            }
            @for (key, note) in [("image_auroc", "over all thresholds"), ("aupro_0.3", "defective regions")] {
                @if let Some(metric) = metric(key) && let Some(value) = metric.value {
                    (tile(&metric.name, &share(value), &metric.interval.map_or_else(|| note.into(), |i| format!("95\u{a0}%: {}", interval(i)))))
                }
            }
            @if category.test.is_none() {
                (tile("Training pictures", &category.model.training_pictures.to_string(), "taken as good"))
            }
        }
    }
}

fn promise(threshold: &Threshold) -> String {
    match threshold.false_alarm_rate {
        Some(rate) => format!("promises \u{2264} {} false alarms", share(rate)),
        None => "given by hand".into(),
    }
}

fn tile(what: &str, value: &str, note: &str) -> Markup {
    html! { div { dt { (what) } dd { span.big { (value) } span.quiet { (note) } } } }
}

//! The counts at the deployed threshold, and what they would be at another one.

use super::words::{score, share};
use crate::document::{Calls, Outcome, TestPart, Threshold};
use maud::{Markup, PreEscaped, html};
use serde::Serialize;

/// Positions of the slider.
const STEPS: usize = 400;

/// What the page's script needs: thresholds along the histogram with exact counts at each.
#[derive(Debug, Serialize)]
struct Steps {
    /// The values at the ends of the histogram.
    range: [f64; 2],
    /// The position of the deployed threshold.
    deployed: usize,
    thresholds: Vec<f32>,
    good: Counts,
    bad: Counts,
}

/// Pictures of one label.
#[derive(Debug, Serialize)]
struct Counts {
    all: usize,
    /// At or above the review threshold; all positions share it. 0 if there is none.
    not_ok: usize,
    /// At or above each position's threshold.
    reached: Vec<usize>,
}

impl Steps {
    fn of(test: &TestPart, threshold: &Threshold, range: [f64; 2]) -> Self {
        let (thresholds, deployed) = positions(threshold.image, range);
        let labelled = |anomalous: bool| {
            let scores = test.pictures.iter().filter(|p| p.anomalous == anomalous).map(|p| p.score);
            let mut sorted: Vec<f32> = scores.collect();
            sorted.sort_by(f32::total_cmp);
            let reached = |t: f32| sorted.len() - sorted.partition_point(|&s| s < t);
            Counts {
                all: sorted.len(),
                not_ok: threshold.review.map_or(0, reached),
                reached: thresholds.iter().map(|&t| reached(t)).collect(),
            }
        };
        let (good, bad) = (labelled(false), labelled(true));
        Self { range, deployed, thresholds, good, bad }
    }
}

/// Thresholds in equal steps over the range, one of them the deployed threshold; and which.
fn positions(threshold: f32, [low, high]: [f64; 2]) -> (Vec<f32>, usize) {
    let place = |i: usize| (low + (high - low) * i as f64 / (STEPS - 1) as f64) as f32;
    let mut all: Vec<f32> = (0..STEPS).map(place).collect();
    let above = all.partition_point(|t| *t < threshold);
    let nearest = if above == 0 || above < STEPS && all[above] - threshold < threshold - all[above - 1] {
        above.min(STEPS - 1)
    } else {
        above - 1
    };
    all[nearest] = threshold;
    (all, nearest)
}

/// The counts, and below them the slider, which shows only where scripts run.
pub(super) fn parts(test: &TestPart, threshold: &Threshold, range: [f64; 2], number: usize) -> Markup {
    let steps = Steps::of(test, threshold, range);
    let id = format!("slider-{number}");
    html! {
        @if let Some(outcome) = &test.outcome {
            div.what-if {
                div.slider hidden {
                    input id=(id) type="range" min="0" max=(STEPS - 1) step="1" value=(steps.deployed);
                    label for=(id) { "Move the threshold: " output for=(id) { (score(threshold.image)) } }
                    button type="button" disabled { "Back to the deployed threshold" }
                }
                div aria-live="polite" {
                    p.oracle hidden {
                        strong { "What if: an oracle." } " This threshold is chosen by looking at labels. Its counts show \
                         what would be possible; they must not be promised, and no model is changed."
                    }
                    (counts(outcome, threshold))
                }
                script type="application/json" { (PreEscaped(script_json(&steps))) }
            }
        }
    }
}

fn counts(outcome: &Outcome, threshold: &Threshold) -> Markup {
    let review = threshold.review.is_some();
    html! {
        table.counts {
            caption { span.at { "At the deployed threshold " (score(threshold.image)) } }
            thead {
                tr {
                    td {}
                    th.number scope="col" { "called defective" }
                    @if review { th.number scope="col" { "for review" } }
                    th.number scope="col" { "called ok" }
                }
            }
            tbody {
                (row("Good", "good", &outcome.good, review))
                (row("Defect", "bad", &outcome.defects, review))
            }
        }
    }
}

fn row(name: &str, class: &str, calls: &Calls, review: bool) -> Markup {
    let cell = |what: &str, count: u64| {
        let part = match calls.all() {
            0 => "\u{2013}".into(),
            of => share(count as f64 / of as f64),
        };
        html! { td class={ "number " (what) } { span.count { (count) } " " span.quiet { (part) } } }
    };
    html! {
        tr class=(class) {
            th scope="row" { (name) }
            (cell("defect", calls.defect))
            @if review { (cell("review", calls.review)) }
            (cell("ok", calls.ok))
        }
    }
}

/// JSON that may stand inside a `script` element: nothing in it can end the element or begin a comment, and no line end is
/// unknown to older readers.
fn script_json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => safe.extend(format!("\\u{:04x}", c as u32).chars()),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployed_threshold_is_one_of_the_positions() {
        for threshold in [0.0f32, 0.001, 0.5, 0.777, 1.0] {
            let (all, at) = positions(threshold, [0.0, 1.0]);
            assert_eq!((all.len(), all[at]), (STEPS, threshold));
            assert!(all.is_sorted(), "{threshold}");
        }
    }

    #[test]
    fn nothing_in_the_data_ends_the_script() {
        let hostile = "</script><!--<script>\u{2028}\u{2029}&";
        let text = script_json(&hostile);
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}

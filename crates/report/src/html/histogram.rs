//! Scores of good pictures and of defects, with the thresholds as lines; below it the counts and the slider.

use super::chart::{Axis, px};
use super::what_if;
use super::words::{pictures, score};
use crate::document::{CategoryReport, Threshold};
use maud::{Markup, html};

/// The drawing's size.
const SIZE: [f64; 2] = [480.0, 256.0];
/// Left and right end of the plot; `style.css` lays the slider exactly below it.
const SIDES: [f64; 2] = [16.0, 464.0];
/// Between good pictures, which grow upwards from here, and defects, which grow downwards.
const MIDDLE: f64 = 132.0;
/// Pixels of the highest bar.
const TALLEST: f64 = 88.0;
const BINS: usize = 48;
/// What the name of a line takes.
const ROOM: f64 = 130.0;

/// `number` is the category's, for the names of its parts.
pub(super) fn section(category: &CategoryReport, number: usize) -> Markup {
    let scores = Scores::of(category);
    let range = scores.range(category.threshold.as_ref());
    html! {
        @if !(scores.good.is_empty() && scores.bad.is_empty()) {
            section.scores {
                h3 { "Scores" }
                p.legend {
                    span.key.good {} " " (scores.what_good)
                    @if !scores.bad.is_empty() { span.key.bad {} " test pictures with a defect (downwards)" }
                }
                figure.wide {
                    (drawing(&scores, category.threshold.as_ref(), range))
                    figcaption.quiet { (caption(&scores)) }
                }
                @if let (Some(test), Some(threshold)) = (&category.test, &category.threshold) {
                    (what_if::parts(test, threshold, range.values, number))
                }
            }
        }
    }
}

/// The scores that are drawn.
struct Scores {
    good: Vec<f32>,
    bad: Vec<f32>,
    what_good: &'static str,
}

impl Scores {
    fn of(category: &CategoryReport) -> Self {
        let Some(test) = &category.test else {
            return Self {
                good: category.threshold.as_ref().map(|t| t.good_scores.clone()).unwrap_or_default(),
                bad: Vec::new(),
                what_good: "good pictures, each scored as one that the model had not seen",
            };
        };
        let labelled = |anomalous: bool| {
            test.pictures.iter().filter(|p| p.anomalous == anomalous).map(|p| p.score).collect()
        };
        Self { good: labelled(false), bad: labelled(true), what_good: "good test pictures (upwards)" }
    }

    fn range(&self, threshold: Option<&Threshold>) -> Axis {
        let thresholds = threshold.into_iter().flat_map(|t| std::iter::once(t.image).chain(t.review));
        let all = self.good.iter().chain(&self.bad).copied().chain(thresholds);
        Axis::over(all.map(f64::from), SIDES)
    }
}

fn caption(scores: &Scores) -> String {
    let highest = |values: &[f32]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let lowest = |values: &[f32]| values.iter().copied().fold(f32::INFINITY, f32::min);
    let span = |values: &[f32], what: &str| {
        (!values.is_empty()).then(|| {
            let n = pictures(values.len(), "picture", "pictures");
            format!("{what}: {n}, scores {} to {}. ", score(lowest(values)), score(highest(values)))
        })
    };
    let parts = [span(&scores.good, "Good"), span(&scores.bad, "Defects")];
    let text: String = parts.into_iter().flatten().collect();
    let scale = if scores.bad.is_empty() { "" } else { "Each colour has its own scale of heights." };
    format!("{text}{scale}")
}

fn drawing(scores: &Scores, threshold: Option<&Threshold>, axis: Axis) -> Markup {
    let bottom = if scores.bad.is_empty() { MIDDLE } else { MIDDLE + 2.0 + TALLEST };
    let height = bottom + SIZE[1] - MIDDLE - 2.0 - TALLEST;
    html! {
        svg.histogram viewBox={ "0 0 " (SIZE[0]) " " (height) } role="img" aria-label="Histogram of the image scores" {
            @for (value, text) in axis.ticks() {
                line.grid x1=(px(axis.place(value))) x2=(px(axis.place(value))) y1="38" y2=(px(bottom)) {}
                text.tick x=(px(axis.place(value))) y=(px(bottom + 18.0)) text-anchor="middle" { (text) }
            }
            path.good d=(bars(&scores.good, &axis, -TALLEST)) {}
            path.bad d=(bars(&scores.bad, &axis, TALLEST)) {}
            line.base x1=(px(SIDES[0])) x2=(px(SIDES[1])) y1=(px(MIDDLE)) y2=(px(MIDDLE)) {}
            @if let Some(t) = threshold {
                @let defect = axis.place(f64::from(t.image));
                @if let Some(review) = t.review {
                    @let x = axis.place(f64::from(review));
                    line.mark.review x1=(px(x)) x2=(px(x)) y1="23" y2=(px(bottom)) {}
                    // To the left of its line where there is room, else on its right, beyond the other line if that is near.
                    (name("review", review, if x > ROOM || defect > x + ROOM { x } else { defect }, x > ROOM, 32.0))
                }
                line.mark x1=(px(defect)) x2=(px(defect)) y1="5" y2=(px(bottom)) {}
                (name("threshold", t.image, defect, defect > SIDES[1] - ROOM, 14.0))
                line.moved x1="0" x2="0" y1="38" y2=(px(bottom)) visibility="hidden" {}
            }
        }
    }
}

/// The name of a line at `x`, on its left or right side.
fn name(what: &str, value: f32, x: f64, left: bool, y: f64) -> Markup {
    html! {
        text.mark x=(px(if left { x - 5.0 } else { x + 5.0 })) y=(px(y)) text-anchor=(if left { "end" } else { "start" }) {
            (what) " " (score(value))
        }
    }
}

/// One bar per bin that is not empty, the highest of `tallest` pixels; negative grows upwards.
fn bars(scores: &[f32], axis: &Axis, tallest: f64) -> String {
    let width = (SIDES[1] - SIDES[0]) / BINS as f64;
    let mut counts = [0u32; BINS];
    for &score in scores.iter().filter(|score| score.is_finite()) {
        let bin = ((axis.place(f64::from(score)) - SIDES[0]) / width) as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    let most = f64::from(counts.iter().copied().max().unwrap_or(0).max(1));
    let bar = |(bin, &count): (usize, &u32)| {
        let height = f64::from(count) / most * tallest;
        let (x, y) = (SIDES[0] + bin as f64 * width, MIDDLE + tallest.signum());
        (count > 0).then(|| {
            format!("M{} {}h{}v{}h-{}z", px(x + 0.5), px(y), px(width - 1.0), px(height), px(width - 1.0))
        })
    };
    counts.iter().enumerate().filter_map(bar).collect()
}

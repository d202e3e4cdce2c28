//! Curves over all thresholds, with the place of the deployed one.

use super::chart::{Axis, px};
use super::words::share;
use crate::document::{Curve, TestPart};
use maud::{Markup, html};

/// The drawing's plot: left, right, top, bottom.
const PLOT: [f64; 4] = [34.0, 284.0, 10.0, 240.0];
/// The PRO curve is looked at up to here, where the usual area under it ends.
const PRO_UNTIL: f64 = 0.3;
/// Points that are drawn, at most.
const POINTS: usize = 400;

/// What a curve shows.
struct Drawn<'a> {
    title: &'static str,
    axes: [&'static str; 2],
    area: &'static str,
    /// Where the drawing ends on the right.
    until: f64,
    curve: &'a Curve,
}

pub(super) fn section(test: &TestPart) -> Markup {
    let curves = &test.curves;
    let all = [
        ("ROC", ["false alarms", "defects found"], "AUROC", 1.0, &curves.roc),
        ("Precision and recall", ["recall", "precision"], "AP", 1.0, &curves.precision_recall),
        ("Regions (PRO)", ["good pixels marked", "region overlap"], "AUPRO", PRO_UNTIL, &curves.pro),
    ];
    let drawn: Vec<Drawn<'_>> = all
        .into_iter()
        .filter_map(|(title, axes, area, until, curve)| {
            Some(Drawn { title, axes, area, until, curve: curve.as_ref()? })
        })
        .collect();
    html! {
        @if !drawn.is_empty() {
            section {
                h3 { "Curves" }
                p.quiet { "Each curve runs through all thresholds. The dot is where the deployed threshold stands." }
                div.curves { @for curve in &drawn { (figure(curve)) } }
            }
        }
    }
}

fn figure(drawn: &Drawn<'_>) -> Markup {
    let Curve { points, area, deployed } = drawn.curve;
    let [left, right, top, bottom] = PLOT;
    let x = Axis { values: [0.0, drawn.until], places: [left, right] };
    let y = Axis { values: [0.0, 1.0], places: [bottom, top] };
    let label = format!(
        "{}: {} over {}{}",
        drawn.title,
        drawn.axes[1],
        drawn.axes[0],
        deployed.map_or(String::new(), |[a, b]| format!(
            "; deployed threshold at {}, {}",
            share(a),
            share(b)
        )),
    );
    html! {
        figure {
            svg.curve viewBox="0 0 300 290" role="img" aria-label=(label) {
                @for (value, text) in x.ticks() {
                    line.grid x1=(px(x.place(value))) x2=(px(x.place(value))) y1=(px(top)) y2=(px(bottom)) {}
                    text.tick x=(px(x.place(value))) y=(px(bottom + 16.0)) text-anchor="middle" { (text) }
                }
                @for (value, text) in y.ticks() {
                    line.grid y1=(px(y.place(value))) y2=(px(y.place(value))) x1=(px(left)) x2=(px(right)) {}
                    text.tick x=(px(left - 6.0)) y=(px(y.place(value) + 4.0)) text-anchor="end" { (text) }
                }
                text.axis x=(px(f64::midpoint(left, right))) y="282" text-anchor="middle" { (drawn.axes[0]) }
                polyline.line points=(line(&cut(points, drawn.until), &x, &y)) {}
                @if let Some([a, b]) = deployed {
                    circle.point cx=(px(x.place(*a))) cy=(px(y.place(*b))) r="6" {}
                }
            }
            figcaption {
                strong { (drawn.title) } ": " (drawn.axes[1]) " over " (drawn.axes[0])
                @if let Some(area) = area { ", " (drawn.area) " " (share(*area)) }
            }
        }
    }
}

/// The curve up to `until`, where it ends on the straight line to the next point.
fn cut(points: &[[f64; 2]], until: f64) -> Vec<[f64; 2]> {
    let Some(beyond) = points.iter().position(|p| p[0] > until) else { return points.to_vec() };
    let mut kept = points[..beyond].to_vec();
    if let Some(&[x, y]) = kept.last() {
        let [next_x, next_y] = points[beyond];
        kept.push([until, y + (next_y - y) * (until - x) / (next_x - x)]);
    }
    kept
}

/// The points of a line; of many, so many that no eye misses any.
fn line(points: &[[f64; 2]], x: &Axis, y: &Axis) -> String {
    let every = points.len().div_ceil(POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points.iter().enumerate().filter(|(i, _)| i % every == 0 || *i == last);
    let texts: Vec<String> =
        kept.map(|(_, p)| format!("{},{}", px(x.place(p[0])), px(y.place(p[1])))).collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_cut_where_the_drawing_ends() {
        let points = [[0.0, 0.0], [0.2, 0.5], [0.4, 0.7], [1.0, 1.0]];
        assert_eq!(cut(&points, 0.3)[..2], points[..2]);
        let end = cut(&points, 0.3)[2];
        assert!((end[0] - 0.3).abs() < 1e-12 && (end[1] - 0.6).abs() < 1e-12, "{end:?}");
        assert_eq!(cut(&points, 1.0), points);
        assert_eq!(cut(&[[0.5, 1.0]], 0.3), [[0.0; 2]; 0]);
    }

    #[test]
    fn of_many_points_both_ends_are_drawn() {
        let points: Vec<[f64; 2]> = (0..=5000).map(|i| [f64::from(i) / 5000.0; 2]).collect();
        let axis = Axis { values: [0.0, 1.0], places: [0.0, 100.0] };
        let drawn = line(&points, &axis, &axis);
        assert!(drawn.starts_with("0.0,0.0 ") && drawn.ends_with(" 100.0,100.0"));
        assert!(drawn.split(' ').count() <= POINTS + 1);
    }
}

//! What is odd about the training pictures.

use super::uri;
use super::words::{name, pictures, score};
use crate::document::{Audit, Duplicate, Unlike};
use maud::{Markup, html};

/// More pairs than this are in the JSON alone.
const ROWS: usize = 50;

pub(super) fn section(audit: &Audit) -> Markup {
    html! {
        section {
            h3 { "Training pictures" }
            @if !audit.unlike.is_empty() {
                p {
                    "Of " (pictures(audit.pictures, "training picture", "training pictures"))
                    ", these are most unlike all others. A defect among them would teach the model that defects are normal: \
                     look at each, and fit again without those that are not good."
                }
                @if audit.unlike.iter().any(|picture| picture.thumbnail.is_some()) {
                    ol.unlike { @for picture in audit.unlike.iter().take(ROWS) { (unlike(picture)) } }
                } @else {
                    ol { @for picture in audit.unlike.iter().take(ROWS) { (unlike(picture)) } }
                }
            }
            (pairs("Near duplicates among the training pictures", audit.duplicates.as_deref()))
            (pairs("Test pictures that are also training pictures", audit.leaks.as_deref()))
        }
    }
}

fn unlike(picture: &Unlike) -> Markup {
    let shown = name(&picture.name);
    html! {
        li {
            @if let Some(thumbnail) = &picture.thumbnail {
                div.marked {
                    img src=(uri::picture(thumbnail)) width=(thumbnail.width()) height=(thumbnail.height())
                        alt={ "The training picture " (shown) };
                    @if let Some([x, y]) = picture.at { (mark(x, y)) }
                }
            }
            span { bdi { (shown) } } " "
            span.quiet {
                "score " (score(picture.score as f32))
                @if let Some(deviations) = picture.deviations {
                    ", " (format!("{deviations:.1}")) " deviations above the middle picture"
                }
            }
        }
    }
}

/// A box around the most unusual place.
fn mark(x: f64, y: f64) -> Markup {
    const SIDE: f64 = 0.14;
    let corner = |at: f64| format!("{:.3}", (at - SIDE / 2.0).clamp(0.0, 1.0 - SIDE));
    html! {
        svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" {
            rect x=(corner(x)) y=(corner(y)) width=(SIDE) height=(SIDE) {}
        }
    }
}

/// Pairs as a list; nothing if nobody looked.
fn pairs(what: &str, found: Option<&[Duplicate]>) -> Markup {
    let Some(found) = found else { return html! {} };
    html! {
        h4 { (what) }
        @if found.is_empty() {
            p { "None." }
        } @else {
            ul {
                @for pair in found.iter().take(ROWS) {
                    li {
                        bdi { (name(&pair.picture)) } @if pair.exact { " is the same as " } @else { " is nearly " }
                        bdi { (name(&pair.like)) }
                    }
                }
            }
            @if found.len() > ROWS { p.quiet { "and " (found.len() - ROWS) " more, in the JSON of this report." } }
        }
    }
}

//! The pictures that came nearest to a wrong verdict, or got one.

use super::uri;
use super::words::{name, score};
use crate::document::{Example, Nearest, TestPart, Verdict};
use maud::{Markup, html};

pub(super) fn section(test: &TestPart) -> Markup {
    let wrong = |examples: &[Example], verdict| examples.iter().any(|e| e.picture.verdict == Some(verdict));
    let misses = wrong(&test.lowest_defects, Verdict::Ok) || wrong(&test.lowest_defects, Verdict::Review);
    let alarms = wrong(&test.highest_good, Verdict::Defect);
    html! {
        @if !test.lowest_defects.is_empty() {
            section {
                h3 { @if misses { "Worst misses" } @else { "Hardest defects" } }
                p.quiet { "The pictures with a defect that score lowest: left the picture with its labelled defect dashed, right what the \
                           model sees in it." }
                div.examples { @for example in &test.lowest_defects { (card(example)) } }
            }
        }
        @if !test.highest_good.is_empty() {
            section {
                h3 { @if alarms { "Worst false alarms" } @else { "Most suspicious good pictures" } }
                p.quiet { "The good pictures that score highest: left the picture, right what the model sees in it." }
                div.examples { @for example in &test.highest_good { (card(example)) } }
            }
        }
    }
}

fn card(example: &Example) -> Markup {
    let picture = &example.picture;
    let shown = name(&picture.name);
    let marked =
        example.n_regions.map_or(String::new(), |n| format!(", {n} regions above the pixel threshold"));
    let labelled = match example.truth.len() {
        0 => "",
        _ => ", its labelled defect dashed",
    };
    let said = match (picture.anomalous, picture.verdict) {
        (true, Some(Verdict::Defect)) => ("found", "right"),
        (true, Some(Verdict::Ok)) => ("escaped", "wrong"),
        (false, Some(Verdict::Defect)) => ("false alarm", "wrong"),
        (_, Some(Verdict::Review)) => ("for review", "unsure"),
        (false, Some(Verdict::Ok)) => ("passed", "right"),
        (_, None) => ("no verdict", "unsure"),
    };
    html! {
        figure.example {
            div.pair {
                div.marked {
                    img src=(uri::picture(&example.thumbnail)) width=(example.thumbnail.width())
                        height=(example.thumbnail.height()) alt={ "The picture " (shown) (labelled) };
                    (truth(example))
                }
                div.marked {
                    img src=(uri::picture(&example.overlay)) width=(example.overlay.width())
                        height=(example.overlay.height())
                        alt={ "The same picture under its anomaly map" (marked) };
                    (boxes(example))
                }
            }
            figcaption {
                p { span class={ "verdict " (said.1) } { (said.0) } " " strong { bdi { (shown) } } }
                p.quiet { "Kind: " bdi { (name(&picture.kind)) } ". Score " (score(picture.score)) "." }
                @if let Some(n) = example.n_regions { (regions_list(example, n)) }
                @if let Some(nearest) = &example.nearest { (nearest_patch(nearest)) }
            }
        }
    }
}

/// Where the labels say that the defect is.
fn truth(example: &Example) -> Markup {
    let [width, height] = example.size;
    html! {
        @if !example.truth.is_empty() {
            svg viewBox={ "0 0 " (width) " " (height) } preserveAspectRatio="none" aria-hidden="true" {
                @for [x, y, w, h] in &example.truth { rect.truth x=(x) y=(y) width=(w) height=(h) {} }
            }
        }
    }
}

fn boxes(example: &Example) -> Markup {
    let [width, height] = example.size;
    let font = (width.max(height) as f64 / 13.0).max(1.0);
    html! {
        svg viewBox={ "0 0 " (width) " " (height) } preserveAspectRatio="none" aria-hidden="true" {
            @for (i, region) in example.regions.iter().enumerate() {
                @let [x, y, w, h] = region.bounds;
                // Inside the picture even where the box touches its upper edge.
                @let baseline = (y as f64 - font * 0.25).max(font);
                rect x=(x) y=(y) width=(w) height=(h) {}
                text x=(x) y=(format!("{baseline:.0}")) font-size=(format!("{font:.0}")) { (i + 1) }
            }
        }
    }
}

fn regions_list(example: &Example, n: usize) -> Markup {
    html! {
        @if example.regions.is_empty() {
            p.quiet { "No region reaches the pixel threshold." }
        } @else {
            ol.regions {
                @for region in &example.regions {
                    @let [x, y, w, h] = region.bounds;
                    li { "at " (x) ", " (y) ": " (w) " \u{d7} " (h) " px, area " (region.area) ", peak " (score(region.peak)) }
                }
            }
            @if n > example.regions.len() { p.quiet { "and " (n - example.regions.len()) " with smaller peaks." } }
        }
    }
}

fn nearest_patch(nearest: &Nearest) -> Markup {
    let [row, column] = nearest.patch;
    html! {
        div.nearest {
            @if let Some(thumbnail) = &nearest.thumbnail {
                div.marked {
                    img src=(uri::picture(thumbnail)) width=(thumbnail.width()) height=(thumbnail.height())
                        alt={ "The training picture " (name(&nearest.picture)) };
                    @if let Some([x, y, w, h]) = nearest.place {
                        svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true" {
                            rect x=(format!("{x:.4}")) y=(format!("{y:.4}")) width=(format!("{w:.4}"))
                                height=(format!("{h:.4}")) {}
                        }
                    }
                }
            }
            p {
                "The most similar normal place to the worst spot: " bdi { (name(&nearest.picture)) } ", patch row "
                (row + 1) ", column " (column + 1) "."
            }
        }
    }
}

//! The report as one page: everything in it, nothing fetched, nothing run but its own script.

mod audit;
mod card;
mod category;
mod chart;
mod curves;
mod data;
mod examples;
mod histogram;
mod kinds;
mod metrics;
mod overview;
mod pictures;
mod summary;
mod uri;
mod what_if;
pub(crate) mod words;

use crate::document::Report;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("what_if.js");

/// The whole page.
pub(crate) fn page(report: &Report) -> String {
    let several = report.categories.len() > 1;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (report.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (report.title) }
                    p.quiet { "Visual inspection report, made by " (report.program) "." }
                }
                main {
                    @if several { (overview::table(&report.categories)) }
                    @for (i, category) in report.categories.iter().enumerate() {
                        (category::section(category, i + 1, report.categories.len()))
                    }
                    (how_to_read())
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// What the page may do: run its own script, use its own style, show pictures that lie in it. So even a file name that
/// slipped through as markup could neither run nor load anything.
fn policy() -> String {
    format!(
        "default-src 'none'; img-src data:; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        uri::hash(STYLE),
        uri::hash(SCRIPT)
    )
}

fn how_to_read() -> Markup {
    html! {
        section.words {
            h2 { "How to read this report" }
            dl {
                dt { "Score" }
                dd { "How far a picture's least normal place is from everything seen in good pictures. Higher is more \
                      anomalous. Scores of different models cannot be compared." }
                dt { "Threshold" }
                dd { "Pictures that score at or above it are called defective. A second, lower one may mark pictures for review. \
                      Both are taken from good pictures alone." }
                dt { "False alarm" }
                dd { "A good picture that is called defective." }
                dt { "Escape" }
                dd { "A picture with a defect that is called ok." }
                dt { "95 % interval" }
                dd { "If the test were repeated on new pictures of the same kind, such intervals would hold the true value \
                      about 95 times in 100; those of counted rates (Clopper and Pearson) at least so often." }
                dt { "AUROC" }
                dd { "The chance that a random picture with a defect scores higher than a random good one. It looks at no \
                      threshold." }
                dt { "AUPRO" }
                dd { "How much of each defective region is found while few good pixels are marked; every region counts the \
                      same, however small." }
                dt { "Oracle" }
                dd { "A number that was reached by looking at the labels of the test pictures. It shows what would be \
                      possible, and must not be promised." }
            }
        }
    }
}

//! Every test picture with its score and verdict, folded away.

use super::words::{name, score};
use crate::document::{TestPart, TestPicture, Verdict};
use maud::{Markup, html};

/// Rows of all such tables of a page together; the JSON has all.
const ROWS: usize = 2000;

/// `of` says how many categories share the page.
pub(super) fn section(test: &TestPart, of: usize) -> Markup {
    let mut sorted: Vec<&TestPicture> = test.pictures.iter().collect();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    let rows = (ROWS / of.max(1)).max(10);
    html! {
        section {
            details {
                summary { "All " (test.pictures.len()) " test pictures, the highest score first" }
                div.scroll {
                    table {
                        thead {
                            tr {
                                th scope="col" { "Picture" }
                                th scope="col" { "Kind" }
                                th.number scope="col" { "Score" }
                                th scope="col" { "Verdict" }
                            }
                        }
                        tbody { @for picture in sorted.iter().take(rows) { (row(picture)) } }
                    }
                }
                @if sorted.len() > rows {
                    p.quiet { "The other " (sorted.len() - rows) " are in the JSON of this report." }
                }
            }
        }
    }
}

fn row(picture: &TestPicture) -> Markup {
    html! {
        tr {
            th scope="row" { bdi { (name(&picture.name)) } }
            td { bdi { (name(&picture.kind)) } }
            td.number { (score(picture.score)) }
            td {
                @match (picture.verdict, picture.anomalous) {
                    (None, _) => "\u{2013}",
                    (Some(Verdict::Defect), true) => "defect",
                    (Some(Verdict::Defect), false) => span.verdict.wrong { "defect: false alarm" },
                    (Some(Verdict::Review), _) => span.verdict.unsure { "review" },
                    (Some(Verdict::Ok), true) => span.verdict.wrong { "ok: escaped" },
                    (Some(Verdict::Ok), false) => "ok",
                }
            }
        }
    }
}

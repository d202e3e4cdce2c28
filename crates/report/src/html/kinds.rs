//! Each kind of defect: how many of it escaped.

use super::words::{interval, name, share};
use crate::document::{KindRow, TestPart};
use maud::{Markup, html};

/// More kinds than this are in the JSON alone.
const ROWS: usize = 100;

pub(super) fn section(test: &TestPart) -> Markup {
    html! {
        @if !test.kinds.is_empty() {
            section {
                h3 { "Kinds of defects" }
                div.scroll {
                    table {
                        caption { "Each kind against all good test pictures" }
                        thead {
                            tr {
                                th scope="col" { "Kind" }
                                th.number scope="col" { "Pictures" }
                                th.number scope="col" { "Escapes" }
                                th.number scope="col" { "95 % interval" }
                                th.number scope="col" { "Image AUROC" }
                            }
                        }
                        tbody { @for kind in test.kinds.iter().take(ROWS) { (row(kind)) } }
                    }
                }
                @if test.kinds.len() > ROWS {
                    p.quiet { "The other " (test.kinds.len() - ROWS) " kinds are in the JSON of this report." }
                }
            }
        }
    }
}

fn row(kind: &KindRow) -> Markup {
    let none = || "\u{2013}".to_string();
    html! {
        tr {
            th scope="row" { bdi { (name(&kind.name)) } }
            td.number { (kind.pictures) }
            td.number { (kind.escapes.map_or_else(none, |r| format!("{} ({})", r.count, share(r.value())))) }
            td.number { (kind.escapes.map_or_else(none, |r| interval([r.lower, r.upper]))) }
            td.number {
                @match (kind.auroc, &kind.undefined) {
                    (Some(value), _) => (share(value)),
                    (None, reason) => span.quiet { (reason.as_deref().unwrap_or("undefined")) },
                }
            }
        }
    }
}

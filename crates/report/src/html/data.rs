//! Which pictures took part, and how to know them again.

use super::words::name;
use crate::document::DataTable;
use maud::{Markup, html};

/// More rows than this are in the JSON alone.
const ROWS: usize = 100;

pub(super) fn section(data: &DataTable) -> Markup {
    html! {
        section {
            h3 { "Data" }
            div.scroll {
                table {
                    caption { "Pictures by split and kind" }
                    thead {
                        tr {
                            th scope="col" { "Split" }
                            th scope="col" { "Kind" }
                            th.number scope="col" { "Pictures" }
                            th.number scope="col" { "With mask" }
                        }
                    }
                    tbody {
                        @for row in data.splits.iter().take(ROWS) {
                            tr {
                                th scope="row" { (row.split) }
                                td { bdi { (name(&row.kind)) } }
                                td.number { (row.pictures) }
                                td.number { (row.masks) }
                            }
                        }
                    }
                }
            }
            (left_out("Left out because they could not be read:", &data.skipped))
            (left_out("Left out because it was asked for:", &data.dropped))
            @if !data.fingerprints.is_empty() {
                dl.facts {
                    @for print in &data.fingerprints {
                        dt { "Fingerprint of the " (print.pictures) " " (print.of) }
                        dd { code { (print.sha256) } }
                    }
                }
            }
        }
    }
}

fn left_out(why: &str, names: &[String]) -> Markup {
    html! {
        @if !names.is_empty() {
            p { (why) }
            ul { @for left_out in names.iter().take(ROWS) { li { bdi { (name(left_out)) } } } }
            @if names.len() > ROWS { p.quiet { "and " (names.len() - ROWS) " more, in the JSON of this report." } }
        }
    }
}

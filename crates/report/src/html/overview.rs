//! Several categories in one table, with links to each.

use super::words::{name, score, share};
use crate::document::{CategoryReport, Rate};
use maud::{Markup, html};

/// More categories than this are in the JSON alone.
const ROWS: usize = 200;

pub(super) fn table(categories: &[CategoryReport]) -> Markup {
    html! {
        section #overview {
            h2 { "Overview" }
            div.scroll {
                table {
                    caption { "All categories at their deployed thresholds" }
                    thead {
                        tr {
                            th scope="col" { "Category" }
                            th.number scope="col" { "Threshold" }
                            th.number scope="col" { "False alarms" }
                            th.number scope="col" { "Escapes" }
                            th.number scope="col" { "Image AUROC" }
                            th.number scope="col" { "AUPRO 0.3" }
                        }
                    }
                    tbody {
                        @for (i, category) in categories.iter().take(ROWS).enumerate() { (row(category, i + 1)) }
                    }
                }
            }
        }
    }
}

fn row(category: &CategoryReport, number: usize) -> Markup {
    let none = || "\u{2013}".to_string();
    let outcome = category.test.as_ref().and_then(|test| test.outcome);
    let of = |rate: Option<Rate>| rate.map_or_else(none, |r| format!("{} of {}", r.count, r.of));
    let metric = |key: &str| {
        let found = category.test.as_ref()?.metrics.iter().find(|m| m.key == key)?;
        found.value.map(share)
    };
    html! {
        tr {
            th scope="row" { a href={ "#category-" (number) } { bdi { (name(&category.name)) } } }
            td.number { (category.threshold.as_ref().map_or_else(none, |t| score(t.image))) }
            td.number { (of(outcome.and_then(|o| o.false_alarm_rate))) }
            td.number { (of(outcome.and_then(|o| o.escape_rate))) }
            td.number { (metric("image_auroc").unwrap_or_else(none)) }
            td.number { (metric("aupro_0.3").unwrap_or_else(none)) }
        }
    }
}

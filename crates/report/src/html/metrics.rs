//! The table of metrics: values with intervals, or the reason why there is none.

use super::words::{interval, share};
use crate::document::{MetricRow, TestPart};
use maud::{Markup, html};

pub(super) fn section(test: &TestPart) -> Markup {
    let mut groups: Vec<&str> = Vec::new();
    for metric in &test.metrics {
        if !groups.contains(&metric.group.as_str()) {
            groups.push(&metric.group);
        }
    }
    html! {
        section {
            h3 { "Metrics" }
            div.scroll {
                table {
                    caption { "Of the escape rate and the false-alarm rate lower is better, of all others higher" }
                    thead {
                        tr {
                            th scope="col" { "Metric" }
                            th.number scope="col" { "Value" }
                            th.number scope="col" { "95 % interval" }
                        }
                    }
                    @for group in groups {
                        tbody {
                            tr.group { th colspan="3" scope="rowgroup" { "Of " (group) } }
                            @for metric in test.metrics.iter().filter(|m| m.group == group) { (row(metric)) }
                        }
                    }
                }
            }
        }
    }
}

fn row(metric: &MetricRow) -> Markup {
    html! {
        tr {
            th scope="row" { (metric.name) @if metric.oracle { " " span.tag { "oracle" } } }
            @match (metric.value, &metric.undefined) {
                (Some(value), _) => {
                    td.number { (share(value)) }
                    td.number { (metric.interval.map_or_else(|| "\u{2013}".into(), interval)) }
                }
                (None, reason) => td.quiet colspan="2" {
                    "undefined: " (reason.as_deref().unwrap_or("no reason is known"))
                },
            }
        }
    }
}

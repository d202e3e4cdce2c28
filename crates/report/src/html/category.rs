//! One category: its sections in their order.

use super::{audit, card, curves, data, examples, histogram, kinds, metrics, pictures, summary, words};
use crate::document::CategoryReport;
use maud::{Markup, html};

/// `number` counts from 1, `of` says how many categories the page has.
pub(super) fn section(category: &CategoryReport, number: usize, of: usize) -> Markup {
    html! {
        section.category id={ "category-" (number) } {
            h2 { bdi { (words::name(&category.name)) } }
            (summary::section(category))
            (histogram::section(category, number))
            @if let Some(test) = &category.test {
                (curves::section(test))
                (metrics::section(test))
                (kinds::section(test))
                (examples::section(test))
            }
            @if let Some(audit) = &category.audit { (audit::section(audit)) }
            (data::section(&category.data))
            @if let Some(test) = &category.test { (pictures::section(test, of)) }
            (card::section(&category.model, category.threshold.as_ref()))
            @if of > 1 { p.back { a href="#overview" { "Back to the overview" } } }
        }
    }
}

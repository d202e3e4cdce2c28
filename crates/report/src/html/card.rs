//! The model card: what the model is, what it is for, and what it is not for.

use super::words::{name, score, share};
use crate::document::{MemberCard, ModelCard, Threshold};
use maud::{Markup, html};

pub(super) fn section(card: &ModelCard, threshold: Option<&Threshold>) -> Markup {
    html! {
        section {
            h3 { "Model card" }
            p { strong { "Intended use. " } (card.intended_use) }
            p { strong { "Limits. " } (card.limits) }
            dl.facts {
                @if let Some(file) = &card.file { dt { "Model file" } dd { bdi { (name(file)) } } }
                dt { "Fitted by" } dd { "patchcore " (card.fitted_by) ", file format " (card.file_format) }
                dt { "Fitted on" } dd { (card.training_pictures) " good pictures" }
                dt { "Intensities" } dd { (card.intensity) }
                @if let Some(t) = threshold {
                    dt { "Thresholds" }
                    dd {
                        "image " (score(t.image)) @if let Some(review) = t.review { ", review " (score(review)) }
                        @if let Some(pixel) = t.pixel { ", pixel " (score(pixel)) }
                        @if let Some(rate) = t.false_alarm_rate { "; at most " (share(rate)) " false alarms" }
                    }
                }
                @for member in &card.members { (facts(member)) }
            }
        }
    }
}

fn facts(member: &MemberCard) -> Markup {
    let parameters = serde_json::to_string_pretty(&member.parameters).unwrap_or_default();
    html! {
        dt { "Network" }
        dd { bdi { (member.backbone) } ", layers " bdi { (member.layers.join(", ")) } ", precision " (member.precision) }
        dt { "Weights" }
        dd { code { (member.weights) } }
        dt { "Memory bank" }
        dd {
            (member.bank_rows) " patches"
            @if member.patches > 0 { " of " (member.patches) }
            ", " (member.embedding_dimension) " values each"
            @if let Some(radius) = member.covering_radius { "; no training patch is farther than " (score(radius)) " from it" }
        }
        dt { "Parameters" }
        dd { details { summary { "All parameters" } pre { (parameters) } } }
    }
}

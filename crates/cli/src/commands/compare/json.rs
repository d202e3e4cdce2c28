//! A comparison as JSON.

use super::Found;
use super::text::conclusion;
use patchcore_evaluation::{Comparison, Discordant, MeanComparison};
use patchcore_metrics::{Delong, Estimate, Metric, PairedBootstrap, Undefined};
use serde_json::{Value, json};

pub(super) fn of(found: &Found) -> Value {
    let conclusion = conclusion(found);
    json!({
        "categories": found.categories.iter().map(category).collect::<Vec<_>>(),
        "mean": found.mean.as_ref().map(mean),
        "better": conclusion.better,
        "conclusion": conclusion.sentence,
    })
}

fn category(own: &Comparison) -> Value {
    json!({
        "category": own.category,
        "good_pictures": own.pictures[0],
        "defective_pictures": own.pictures[1],
        "image_auroc": values(&own.auroc),
        "image_auroc_bootstrap": bootstrap(&own.auroc_bootstrap),
        "image_auroc_delong": delong(&own.auroc_delong),
        "image_ap": values(&own.average_precision),
        "image_ap_bootstrap": bootstrap(&own.average_precision_bootstrap),
        "escapes": discordant(&own.escapes),
        "overkill": discordant(&own.overkill),
    })
}

fn mean(mean: &MeanComparison) -> Value {
    json!({
        "pictures": mean.pictures,
        "image_auroc": values(&mean.auroc),
        "image_auroc_bootstrap": bootstrap(&mean.auroc_bootstrap),
        "image_ap": values(&mean.average_precision),
        "image_ap_bootstrap": bootstrap(&mean.average_precision_bootstrap),
    })
}

fn values([a, b]: &[Metric; 2]) -> Value {
    json!({ "a": a.as_ref().ok(), "b": b.as_ref().ok() })
}

fn test(difference: &Estimate, p_value: Option<f64>) -> Value {
    let bounds = [difference.bounds.lower, difference.bounds.upper];
    json!({ "difference": difference.value, "bounds": bounds, "p_value": p_value })
}

fn bootstrap(found: &Result<PairedBootstrap, Undefined>) -> Value {
    found.as_ref().map_or_else(undefined, |found| test(&found.difference, Some(found.p_value)))
}

fn delong(found: &Result<Delong, Undefined>) -> Value {
    found.as_ref().map_or_else(undefined, |found| {
        let mut all = test(&found.difference, found.p_value.as_ref().ok().copied());
        if let Err(reason) = &found.p_value {
            all["undefined"] = json!(reason.to_string());
        }
        all
    })
}

fn discordant(found: &Result<Discordant, String>) -> Value {
    found.as_ref().map_or_else(undefined, |found| {
        json!({
            "of": found.of,
            "a": found.wrong[0],
            "b": found.wrong[1],
            "only_a": found.only[0],
            "only_b": found.only[1],
            "p_value": found.p_value,
        })
    })
}

fn undefined(reason: &impl ToString) -> Value {
    json!({ "undefined": reason.to_string() })
}

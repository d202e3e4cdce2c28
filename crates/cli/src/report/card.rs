//! The model's thresholds and card.

use crate::thresholds::source;
use patchcore::{FORMAT_VERSION, Fitted, Member};
use patchcore_files::shown;
use patchcore_report::{MemberCard, ModelCard, Threshold};
use std::path::Path;

/// The model's own thresholds.
pub(super) fn threshold(fitted: &Fitted) -> Option<Threshold> {
    let c = fitted.calibration.as_ref()?;
    Some(Threshold {
        image: c.image_threshold,
        review: (c.review_threshold < c.image_threshold).then_some(c.review_threshold),
        pixel: Some(c.pixel_threshold),
        false_alarm_rate: Some(c.false_alarm_rate),
        review_rate: (c.review_threshold < c.image_threshold).then_some(c.review_rate),
        source: source(c),
        good_scores: c.image_scores.clone(),
    })
}

/// What the thresholds cannot promise, and what that would take.
pub(super) fn shortfall(fitted: &Fitted) -> Option<String> {
    let c = fitted.calibration.as_ref()?;
    let needed = c.pictures_missing()?;
    Some(format!(
        "A false-alarm rate of {:.1} % was asked for, which takes {needed} good pictures; {} can promise no better than {:.1} %.",
        c.asked.false_alarm * 100.0,
        c.image_scores.len(),
        c.false_alarm_rate * 100.0
    ))
}

pub(super) fn card(fitted: &Fitted, file: &Path) -> ModelCard {
    ModelCard {
        file: Some(shown(file)),
        fitted_by: super::safe(&fitted.training.version),
        file_format: FORMAT_VERSION,
        intensity: fitted.training.intensity.to_string(),
        training_pictures: fitted.training.pictures.len(),
        members: fitted.members.iter().map(member).collect(),
        intended_use: ModelCard::INTENDED_USE.into(),
        limits: ModelCard::LIMITS.into(),
    }
}

fn member(member: &Member) -> MemberCard {
    let params = &member.params;
    MemberCard {
        backbone: super::safe(&params.backbone),
        layers: params.layers.iter().map(|layer| super::safe(layer)).collect(),
        precision: params.precision.to_string(),
        weights: super::safe(&member.fingerprint),
        bank_rows: member.bank.len(),
        embedding_dimension: member.bank.rows.dim(),
        patches: member.patches,
        covering_radius: member.covering_radius,
        parameters: serde_json::to_value(params).unwrap_or_default(),
    }
}

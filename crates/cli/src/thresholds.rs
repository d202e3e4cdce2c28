//! What a model's thresholds promise, for people and for programs.

use crate::exit::Failure;
use crate::output;
use patchcore::{Calibration, Fitted, HeldOutBy};
use serde_json::{Value, json};

/// Prints the thresholds and the rates that they stand for, behind labels of this width.
pub(crate) fn promises(fitted: &Fitted, width: usize) -> Result<(), Failure> {
    let lines = match &fitted.calibration {
        Some(calibration) => lines(calibration),
        None => vec![(
            "threshold",
            "none: that takes at least two good pictures (predict --threshold gives one)".into(),
        )],
    };
    for (label, text) in lines {
        output::line(&format!("{label:<width$} {text}"))?;
    }
    Ok(())
}

fn lines(c: &Calibration) -> Vec<(&'static str, String)> {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let defect = format!(
        "{:.4}: a defect at or above it; at most {} of good parts are expected there",
        c.image_threshold,
        percent(c.false_alarm_rate)
    );
    let review = if c.review_threshold < c.image_threshold {
        let rate = percent(c.review_rate);
        format!("{:.4}: not ok at or above it; at most {rate} of good parts", c.review_threshold)
    } else {
        "none: its threshold would be the same".to_string()
    };
    let pixels = format!(
        "{:.4}: at most {} of good parts have a pixel at or above it; {:.4} % of their area is expected there",
        c.pixel_threshold,
        percent(c.false_alarm_rate),
        c.pixel_false_area * 100.0
    );
    let mut lines = vec![("threshold", defect), ("review", review), ("pixels", pixels), ("from", source(c))];
    if let Some(needed) = c.pictures_missing() {
        let asked = percent(c.asked.false_alarm);
        lines.push(("too few", format!("a false-alarm rate of {asked} takes {needed} good pictures")));
    }
    lines
}

/// Which good pictures they come from.
pub(crate) fn source(c: &Calibration) -> String {
    let n = c.image_scores.len();
    match c.held_out {
        HeldOutBy::Picture => format!("{n} good pictures, each judged without its own patches"),
        HeldOutBy::Folds(folds) => {
            format!("{n} good pictures in {folds} folds, each judged without its own patches")
        }
        HeldOutBy::New => format!("{n} good pictures that the model was not fitted on"),
    }
}

/// The thresholds, the rates that they stand for, and what was asked for.
pub(crate) fn thresholds_json(c: &Calibration) -> Value {
    json!({
        "image": output::score_json(c.image_threshold),
        "false_alarm_rate": c.false_alarm_rate,
        "review": output::score_json(c.review_threshold),
        "review_rate": c.review_rate,
        "pixel": output::score_json(c.pixel_threshold),
        "pixel_false_area": c.pixel_false_area,
        "asked": c.asked,
        "held_out": c.held_out,
        "good_pictures": c.image_scores.len(),
        "good_pictures_needed": c.pictures_missing(),
    })
}

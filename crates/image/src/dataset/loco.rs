//! What `MVTec LOCO AD` says about its masks: `CATEGORY/defects_config.json`.

use super::DatasetError;
use super::listed::{bad_line, text};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The file in a category's folder.
pub(super) const CONFIG: &str = "defects_config.json";

/// How much of a defect's region must be found before it counts as found whole: for the metric sPRO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saturation {
    /// The kind of defect.
    pub defect_name: String,
    /// The value of its pixels in masks.
    pub pixel_value: u8,
    /// Pixels, or a share of the region if [`relative_saturation`](Self::relative_saturation); above 0.
    pub saturation_threshold: f64,
    /// Whether the threshold is a share in `(0, 1]`.
    pub relative_saturation: bool,
}

/// Reads the file of one category.
pub(super) fn saturations(category: &Path) -> Result<Vec<Saturation>, DatasetError> {
    let path = category.join(CONFIG);
    let all: Vec<Saturation> =
        serde_json::from_str(&text(&path)?).map_err(|e| bad_line(&path, e.line() as u64, e.to_string()))?;
    for (entry, number) in all.iter().zip(1..) {
        let most = if entry.relative_saturation { 1.0 } else { f64::MAX };
        if !(entry.saturation_threshold > 0.0 && entry.saturation_threshold <= most) {
            let reason = format!("the threshold {} of {:?}", entry.saturation_threshold, entry.defect_name);
            return Err(bad_line(&path, number, format!("entry {number}: {reason} is out of range")));
        }
    }
    Ok(all)
}

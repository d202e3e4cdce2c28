//! The files that a prediction leaves for people and for other programs.

use crate::exit::{Code, Failure};
use crate::output;
use patchcore::{Fitted, Prediction};
use patchcore_files::write_atomic;
use patchcore_image::Picture;
use patchcore_report::{ColourScale, ReportError, heat_map_png, overlay_png, overlay_rgb, raw_map_tiff};
use patchcore_tensor::AnomalyMap;
use std::path::{Path, PathBuf};

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::new(Code::Internal, error.to_string())
    }
}

/// The one colour scale of a model, and the contour of its pixel threshold. Without a calibration the scale spans the
/// map at hand.
pub(crate) fn scale(fitted: &Fitted, map: &AnomalyMap) -> (ColourScale, Option<f32>) {
    match &fitted.calibration {
        Some(c) if c.pixel_threshold > 0.0 => {
            (ColourScale::of_model(c.pixel_typical, c.pixel_threshold), Some(c.pixel_threshold))
        }
        _ => {
            let (low, high) = map.min_max().unwrap_or((0.0, 1.0));
            (ColourScale { calm: low, alarm: high.max(low + f32::MIN_POSITIVE.max(low.abs() * 1e-6)) }, None)
        }
    }
}

/// The picture under its anomaly map, as RGB.
pub(crate) fn overlay(
    fitted: &Fitted,
    picture: &Picture,
    prediction: &Prediction,
) -> Result<Vec<u8>, Failure> {
    let (width, height) = (picture.width(), picture.height());
    let map = fitted.params.preprocess.map_to_picture(&prediction.anomaly_map, width, height);
    let (scale, contour) = scale(fitted, &map);
    Ok(overlay_rgb(picture.rgb(), width, height, &map, &scale, contour)?)
}

/// Where the three files of a prediction lie.
#[derive(serde::Serialize, Clone)]
pub(crate) struct Written {
    pub(crate) overlay: String,
    pub(crate) heat_map: String,
    pub(crate) raw_map: String,
}

/// Writes overlay, heat map and raw map, all in the picture's own pixels, beside `stem` in `folder`.
pub(crate) fn write(
    folder: &Path,
    stem: &Path,
    fitted: &Fitted,
    picture: &Picture,
    prediction: &Prediction,
) -> Result<Written, Failure> {
    let (width, height) = (picture.width(), picture.height());
    let map = fitted.params.preprocess.map_to_picture(&prediction.anomaly_map, width, height);
    let (scale, contour) = scale(fitted, &map);
    let path = |ending: &str| -> PathBuf {
        let mut name = stem.file_name().unwrap_or_default().to_os_string();
        name.push(ending);
        folder.join(stem.with_file_name(name))
    };
    let (overlay, heat_map, raw_map) = (path("_overlay.png"), path("_heatmap.png"), path("_map.tiff"));
    if let Some(parent) = overlay.parent() {
        output::make_folder(parent)?;
    }
    write_atomic(&overlay, &overlay_png(picture.rgb(), width, height, &map, &scale, contour)?, true)?;
    write_atomic(&heat_map, &heat_map_png(&map, &scale)?, true)?;
    write_atomic(&raw_map, &raw_map_tiff(&map)?, true)?;
    let text = |p: &Path| p.to_string_lossy().into_owned();
    Ok(Written { overlay: text(&overlay), heat_map: text(&heat_map), raw_map: text(&raw_map) })
}

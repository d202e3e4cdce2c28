//! The files that a prediction leaves for people and for other programs.

use crate::exit::{Code, Failure};
use crate::targets::make_folder;
use patchcore::{Fitted, Prediction};
use patchcore_files::write_atomic;
use patchcore_image::Picture;
use patchcore_report::{
    ColourScale, ReportError, heat_map_png, heat_map_rgb, overlay_png, overlay_rgb, raw_map_tiff,
};
use patchcore_tensor::AnomalyMap;
use std::path::{Path, PathBuf};

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::new(Code::Internal, error.to_string())
    }
}

/// What colours mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The one scale of a model, and the contour of its pixel threshold. Without a calibration, the map's own.
    Model,
    /// The scale of a whole test set, whose maps were brought to `[0, 1]`.
    TestSet,
    /// Each map on its own scale.
    Picture,
}

impl Look {
    fn scale(self, fitted: &Fitted, map: &AnomalyMap) -> (ColourScale, Option<f32>) {
        match (self, &fitted.calibration) {
            (Self::Model, Some(c)) if c.pixel_threshold > 0.0 => {
                (ColourScale::of_model(c.pixel_typical, c.pixel_threshold), Some(c.pixel_threshold))
            }
            (Self::TestSet, _) => (ColourScale { calm: 0.0, alarm: 1.0 }, None),
            _ => {
                let (low, high) = map.min_max().unwrap_or((0.0, 1.0));
                let alarm = high.max(low + f32::MIN_POSITIVE.max(low.abs() * 1e-6));
                (ColourScale { calm: low, alarm }, None)
            }
        }
    }
}

/// The anomaly map in the picture's own pixels.
pub(crate) fn map_of(fitted: &Fitted, picture: &Picture, prediction: &Prediction) -> AnomalyMap {
    let preprocess = &fitted.members[0].params.preprocess;
    preprocess.map_to_picture(&prediction.anomaly_map, picture.width(), picture.height())
}

/// The picture under its anomaly map, as RGB.
pub(crate) fn overlay(
    fitted: &Fitted,
    look: Look,
    picture: &Picture,
    prediction: &Prediction,
) -> Result<Vec<u8>, Failure> {
    let map = map_of(fitted, picture, prediction);
    let (scale, contour) = look.scale(fitted, &map);
    Ok(overlay_rgb(picture.rgb(), picture.width(), picture.height(), &map, &scale, contour)?)
}

/// The anomaly map alone, as RGB of the picture's size.
pub(crate) fn heat_map(
    fitted: &Fitted,
    look: Look,
    picture: &Picture,
    prediction: &Prediction,
) -> Result<Vec<u8>, Failure> {
    let map = map_of(fitted, picture, prediction);
    Ok(heat_map_rgb(&map, &look.scale(fitted, &map).0)?)
}

/// Where the three files of a prediction lie; none for one that could not be written.
#[derive(serde::Serialize, Clone, Default)]
pub(crate) struct Written {
    pub(crate) overlay: Option<String>,
    pub(crate) heat_map: Option<String>,
    pub(crate) raw_map: Option<String>,
}

/// Overlay, heat map and raw map of the picture whose files have this `stem` in `folder`.
pub(crate) fn paths(folder: &Path, stem: &Path) -> [PathBuf; 3] {
    ["_overlay.png", "_heatmap.png", "_map.tiff"].map(|ending| {
        let mut name = stem.file_name().unwrap_or_default().to_os_string();
        name.push(ending);
        folder.join(stem.with_file_name(name))
    })
}

/// Writes overlay, heat map and raw map to `paths`, all in the picture's own pixels. What cannot be written hinders no
/// other; it comes back as faults.
pub(crate) fn write(
    paths: &[PathBuf; 3],
    fitted: &Fitted,
    picture: &Picture,
    prediction: &Prediction,
) -> Result<(Written, Vec<String>), Failure> {
    let (width, height) = (picture.width(), picture.height());
    let map = map_of(fitted, picture, prediction);
    let (scale, contour) = Look::Model.scale(fitted, &map);
    let mut faults = Vec::new();
    let mut file = |path: &Path, bytes: &[u8]| match write_beneath(path, bytes) {
        Ok(()) => Some(path.to_string_lossy().into_owned()),
        Err(failure) => {
            faults.push(failure.message);
            None
        }
    };
    let [overlay, heat_map, raw_map] = paths;
    let written = Written {
        overlay: file(overlay, &overlay_png(picture.rgb(), width, height, &map, &scale, contour)?),
        heat_map: file(heat_map, &heat_map_png(&map, &scale)?),
        raw_map: file(raw_map, &raw_map_tiff(&map)?),
    };
    Ok((written, faults))
}

/// Writes a file into a folder that is made where it is missing.
pub(crate) fn write_beneath(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    Ok(write_atomic(path, bytes, true)?)
}

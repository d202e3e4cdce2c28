//! The metrics of anomaly maps.

use crate::decisions::decide_pixels;
use crate::evaluation::PixelMetrics;
use crate::pixels::{PixelRule, PixelScores};
use patchcore_metrics::{
    AUPIMO_RANGE, Metric, PixelPicture, Resampling, aupimo, bootstrap_mean, pixel_auroc,
};

/// All of them but the one of saturated regions.
pub(crate) fn pixel_metrics(
    pixels: &[PixelScores],
    rule: PixelRule,
    pro_limits: &[f64],
    threshold: Result<f32, String>,
    resampling: Resampling,
) -> PixelMetrics {
    let pictures: Vec<PixelPicture<'_>> = pixels.iter().map(PixelScores::picture).collect();
    let all = patchcore_metrics::pixel_metrics(&pictures, pro_limits);
    let aupimo = aupimo(&pictures, AUPIMO_RANGE);
    let aupimo_bounds = aupimo.clone().and_then(|found| {
        let values: Vec<f64> = found.per_picture.into_iter().filter_map(Result::ok).collect();
        Ok(bootstrap_mean(&values, resampling)?.bounds)
    });
    PixelMetrics {
        rule,
        auroc: all.auroc,
        auroc_anomalous_only: anomalous_only(pixels, all.auroc_anomalous_only),
        average_precision: all.average_precision,
        oracle_f1_max: all.f1_max,
        oracle_iou_max: all.iou_max,
        aupro: all.aupro,
        pro_curve: all.pro_curve,
        aupimo,
        aupimo_bounds,
        au_spro: None,
        at_threshold: threshold.and_then(|t| decide_pixels(pixels, t).map_err(|reason| reason.to_string())),
    }
}

/// The area over the pictures whose mask marks anything, be it only half a pixel, which the rule may pass over. Where it
/// passes over no picture, that is the area over the pictures with a defect.
fn anomalous_only(pixels: &[PixelScores], with_defect: Metric) -> Metric {
    if pixels.iter().all(|p| p.touched == p.has_defect()) {
        return with_defect;
    }
    let touched: Vec<PixelPicture<'_>> =
        pixels.iter().filter(|p| p.touched).map(PixelScores::picture).collect();
    pixel_auroc(&touched)
}

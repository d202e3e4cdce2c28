//! The anomaly map laid over its picture.

use crate::colour::check_finite;
use crate::contour::{Line, contour};
use crate::picture::{Picture, blend, check_rgb};
use crate::{ColourScale, ReportError};
use patchcore_tensor::AnomalyMap;

const LINE: [u8; 3] = [255, 255, 255];
const RIM_ALPHA: u8 = 150;

/// The picture with its anomaly map in colour on top, as PNG.
///
/// `rgb` holds `height * width` pixels of 3 bytes, row by row; `map` has the same size. `contour`, if given, is the
/// threshold whose line is drawn around every pixel that reaches it. Where the map is calm the picture stays as it is.
///
/// # Errors
///
/// [`ReportError`] if the sizes do not fit, there are no pixels, the scale is invalid, or a score is NaN or infinite.
///
/// # Examples
///
/// ```
/// # use patchcore_report::{ColourScale, overlay_png};
/// # use patchcore_tensor::AnomalyMap;
/// let map = AnomalyMap::from_vec(1, 2, vec![0.0, 9.0]).expect("two scores");
/// let png = overlay_png(&[200; 6], 2, 1, &map, &ColourScale { calm: 1.0, alarm: 5.0 }, None)?;
/// assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
/// # Ok::<(), patchcore_report::ReportError>(())
/// ```
pub fn overlay_png(
    rgb: &[u8],
    width: usize,
    height: usize,
    map: &AnomalyMap,
    scale: &ColourScale,
    contour: Option<f32>,
) -> Result<Vec<u8>, ReportError> {
    let rgb = overlay_rgb(rgb, width, height, map, scale, contour)?;
    Picture { width, height, rgb }.to_png()
}

/// The same overlay as plain RGB bytes, for a [`Tile`](crate::Tile) of a contact sheet.
///
/// # Errors
///
/// As [`overlay_png`]; no pixels give no bytes.
///
/// # Examples
///
/// ```
/// # use patchcore_report::{ColourScale, overlay_rgb};
/// # use patchcore_tensor::AnomalyMap;
/// let map = AnomalyMap::from_vec(1, 2, vec![0.0, 9.0]).expect("two scores");
/// let rgb = overlay_rgb(&[200; 6], 2, 1, &map, &ColourScale { calm: 1.0, alarm: 5.0 }, None)?;
/// assert_eq!(rgb[..3], [200, 200, 200]);
/// assert_eq!(rgb[3..], [151, 65, 130]);
/// # Ok::<(), patchcore_report::ReportError>(())
/// ```
pub fn overlay_rgb(
    rgb: &[u8],
    width: usize,
    height: usize,
    map: &AnomalyMap,
    scale: &ColourScale,
    contour: Option<f32>,
) -> Result<Vec<u8>, ReportError> {
    check_rgb(rgb, width, height)?;
    if (map.width(), map.height()) != (width, height) {
        return Err(ReportError::MapSize { map_width: map.width(), map_height: map.height(), width, height });
    }
    scale.check()?;
    check_finite(map)?;

    let mut out = rgb.to_vec();
    for (pixel, &score) in out.chunks_exact_mut(3).zip(map.data()) {
        let [r, g, b, alpha] = scale.colour(score);
        lay_over(pixel, [r, g, b], alpha);
    }
    if let Some(threshold) = contour {
        draw_contour(&mut out, map, threshold);
    }
    Ok(out)
}

fn draw_contour(rgb: &mut [u8], map: &AnomalyMap, threshold: f32) {
    for (pixel, line) in rgb.chunks_exact_mut(3).zip(contour(map, threshold)) {
        match line {
            Line::None => {}
            Line::Core => pixel.copy_from_slice(&LINE),
            Line::Rim => lay_over(pixel, [0, 0, 0], RIM_ALPHA),
        }
    }
}

fn lay_over(pixel: &mut [u8], colour: [u8; 3], alpha: u8) {
    for (channel, over) in pixel.iter_mut().zip(colour) {
        *channel = blend(*channel, over, alpha);
    }
}

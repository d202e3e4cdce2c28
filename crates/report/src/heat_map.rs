//! The anomaly map alone, on a dark ground.

use crate::colour::{check_finite, ramp};
use crate::picture::Picture;
use crate::{ColourScale, ReportError};
use patchcore_tensor::AnomalyMap;

/// Place in `[0, 1]`, then red, green, blue: on a dark ground more is brighter, so this ramp climbs.
const RAMP: [(f32, [f32; 3]); 6] = [
    (0.00, [16.0, 18.0, 26.0]),
    (0.25, [62.0, 22.0, 74.0]),
    (0.50, [168.0, 36.0, 70.0]),
    (0.70, [228.0, 92.0, 36.0]),
    (0.85, [250.0, 172.0, 44.0]),
    (1.00, [255.0, 246.0, 190.0]),
];

/// The map in opaque colours, as RGB PNG of the map's size: dark where calm, red at the middle of the scale, pale
/// yellow at alarm.
///
/// The brightness never falls as the score grows, so the picture also reads in grey.
///
/// # Errors
///
/// [`ReportError`] if there are no pixels, the scale is invalid, or a score is NaN or infinite.
///
/// # Examples
///
/// ```
/// # use patchcore_report::{ColourScale, heat_map_png};
/// # use patchcore_tensor::AnomalyMap;
/// let map = AnomalyMap::from_vec(2, 1, vec![0.0, 9.0]).expect("two scores");
/// let png = heat_map_png(&map, &ColourScale { calm: 1.0, alarm: 5.0 })?;
/// assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
/// # Ok::<(), patchcore_report::ReportError>(())
/// ```
pub fn heat_map_png(map: &AnomalyMap, scale: &ColourScale) -> Result<Vec<u8>, ReportError> {
    let rgb = heat_map_rgb(map, scale)?;
    Picture { width: map.width(), height: map.height(), rgb }.to_png()
}

/// The same map as plain RGB bytes, for a [`Tile`](crate::Tile) of a contact sheet.
///
/// # Errors
///
/// As [`heat_map_png`]; no pixels give no bytes.
///
/// # Examples
///
/// ```
/// # use patchcore_report::{ColourScale, heat_map_rgb};
/// # use patchcore_tensor::AnomalyMap;
/// let map = AnomalyMap::from_vec(2, 1, vec![0.0, 9.0]).expect("two scores");
/// let rgb = heat_map_rgb(&map, &ColourScale { calm: 1.0, alarm: 5.0 })?;
/// assert_eq!(rgb, [16, 18, 26, 255, 246, 190]);
/// # Ok::<(), patchcore_report::ReportError>(())
/// ```
pub fn heat_map_rgb(map: &AnomalyMap, scale: &ColourScale) -> Result<Vec<u8>, ReportError> {
    scale.check()?;
    check_finite(map)?;
    Ok(map.data().iter().flat_map(|&score| heat(scale.position(score))).collect())
}

fn heat(place: f32) -> [u8; 3] {
    ramp(&RAMP, place).map(|channel| channel.round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brightness_climbs() {
        let luminance =
            |c: [u8; 3]| 0.2126 * f32::from(c[0]) + 0.7152 * f32::from(c[1]) + 0.0722 * f32::from(c[2]);
        let colours: Vec<_> = (0..=1000).map(|i| heat(i as f32 / 1000.0)).collect();
        for pair in colours.windows(2) {
            assert!(luminance(pair[1]) > luminance(pair[0]) - 1.0, "{pair:?}");
        }
        assert_eq!((colours[0], colours[1000]), ([16, 18, 26], [255, 246, 190]));
    }
}

//! The regions of defects of which a part is enough to find, as the data set tells, and the metric that counts them.

use crate::pixels::PixelScores;
use patchcore_files::shown;
use patchcore_image::{Limits, Sample, Saturation, read_mask};
use patchcore_metrics::{self as metrics, RegionPicture, SaturatedRegion, au_spro};

/// The largest false positive rate, by custom.
pub(crate) const LIMIT: f64 = 0.05;

/// One region of a picture.
pub(crate) struct Region {
    /// In the picture's own pixels, row by row.
    mask: Vec<bool>,
    saturation: metrics::Saturation,
}

/// The regions of a picture: of each of its masks the pixels of one value. What cannot be told is said in words.
pub(crate) fn regions(
    sample: &Sample,
    saturations: &[Saturation],
    limits: &Limits,
) -> Result<Vec<Region>, String> {
    let mut found = Vec::new();
    for path in &sample.masks {
        let mask = read_mask(path, limits).map_err(|error| error.to_string())?;
        let mut present = [false; 256];
        mask.values().iter().for_each(|&value| present[usize::from(value)] = true);
        for value in (1..=u8::MAX).filter(|&value| present[usize::from(value)]) {
            let Some(own) = saturations.iter().find(|s| s.pixel_value == value) else {
                return Err(format!(
                    "{}: the data set tells no saturation for the value {value}",
                    shown(path)
                ));
            };
            let mask = mask.values().iter().map(|&v| v == value).collect();
            found.push(Region { mask, saturation: saturation(own) });
        }
    }
    Ok(found)
}

fn saturation(own: &Saturation) -> metrics::Saturation {
    if own.relative_saturation {
        metrics::Saturation::Share(own.saturation_threshold)
    } else {
        metrics::Saturation::Pixels(own.saturation_threshold.round().max(1.0) as u32)
    }
}

/// The area under the saturated per-region overlap; the maps have the pictures' own pixels.
pub(crate) fn area(pixels: &[PixelScores], regions: &[Vec<Region>]) -> Result<f64, String> {
    let of_pictures: Vec<Vec<SaturatedRegion<'_>>> = regions
        .iter()
        .map(|own| own.iter().map(|r| SaturatedRegion { mask: &r.mask, saturation: r.saturation }).collect())
        .collect();
    let pictures: Vec<RegionPicture<'_>> = pixels
        .iter()
        .zip(&of_pictures)
        .map(|(pixels, regions)| RegionPicture { scores: pixels.scores(), regions })
        .collect();
    au_spro(&pictures, &[LIMIT]).map(|areas| areas[0]).map_err(|reason| reason.to_string())
}

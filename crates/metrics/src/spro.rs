//! The saturated per-region overlap (sPRO) and its area, for regions of which a part is enough to find.
//!
//! Where a screw is missing, any of the places it could lie in is defective, and marking one of them is a full find. Each
//! region has a saturation: the number of its pixels that make it whole.

use crate::pixel_picture::{check_finite, check_pixel_count};
use crate::pro::{ProWalk, check_limit};
use crate::ranking::{FIRST_REGION, NORMAL, Ranking};
use crate::undefined::Undefined;

/// How much of a region must be found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Saturation {
    /// So many pixels, at least 1; or the whole region, where it has fewer.
    Pixels(u32),
    /// Such a share of the region's area, in `(0, 1]`; at least one pixel.
    Share(f64),
}

/// One region of a ground truth.
#[derive(Debug, Clone, Copy)]
pub struct SaturatedRegion<'a> {
    /// Per pixel of the picture, row by row: whether it belongs to the region. It need not be connected.
    pub mask: &'a [bool],
    /// How much of it must be found.
    pub saturation: Saturation,
}

/// One picture's anomaly map beside its regions, which may overlap; a good picture has none.
#[derive(Debug, Clone, Copy)]
pub struct RegionPicture<'a> {
    /// One score per pixel, row by row.
    pub scores: &'a [f32],
    /// The regions of defects.
    pub regions: &'a [SaturatedRegion<'a>],
}

/// The area under sPRO over FPR in `[0, limit]`, divided by `limit`, for each of the limits.
///
/// At each threshold sPRO is the mean, over all regions of all pictures, of `min(found pixels / saturation, 1)`; FPR is
/// the share of the pixels in no region that raise an alarm. Thresholds, start, cut and units are those of
/// [`aupro`](crate::aupro), which is the case where every region must be found as a whole. 0.05 is custom for MVTec LOCO.
/// The values lie in `[0, 1]` and come in the order of `limits`.
///
/// # Errors
///
/// [`Undefined`] if a limit, a region's size or its saturation is invalid, a region has no pixel, a score is NaN or
/// infinite, or there are no pixels, no regions or no normal pixels.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{RegionPicture, SaturatedRegion, Saturation, au_spro};
/// let mask = [true, true, false, false];
/// let area = |saturation| {
///     let regions = [SaturatedRegion { mask: &mask, saturation }];
///     au_spro(&[RegionPicture { scores: &[0.9, 0.2, 0.5, 0.1], regions: &regions }], &[0.25])
/// };
/// assert_eq!(area(Saturation::Share(1.0)), Ok(vec![0.5]));
/// // One pixel of the two is enough.
/// assert_eq!(area(Saturation::Pixels(1)), Ok(vec![1.0]));
/// ```
///
/// # Source
///
/// Bergmann et al., "Beyond dents and scratches", IJCV 2022, section 4.
pub fn au_spro(pictures: &[RegionPicture<'_>], limits: &[f64]) -> Result<Vec<f64>, Undefined> {
    limits.iter().try_for_each(|&limit| check_limit(limit))?;
    let saturations = saturations(pictures)?;

    let normal = |picture: &RegionPicture<'_>| {
        let mut normal = vec![true; picture.scores.len()];
        for region in picture.regions {
            normal.iter_mut().zip(region.mask).for_each(|(normal, &defect)| *normal &= !defect);
        }
        normal
    };
    let scores = pictures.iter().flat_map(|picture| {
        let inside = picture.regions.iter().flat_map(|region| marked(picture.scores, region.mask));
        let normal = normal(picture);
        let outside = picture.scores.iter().copied().enumerate().filter(move |&(i, _)| normal[i]);
        inside.chain(outside.map(|(_, score)| score))
    });
    let mut ranking = Ranking::for_scores(scores);

    let (mut region_tag, mut n_normal) = (FIRST_REGION, 0);
    for picture in pictures {
        for region in picture.regions {
            marked(picture.scores, region.mask).for_each(|score| ranking.push(score, region_tag));
            region_tag += 1;
        }
        marked(picture.scores, &normal(picture)).for_each(|score| {
            ranking.push(score, NORMAL);
            n_normal += 1;
        });
    }
    let walk = ProWalk::saturated(&saturations, n_normal)?;
    Ok(walk.areas(ranking.sorted().ties(), limits, n_normal))
}

fn marked(scores: &[f32], mask: &[bool]) -> impl Iterator<Item = f32> + Clone {
    scores.iter().zip(mask).filter(|&(_, &marked)| marked).map(|(&score, _)| score)
}

/// Each region's saturation in pixels, once all pictures and regions were found valid.
fn saturations(pictures: &[RegionPicture<'_>]) -> Result<Vec<f64>, Undefined> {
    let mut saturations = Vec::new();
    let mut n_pixels = 0usize;
    for (i, picture) in pictures.iter().enumerate() {
        check_finite(i, picture.scores)?;
        // A pixel is ranked once for itself and once for each region.
        n_pixels = n_pixels.saturating_add(picture.scores.len().saturating_mul(1 + picture.regions.len()));
        for (r, region) in picture.regions.iter().enumerate() {
            let (got, expected) = (region.mask.len(), picture.scores.len());
            if got != expected {
                return Err(Undefined::RegionSize { picture: i, region: r, got, expected });
            }
            let area = region.mask.iter().filter(|&&marked| marked).count() as f64;
            if area == 0.0 {
                return Err(Undefined::EmptyRegion { picture: i, region: r });
            }
            saturations.push(match region.saturation {
                Saturation::Pixels(pixels) if pixels > 0 => area.min(f64::from(pixels)),
                Saturation::Share(share) if share > 0.0 && share <= 1.0 => share * area,
                _ => return Err(Undefined::InvalidSaturation { picture: i, region: r }),
            });
        }
    }
    check_pixel_count(n_pixels)?;
    Ok(saturations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(mask: &[bool], saturation: Saturation) -> Result<Vec<f64>, Undefined> {
        let regions = [SaturatedRegion { mask, saturation }];
        au_spro(&[RegionPicture { scores: &[3.0, 2.0, 1.0, 0.0], regions: &regions }], &[1.0])
    }

    #[test]
    fn what_cannot_be_measured_says_why() {
        let mask = [true, false, false, true];
        for saturation in [Saturation::Pixels(0), Saturation::Share(0.0), Saturation::Share(1.5)] {
            assert_eq!(at(&mask, saturation), Err(Undefined::InvalidSaturation { picture: 0, region: 0 }));
        }
        assert!(at(&mask, Saturation::Share(f64::NAN)).is_err());
        let empty = at(&[false; 4], Saturation::Pixels(1));
        assert_eq!(empty, Err(Undefined::EmptyRegion { picture: 0, region: 0 }));
        let short = at(&[true], Saturation::Pixels(1));
        assert_eq!(short, Err(Undefined::RegionSize { picture: 0, region: 0, got: 1, expected: 4 }));
        assert_eq!(at(&[true; 4], Saturation::Pixels(1)), Err(Undefined::NoNormal));
        let good = RegionPicture { scores: &[1.0], regions: &[] };
        assert_eq!(au_spro(&[good], &[0.05]), Err(Undefined::NoRegion));
        assert_eq!(au_spro(&[], &[0.05]), Err(Undefined::Empty));
        assert_eq!(au_spro(&[good], &[0.0]), Err(Undefined::InvalidLimit { limit: 0.0 }));
        let broken = RegionPicture { scores: &[f32::NAN], regions: &[] };
        assert_eq!(au_spro(&[broken], &[0.05]), Err(Undefined::NotFinitePixel { picture: 0, index: 0 }));
    }

    #[test]
    fn more_than_the_whole_region_is_not_asked() {
        let mask = [true, true, false, false];
        assert_eq!(at(&mask, Saturation::Pixels(99)), at(&mask, Saturation::Share(1.0)));
        // A thousandth of two pixels is one pixel.
        assert_eq!(at(&mask, Saturation::Share(1e-3)), at(&mask, Saturation::Pixels(1)));
    }
}

//! The pixels of many pictures, checked and ranked together.

use crate::components::{Connectivity, components};
use crate::ranking::{FIRST_REGION, NORMAL, NORMAL_BESIDE_DEFECT, Ranking, Tie};
use crate::undefined::Undefined;

/// One picture's anomaly map beside its ground-truth mask.
///
/// The map must have the mask's size; bring it there first. A picture without a defect has a mask of `false`.
#[derive(Debug, Clone, Copy)]
pub struct PixelPicture<'a> {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// One score per pixel, row by row.
    pub scores: &'a [f32],
    /// Per pixel, row by row: whether it belongs to a defect.
    pub mask: &'a [bool],
}

/// How anomalous pixels are tagged in the ranking.
#[derive(Clone, Copy)]
pub(crate) enum Regions {
    /// All alike: no region is looked for.
    Ignored,
    /// By connected region.
    Labelled(Connectivity),
}

/// The pixels of all pictures, ranked.
pub(crate) struct RankedPixels {
    ranking: Ranking,
    /// Pixels per region over all pictures; empty if regions were ignored.
    pub(crate) region_areas: Vec<u32>,
    pub(crate) n_anomalous: u64,
    pub(crate) n_normal: u64,
}

impl RankedPixels {
    pub(crate) fn new(pictures: &[PixelPicture<'_>], regions: Regions) -> Result<Self, Undefined> {
        check_pictures(pictures)?;
        let mut pixels = Self {
            ranking: Ranking::for_scores(pictures.iter().flat_map(|p| p.scores).copied()),
            region_areas: Vec::new(),
            n_anomalous: 0,
            n_normal: 0,
        };
        for picture in pictures {
            pixels.add(picture, regions);
        }
        pixels.ranking = pixels.ranking.sorted();
        Ok(pixels)
    }

    fn add(&mut self, picture: &PixelPicture<'_>, regions: Regions) {
        let anomalous = picture.mask.iter().filter(|&&m| m).count();
        self.n_anomalous += anomalous as u64;
        self.n_normal += (picture.mask.len() - anomalous) as u64;
        if anomalous == 0 {
            picture.scores.iter().for_each(|&score| self.ranking.push(score, NORMAL));
            return;
        }
        match regions {
            Regions::Ignored => {
                for (&score, &m) in picture.scores.iter().zip(picture.mask) {
                    self.ranking.push(score, if m { FIRST_REGION } else { NORMAL_BESIDE_DEFECT });
                }
            }
            Regions::Labelled(connectivity) => {
                let found = components(picture.mask, picture.height, picture.width, connectivity);
                // Label 1 becomes the first region that earlier pictures left free.
                let before_first = FIRST_REGION + self.region_areas.len() as u32 - 1;
                for (&score, &label) in picture.scores.iter().zip(&found.labels) {
                    self.ranking
                        .push(score, if label == 0 { NORMAL_BESIDE_DEFECT } else { before_first + label });
                }
                self.region_areas.extend(found.areas);
            }
        }
    }

    /// Groups of pixels with one score, highest first.
    pub(crate) fn ties(&self) -> impl Iterator<Item = Tie<'_>> {
        self.ranking.ties()
    }
}

/// Whether every picture is whole and finite, and their pixels few enough to be ranked.
pub(crate) fn check_pictures(pictures: &[PixelPicture<'_>]) -> Result<(), Undefined> {
    let mut n_pixels = 0usize;
    for (i, picture) in pictures.iter().enumerate() {
        let (scores, mask) = (picture.scores.len(), picture.mask.len());
        if picture.height.checked_mul(picture.width) != Some(scores) || scores != mask {
            let PixelPicture { height, width, .. } = *picture;
            return Err(Undefined::PictureSize { picture: i, height, width, scores, mask });
        }
        check_finite(i, picture.scores)?;
        n_pixels = n_pixels.saturating_add(scores);
    }
    check_pixel_count(n_pixels)
}

/// Refuses a picture with a score that is NaN or infinite.
pub(crate) fn check_finite(picture: usize, scores: &[f32]) -> Result<(), Undefined> {
    match scores.iter().position(|score| !score.is_finite()) {
        Some(index) => Err(Undefined::NotFinitePixel { picture, index }),
        None => Ok(()),
    }
}

/// Tags are 32 bits wide, and there are at most as many regions as pixels.
pub(crate) fn check_pixel_count(pixels: usize) -> Result<(), Undefined> {
    let limit = (u32::MAX - FIRST_REGION) as usize;
    match pixels {
        0 => Err(Undefined::Empty),
        pixels if pixels > limit => Err(Undefined::TooManyPixels { pixels, limit }),
        _ => Ok(()),
    }
}

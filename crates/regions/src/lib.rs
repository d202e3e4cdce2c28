//! Where a picture is anomalous: connected regions of its anomaly map, with box, area, peak, and outline.
//!
//! A region is a set of pixels at or above a threshold that touch, corners included, as in the AUPRO. Everything is in
//! the map's own pixels; the centre of the upper left pixel is `[0.5, 0.5]`.
//!
//! ```
//! use patchcore_regions::regions;
//! use patchcore_tensor::AnomalyMap;
//!
//! let map = AnomalyMap::from_vec(2, 4, vec![0.0, 5.0, 7.0, 0.0, 0.0, 0.0, 6.0, 0.0])?;
//! let found = regions(&map, 5.0, 1);
//! assert_eq!(found.len(), 1);
//! assert_eq!((found[0].bounds, found[0].area, found[0].peak), ([1, 0, 2, 2], 3, 7.0));
//! assert_eq!(found[0].outline, [[1, 0], [3, 0], [3, 2], [2, 2], [2, 1], [1, 1]]);
//! # Ok::<(), patchcore_tensor::ShapeError>(())
//! ```

mod outline;

use outline::outline;
use patchcore_metrics::{Components, Connectivity, components};
use patchcore_tensor::AnomalyMap;

/// Pixels at or above the threshold that touch.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// The smallest box around it: `[x, y, width, height]` in pixels.
    pub bounds: [usize; 4],
    /// Its pixels.
    pub area: usize,
    /// The largest score.
    pub peak: f32,
    /// The pixel with that score, the first one row by row: `[x, y]`.
    pub peak_at: [usize; 2],
    /// The mean score.
    pub mean: f32,
    /// The mean of the pixels' centres: `[x, y]`.
    pub centroid: [f64; 2],
    /// The outer outline along the pixels' edges, clockwise from its upper left corner, corners `[x, y]` where it turns.
    /// Holes are not cut out.
    pub outline: Vec<[usize; 2]>,
}

/// The regions of a map at or above `threshold` with at least `least_area` pixels: the highest peak first, among equals the
/// one that comes first row by row. A score that is NaN belongs to a region: what could not be measured is not calm.
pub fn regions(map: &AnomalyMap, threshold: f32, least_area: usize) -> Vec<Region> {
    let above: Vec<bool> = map.data().iter().map(|&score| score >= threshold || score.is_nan()).collect();
    let Components { labels, areas } = components(&above, map.height(), map.width(), Connectivity::Eight);
    let mut pixels: Vec<Vec<usize>> = areas.iter().map(|&area| Vec::with_capacity(area as usize)).collect();
    for (pixel, &label) in labels.iter().enumerate().filter(|(_, label)| **label > 0) {
        pixels[label as usize - 1].push(pixel);
    }
    let large = pixels.iter().filter(|pixels| pixels.len() >= least_area);
    let mut found: Vec<Region> = large.map(|pixels| region(map, pixels)).collect();
    found.sort_by(|a, b| b.peak.total_cmp(&a.peak));
    found
}

fn region(map: &AnomalyMap, pixels: &[usize]) -> Region {
    let w = map.width();
    let places = || pixels.iter().map(|pixel| [pixel % w, pixel / w]);
    let ends = |axis: usize| {
        let low = places().map(|place| place[axis]).min().unwrap_or(0);
        let high = places().map(|place| place[axis]).max().unwrap_or(0);
        (low, high + 1 - low)
    };
    let ((x, width), (y, height)) = (ends(0), ends(1));
    let score = |pixel: usize| map.data()[pixel];
    let highest = pixels
        .iter()
        .copied()
        .reduce(|best, pixel| if score(pixel).total_cmp(&score(best)).is_gt() { pixel } else { best });
    let highest = highest.unwrap_or(0);
    let count = pixels.len() as f64;
    let mean = pixels.iter().map(|&pixel| f64::from(score(pixel))).sum::<f64>() / count;
    let centre = |axis: usize| places().map(|place| place[axis] as f64 + 0.5).sum::<f64>() / count;
    let mut inside = vec![false; width * height];
    for [px, py] in places() {
        inside[(py - y) * width + px - x] = true;
    }
    let outline = outline(&inside, [height, width]).into_iter().map(|[cx, cy]| [cx + x, cy + y]).collect();
    Region {
        bounds: [x, y, width, height],
        area: pixels.len(),
        peak: score(highest),
        peak_at: [highest % w, highest / w],
        mean: mean as f32,
        centroid: [centre(0), centre(1)],
        outline,
    }
}

#[cfg(test)]
mod tests;

//! From patch scores to an anomaly map: brought to the input's size, then a Gaussian.
//!
//! The blur is `scipy.ndimage.gaussian_filter` to the bit: taps to four sigma, vertical pass first, sums in `f64`, each
//! pass stored as `f32`, borders mirrored with the edge pixel repeated (`d c b a | a b c d | d c b a`).

use crate::resample::resample_plane;
use patchcore_tensor::AnomalyMap;
use serde::{Deserialize, Serialize};

/// How patch scores become pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapStyle {
    /// The original: bilinear between patches, borders mirrored with the edge repeated.
    #[default]
    Bilinear,
    /// anomalib: the nearest patch, borders mirrored without repeating the edge (`d c b | a b c d | c b a`).
    Nearest,
}

/// Brings patch scores to `[h, w]` pixels and blurs them.
pub fn anomaly_map(patches: &AnomalyMap, size: [usize; 2], sigma: f64, style: MapStyle) -> AnomalyMap {
    anomaly_map_between(patches, size, sigma, style, &mut Vec::new())
}

/// As [`anomaly_map`]; `between` lends its memory.
pub(crate) fn anomaly_map_between(
    patches: &AnomalyMap,
    size @ [h, w]: [usize; 2],
    sigma: f64,
    style: MapStyle,
    between: &mut Vec<f32>,
) -> AnomalyMap {
    let mut plane = vec![0.0; h * w];
    let grid = [patches.height(), patches.width()];
    match style {
        MapStyle::Bilinear => resample_plane(patches.data(), grid, size, &mut plane),
        MapStyle::Nearest => nearest_plane(patches.data(), grid, size, &mut plane),
    }
    blur(&mut plane, size, sigma, style, between);
    patchcore_faults::spoil("map", &mut plane);
    AnomalyMap::from_vec(h, w, plane).unwrap_or_default()
}

/// Each pixel takes the patch that it lies in.
fn nearest_plane(patches: &[f32], [grid_h, grid_w]: [usize; 2], [h, w]: [usize; 2], out: &mut [f32]) {
    // Counted in `f32`, as torch counts.
    let source = |i: usize, n_in: usize, n_out: usize| {
        ((i as f32 * (n_in as f32 / n_out as f32)) as usize).min(n_in - 1)
    };
    let columns: Vec<usize> = (0..w).map(|x| source(x, grid_w, w)).collect();
    for (y, row) in out.chunks_exact_mut(w.max(1)).enumerate() {
        let patches = &patches[source(y, grid_h, h) * grid_w..][..grid_w];
        row.iter_mut().zip(&columns).for_each(|(pixel, &x)| *pixel = patches[x]);
    }
}

/// The Gaussian alone; a sigma of 0 changes nothing.
pub fn gaussian_blur(map: &AnomalyMap, sigma: f64) -> AnomalyMap {
    let mut plane = map.data().to_vec();
    let size = [map.height(), map.width()];
    blur(&mut plane, size, sigma, MapStyle::Bilinear, &mut Vec::new());
    AnomalyMap::from_vec(map.height(), map.width(), plane).unwrap_or_default()
}

fn blur(plane: &mut [f32], [h, w]: [usize; 2], sigma: f64, style: MapStyle, between: &mut Vec<f32>) {
    let kernel = half_kernel(sigma);
    if kernel.len() < 2 || h == 0 || w == 0 {
        return;
    }
    between.resize(plane.len(), 0.0);
    blur_columns(plane, [h, w], &kernel, style, between);
    blur_rows(between, w, &kernel, style, plane);
}

/// The centre tap and the taps to one side.
fn half_kernel(sigma: f64) -> Vec<f64> {
    if sigma <= 0.0 {
        return vec![1.0];
    }
    let radius = (4.0 * sigma + 0.5) as usize;
    let taps: Vec<f64> = (0..=radius).map(|i| (-0.5 / (sigma * sigma) * (i * i) as f64).exp()).collect();
    let total = taps[0] + 2.0 * taps[1..].iter().sum::<f64>();
    taps.iter().map(|t| t / total).collect()
}

/// The place that stands at `i` beyond the edges of an axis of `n`, mirrored as often as needed.
fn mirrored(i: isize, n: usize, style: MapStyle) -> usize {
    let n = n as isize;
    let (period, turn) = match style {
        MapStyle::Bilinear => (2 * n, 2 * n - 1),
        MapStyle::Nearest => ((2 * n - 2).max(1), 2 * n - 2),
    };
    let folded = i.rem_euclid(period);
    (if folded < n { folded } else { turn - folded }) as usize
}

fn blur_columns(data: &[f32], [h, w]: [usize; 2], kernel: &[f64], style: MapStyle, out: &mut [f32]) {
    let mut sums = vec![0.0f64; w];
    for (y, out) in out.chunks_exact_mut(w).enumerate() {
        let row = |offset: isize| &data[mirrored(y as isize + offset, h, style) * w..][..w];
        sums.iter_mut().zip(row(0)).for_each(|(s, &v)| *s = f64::from(v) * kernel[0]);
        for (i, &tap) in kernel.iter().enumerate().skip(1).rev() {
            let pair = row(-(i as isize)).iter().zip(row(i as isize));
            sums.iter_mut().zip(pair).for_each(|(s, (&a, &b))| *s += (f64::from(a) + f64::from(b)) * tap);
        }
        out.iter_mut().zip(&sums).for_each(|(o, &s)| *o = s as f32);
    }
}

fn blur_rows(data: &[f32], w: usize, kernel: &[f64], style: MapStyle, out: &mut [f32]) {
    let radius = kernel.len() - 1;
    let mut line = vec![0.0f64; w + 2 * radius];
    let mut sums = vec![0.0f64; w];
    for (row, out) in data.chunks_exact(w).zip(out.chunks_exact_mut(w)) {
        for (i, place) in line.iter_mut().enumerate() {
            *place = f64::from(row[mirrored(i as isize - radius as isize, w, style)]);
        }
        sums.iter_mut().zip(&line[radius..]).for_each(|(s, &v)| *s = v * kernel[0]);
        for (i, &tap) in kernel.iter().enumerate().skip(1).rev() {
            let pair = line[radius - i..].iter().zip(&line[radius + i..]);
            sums.iter_mut().zip(pair).for_each(|(s, (&a, &b))| *s += (a + b) * tap);
        }
        out.iter_mut().zip(&sums).for_each(|(o, &s)| *o = s as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays() {
        let map = AnomalyMap::from_vec(5, 40, vec![2.5; 200]).unwrap();
        assert!(gaussian_blur(&map, 4.0).data().iter().all(|v| (v - 2.5).abs() < 1e-6));
    }

    #[test]
    fn mirrors_repeat_the_edge_or_not() {
        let around = |n, style| -> Vec<usize> { (-4..7).map(|i| mirrored(i, n, style)).collect() };
        assert_eq!(around(3, MapStyle::Bilinear), [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(around(3, MapStyle::Nearest), [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]);
        assert_eq!(around(1, MapStyle::Nearest), [0; 11]);
    }
}

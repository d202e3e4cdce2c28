//! Patches of a feature map: each position's neighbourhood, pooled on the layer's own grid.
//!
//! A neighbourhood of `p x p` positions over `c` channels is read as one vector of `c * p * p` values, channel-major,
//! and averaged into `d` overlapping bins; with `d = c` that is the mean of the neighbourhood per channel. Outside the
//! map lie zeros, and they count.
//!
//! Pooling before resampling gives what the original gives by resampling first: both are linear, one runs over channels
//! and offsets, the other over positions. It is far less work, for the coarse layer has a quarter of the positions.
//!
//! Source: Roth et al. 2022, section 3.1, with the bins as in the published code.

/// Side and step of the patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PatchShape {
    /// Side `p` of a patch, in positions of the feature map.
    pub size: usize,
    /// Step between patches.
    pub stride: usize,
}

impl PatchShape {
    /// Height and width of the patch grid over a map of `h x w`; `None` if no patch fits.
    ///
    /// ```
    /// use patchcore::PatchShape;
    /// assert_eq!(PatchShape { size: 3, stride: 1 }.grid(28, 20), Some([28, 20]));
    /// assert_eq!(PatchShape { size: 3, stride: 2 }.grid(7, 9), Some([4, 5]));
    /// assert_eq!(PatchShape { size: 5, stride: 1 }.grid(0, 3), None);
    /// ```
    pub fn grid(self, h: usize, w: usize) -> Option<[usize; 2]> {
        let pad = self.pad();
        let axis = |n: usize| Some((n + 2 * pad).checked_sub(self.size)? / self.stride + 1);
        if h == 0 || w == 0 { None } else { Some([axis(h)?, axis(w)?]) }
    }

    fn pad(self) -> usize {
        (self.size - 1) / 2
    }
}

/// The bins `[start, end)` that average `n` values into `d`: overlapping where `d` does not divide `n`, repeating
/// values where `d > n`.
pub fn bins(n: usize, d: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..d).map(move |j| j * n / d..((j + 1) * n).div_ceil(d))
}

/// Averages `values` into `out.len()` bins.
pub fn pool_bins(values: &[f32], out: &mut [f32]) {
    let d = out.len();
    for (bin, o) in bins(values.len(), d).zip(out) {
        let count = bin.len() as f32;
        *o = values[bin].iter().sum::<f32>() / count;
    }
}

/// One pooled vector of `d` values per patch, `[grid h * grid w, d]`, from one feature map `[h, w, c]`.
///
/// # Panics
/// If the map's length is not `h * w * c`; a caller has asked [`PatchShape::grid`] before.
pub fn pool_patches(map: &[f32], [h, w, c]: [usize; 3], patch: PatchShape, d: usize) -> Vec<f32> {
    assert_eq!(map.len(), h * w * c, "feature map does not fit its shape");
    let Some([grid_h, grid_w]) = patch.grid(h, w) else { return Vec::new() };
    let (p, pad) = (patch.size, patch.pad());
    let mut neighbourhood = vec![0.0; c * p * p];
    let mut out = vec![0.0; grid_h * grid_w * d];
    for (l, row) in out.chunks_exact_mut(d.max(1)).enumerate() {
        let (y, x) = (l / grid_w * patch.stride, l % grid_w * patch.stride);
        for offset in 0..p * p {
            let (sy, sx) = (y + offset / p, x + offset % p);
            let inside = sy >= pad && sx >= pad && sy - pad < h && sx - pad < w;
            let pixel = if inside { &map[((sy - pad) * w + sx - pad) * c..][..c] } else { &[] };
            let places = neighbourhood.iter_mut().skip(offset).step_by(p * p);
            if inside {
                places.zip(pixel).for_each(|(place, &v)| *place = v);
            } else {
                places.for_each(|place| *place = 0.0);
            }
        }
        pool_bins(&neighbourhood, row);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corner_counts_the_zeros_outside() {
        let map = vec![9.0; 4];
        let pooled = pool_patches(&map, [2, 2, 1], PatchShape { size: 3, stride: 1 }, 1);
        assert_eq!(pooled, [4.0; 4]);
    }

    #[test]
    fn bins_overlap_or_repeat() {
        assert_eq!(bins(4608, 1024).map(|b| b.len()).max(), Some(5));
        assert_eq!(bins(3, 6).map(|b| b.start).collect::<Vec<_>>(), [0, 0, 1, 1, 2, 2]);
    }
}

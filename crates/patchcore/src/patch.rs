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

use patchcore_kernels::conv::Window;
use patchcore_kernels::isa::Isa;
use patchcore_kernels::patches::{Map, Spaced, mean_patches};
use rayon::prelude::*;

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

    /// The window that a patch sees.
    pub(crate) fn window(self) -> Window {
        Window { size: [self.size; 2], stride: self.stride, pad: [self.pad(); 2] }
    }

    fn pad(self) -> usize {
        (self.size - 1) / 2
    }
}

/// One pooled vector of `d` values per patch, `[grid h * grid w, d]`, from one feature map; `out` gets their length.
///
/// # Panics
/// If the map's length does not fit its shape; a caller has asked [`PatchShape::grid`] before.
pub fn pool_patches(map: Map<'_>, patch: PatchShape, d: usize, out: &mut Vec<f32>) {
    let [h, w, _] = map.shape;
    let [grid_h, grid_w] = patch.grid(h, w).unwrap_or_default();
    out.resize(grid_h * grid_w * d, 0.0);
    out.par_chunks_mut((grid_w * d).max(1)).enumerate().for_each(|(y, row)| {
        mean_patches(Isa::best(), map, patch.window(), [y, grid_w], Spaced { data: row, pitch: d, d });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corner_counts_the_zeros_outside() {
        let map = Map { data: &[9.0; 4], shape: [2, 2, 1] };
        let mut pooled = Vec::new();
        pool_patches(map, PatchShape { size: 3, stride: 1 }, 1, &mut pooled);
        assert_eq!(pooled, [4.0; 4]);
    }
}

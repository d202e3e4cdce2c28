//! How masks are read that resampling has made fractional.
//!
//! The original program truncates mask values to integers for its pixel AUROC, so only pixels of exactly 1 are anomalous and the soft edge
//! of a defect counts as normal: [`equal_one`]. Its "anomaly pixel AUROC" takes the pictures with any value above zero,
//! even if no pixel reached 1: [`non_zero`]. Others take what is above one half: [`over_half`]. Our own rule is not to resample masks at all.
//!
//! ```
//! use patchcore_metrics::mask_rule::{equal_one, non_zero};
//! use patchcore_metrics::{PixelPicture, pixel_auroc};
//!
//! let maps = [[0.1, 0.2, 0.3], [0.2, 0.9, 0.4], [0.8, 0.3, 0.2]];
//! let masks = [[0.0, 0.0, 0.0], [0.5, 1.0, 0.5], [0.6, 0.0, 0.0]];
//! let read: Vec<Vec<bool>> = masks.iter().map(|mask| equal_one(mask)).collect();
//! let pictures: Vec<PixelPicture> = (0..3)
//!     .filter(|&i| non_zero(&masks[i]).contains(&true))
//!     .map(|i| PixelPicture { height: 1, width: 3, scores: &maps[i], mask: &read[i] })
//!     .collect();
//! assert_eq!(pictures.len(), 2);
//! assert_eq!(pixel_auroc(&pictures), Ok(1.0));
//! ```

/// Whether each mask value is exactly 1; NaN is not.
pub fn equal_one(mask: &[f32]) -> Vec<bool> {
    mask.iter().map(|&value| value == 1.0).collect()
}

/// Whether each mask value is above one half, the custom of most other programs; NaN is not.
pub fn over_half(mask: &[f32]) -> Vec<bool> {
    mask.iter().map(|&value| value > 0.5).collect()
}

/// Whether each mask value is other than 0; NaN is.
pub fn non_zero(mask: &[f32]) -> Vec<bool> {
    mask.iter().map(|&value| value != 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_edge_is_normal_but_not_nothing() {
        let mask = [0.0, -0.0, 1e-30, 0.999_999_94, 1.0, f32::NAN];
        assert_eq!(equal_one(&mask), [false, false, false, false, true, false]);
        assert_eq!(over_half(&mask), [false, false, false, true, true, false]);
        assert_eq!(over_half(&[0.5, 0.500_001]), [false, true]);
        assert_eq!(non_zero(&mask), [false, false, true, true, true, true]);
    }
}

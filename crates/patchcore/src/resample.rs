//! Bilinear resampling of grids, as `interpolate(mode="bilinear", align_corners=False)` does it, without antialias.

use patchcore_kernels::isa::Isa;
use patchcore_kernels::patches::{Between, Map, Spaced, mix_row};
use rayon::prelude::*;

/// For one axis: where output place `i` of `n_out` lies between the `n_in` source places.
pub(crate) fn tap(n_in: usize, n_out: usize, i: usize) -> Between {
    let scale = n_in as f32 / n_out as f32;
    let source = (scale * (i as f32 + 0.5) - 0.5).max(0.0);
    let low = (source as usize).min(n_in - 1);
    (low, (low + 1).min(n_in - 1), source - low as f32)
}

/// All places of an axis.
pub(crate) fn taps(n_in: usize, n_out: usize) -> Vec<Between> {
    (0..n_out).map(|i| tap(n_in, n_out, i)).collect()
}

/// Resamples one plane `[h, w]` to the size `to`, which `out` has.
pub(crate) fn resample_plane(plane: &[f32], [h, w]: [usize; 2], to: [usize; 2], out: &mut [f32]) {
    let columns = taps(w, to[1]);
    out.par_chunks_mut(to[1].max(1)).enumerate().for_each(|(y, row)| {
        let map = Map { data: plane, shape: [h, w, 1] };
        mix_row(Isa::best(), map, tap(h, to[0], y), &columns, Spaced { data: row, pitch: 1, d: 1 });
    });
}

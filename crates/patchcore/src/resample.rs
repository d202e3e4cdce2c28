//! Bilinear resampling of grids, as `interpolate(mode="bilinear", align_corners=False)` does it, without antialias.

/// For one axis: the two source places and the weight of the second, for every output place.
pub(crate) fn taps(n_in: usize, n_out: usize) -> Vec<(usize, usize, f32)> {
    let scale = n_in as f32 / n_out as f32;
    (0..n_out)
        .map(|i| {
            let source = (scale * (i as f32 + 0.5) - 0.5).max(0.0);
            let low = (source as usize).min(n_in - 1);
            (low, (low + 1).min(n_in - 1), source - low as f32)
        })
        .collect()
}

/// Resamples a grid `[h, w, d]` to `[to_h, to_w, d]`, adding `f(place, values)` for every place in row-major order.
pub(crate) fn resample_rows(
    grid: &[f32],
    [h, w, d]: [usize; 3],
    [to_h, to_w]: [usize; 2],
    mut put: impl FnMut(usize, &[f32]),
) {
    if [h, w] == [to_h, to_w] {
        for (place, row) in grid.chunks_exact(d.max(1)).enumerate() {
            put(place, row);
        }
        return;
    }
    let (ys, xs) = (taps(h, to_h), taps(w, to_w));
    let mut out = vec![0.0; d];
    for (y, &(y0, y1, fy)) in ys.iter().enumerate() {
        for (x, &(x0, x1, fx)) in xs.iter().enumerate() {
            let row = |y: usize, x: usize| &grid[(y * w + x) * d..][..d];
            let (a, b, c, e) = (row(y0, x0), row(y0, x1), row(y1, x0), row(y1, x1));
            for (i, o) in out.iter_mut().enumerate() {
                let upper = (1.0 - fx) * a[i] + fx * b[i];
                let lower = (1.0 - fx) * c[i] + fx * e[i];
                *o = (1.0 - fy) * upper + fy * lower;
            }
            put(y * to_w + x, &out);
        }
    }
}

/// Resamples one plane `[h, w]`.
pub(crate) fn resample_plane(plane: &[f32], [h, w]: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let mut out = Vec::with_capacity(to[0] * to[1]);
    resample_rows(plane, [h, w, 1], to, |_, values| out.extend_from_slice(values));
    out
}

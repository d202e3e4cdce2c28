use super::*;
use proptest::prelude::*;

fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 40) as f32 / 1e6 - 8.0
    };
    (0..n).map(|_| next()).collect()
}

fn mean(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |sum, v| sum + v) / values.len() as f32
}

proptest! {
    #[test]
    fn bins_equal_their_definition(rows in 0usize..4, n in 1usize..150, d in 1usize..150, twice: bool, seed: u64) {
        let n = if twice { 2 * d } else { n };
        let values = numbers(seed, rows * n);
        let twin: Vec<f32> =
            values.chunks_exact(n).flat_map(|row| bins(n, d).map(|bin| mean(&row[bin]))).collect();
        for isa in Isa::available() {
            let mut out = vec![7.0; rows * d];
            mean_bins(isa, &values, n, &mut out, d);
            prop_assert_eq!(&out, &twin, "{}", isa.name());
        }
    }

    /// Every repetition of bins per channel, and bins that ignore channels.
    #[test]
    fn patches_equal_their_definition(
        h in 1usize..5,
        w in 1usize..5,
        c in 1usize..100,
        size in 1usize..6,
        stride in 1usize..3,
        repeat in prop::option::of(1usize..10),
        any in 1usize..300,
        apart in 0usize..5,
        seed: u64,
    ) {
        let (d, pad) = (repeat.map_or(any, |r| r * c), (size - 1) / 2);
        let Some(fits) = (h + 2 * pad).checked_sub(size).zip((w + 2 * pad).checked_sub(size)) else { return Ok(()) };
        let (grid_h, grid_w) = (fits.0 / stride + 1, fits.1 / stride + 1);
        let data = numbers(seed, h * w * c);
        let value = |y: usize, x: usize, channel: usize| {
            let inside = y >= pad && x >= pad && y - pad < h && x - pad < w;
            if inside { data[((y - pad) * w + x - pad) * c + channel] } else { 0.0 }
        };
        let window = Window { size: [size; 2], stride, pad: [pad; 2] };
        for y in 0..grid_h {
            let mut twin = vec![7.0; grid_w * (d + apart)];
            for (x, out) in twin.chunks_exact_mut(d + apart).enumerate() {
                let flat: Vec<f32> = (0..c * size * size)
                    .map(|i| {
                        let offset = i % (size * size);
                        value(y * stride + offset / size, x * stride + offset % size, i / (size * size))
                    })
                    .collect();
                bins(flat.len(), d).zip(out).for_each(|(bin, out)| *out = mean(&flat[bin]));
            }
            for isa in Isa::available() {
                let mut out = vec![7.0; twin.len()];
                let spaced = Spaced { data: &mut out, pitch: d + apart, d };
                mean_patches(isa, Map { data: &data, shape: [h, w, c] }, window, [y, grid_w], spaced);
                prop_assert_eq!(&out, &twin, "{}", isa.name());
            }
        }
    }

    #[test]
    fn mixing_equals_its_definition(d in 1usize..100, apart in 0usize..5, fy in 0f32..1.0, fx in 0f32..1.0, seed: u64) {
        let data = numbers(seed, 6 * d);
        let xs = [(0, 1, fx), (1, 2, fx / 2.0), (2, 2, 0.5)];
        let mut twin = vec![7.0; 3 * (d + apart)];
        for (place, out) in xs.iter().zip(twin.chunks_exact_mut(d + apart)) {
            let side = |y: usize, i: usize| {
                (1.0 - place.2) * data[(y * 3 + place.0) * d + i] + place.2 * data[(y * 3 + place.1) * d + i]
            };
            (0..d).for_each(|i| out[i] = (1.0 - fy) * side(0, i) + fy * side(1, i));
        }
        for isa in Isa::available() {
            let mut out = vec![7.0; twin.len()];
            let spaced = Spaced { data: &mut out, pitch: d + apart, d };
            mix_row(isa, Map { data: &data, shape: [2, 3, d] }, (0, 1, fy), &xs, spaced);
            prop_assert_eq!(&out, &twin, "{}", isa.name());
        }
    }
}

#[test]
#[should_panic(expected = "no room for 2 vectors")]
fn too_little_room_is_our_own_bug() {
    let window = Window { size: [1; 2], stride: 1, pad: [0; 2] };
    let out = Spaced { data: &mut [0.0; 3], pitch: 2, d: 2 };
    mean_patches(Isa::best(), Map { data: &[0.0; 4], shape: [1, 2, 2] }, window, [0, 2], out);
}

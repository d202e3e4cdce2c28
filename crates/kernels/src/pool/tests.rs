use super::*;
use crate::element::Bf16;
use proptest::prelude::*;

#[test]
fn three_by_three_with_stride_two() {
    let layout = Layout::new(3, 4, 1, 0);
    let data: Vec<f32> = (0..12).map(|v| -(v as f32)).collect();
    let window = Window { size: [3, 3], stride: 2, pad: [1, 1] };
    let out_layout = Layout::new(2, 2, 1, 1);
    let mut out = vec![9.0; 2 * out_layout.row_len()];
    max_rows(
        Isa::best(),
        Picture { data: &data, layout },
        window,
        Rows { layout: out_layout, first: 0, data: &mut out },
    );
    assert_eq!(out, [9.0, 0.0, -1.0, 9.0, 9.0, -4.0, -5.0, 9.0]);
}

#[test]
fn nan_survives() {
    let layout = Layout::new(1, 3, 1, 0);
    let window = Window { size: [1, 3], stride: 1, pad: [0, 1] };
    let out_layout = Layout::new(1, 3, 1, 0);
    let mut out = vec![0.0; 3];
    max_rows(
        Isa::best(),
        Picture { data: &[1.0, f32::NAN, 2.0], layout },
        window,
        Rows { layout: out_layout, first: 0, data: &mut out },
    );
    assert!(out.iter().all(|v| v.is_nan()));
}

/// Pictures of small whole numbers, whose sums are exact in any order.
fn whole_numbers<E: Element>(layout: Layout, seed: usize) -> Vec<E> {
    (0..layout.len()).map(|i| E::from_f32(((i * 37 + seed) % 23) as f32 - 11.0)).collect()
}

fn means<E: Element>(layout: Layout, window: Window, out: Layout, seed: usize) -> Result<(), TestCaseError> {
    let data = whole_numbers::<E>(layout, seed);
    let input = Picture { data: &data, layout };
    for isa in Isa::available().into_iter().filter(|&isa| E::runs_on(isa)) {
        let mut got = vec![E::from_f32(7.0); out.h * out.row_len()];
        for (first, data) in got.chunks_mut(out.row_len()).enumerate() {
            mean_rows(isa, input, window, Rows { layout: out, first, data });
        }
        for (i, got) in got.iter().enumerate() {
            let (y, x, c) = (i / out.row_len(), i % out.row_len() / out.pitch, i % out.pitch);
            if c >= out.c || x < out.border || x >= out.border + out.w {
                prop_assert_eq!(got.to_f32(), 7.0);
                continue;
            }
            let (mut sum, mut count) = (0.0, 0.0);
            for (sy, sx) in (0..layout.h).flat_map(|sy| (0..layout.w).map(move |sx| (sy, sx))) {
                let seen = |at: usize, source: usize, axis: usize| {
                    let from = (at * window.stride) as isize - window.pad[axis] as isize;
                    (from..from + window.size[axis] as isize).contains(&(source as isize))
                };
                if seen(y, sy, 0) && seen(x - out.border, sx, 1) {
                    sum += data[layout.at(sy, sx) + c].to_f32();
                    count += 1.0;
                }
            }
            prop_assert_eq!(*got, E::from_f32(sum / count));
        }
        let mut sums = vec![0.0; layout.h * layout.c];
        row_sums(isa, input, 0, &mut sums);
        for (first, row) in sums.chunks(layout.c).enumerate() {
            let mut alone = vec![0.0; layout.c];
            row_sums(isa, input, first, &mut alone);
            prop_assert_eq!(row, &alone[..]);
        }
        let mut whole = vec![E::default(); layout.c];
        mean_of(&sums, layout.h * layout.w, &mut whole);
        for (c, mean) in whole.iter().enumerate() {
            let pixels = (0..layout.h).flat_map(|y| (0..layout.w).map(move |x| (y, x)));
            let sum: f32 = pixels.map(|(y, x)| data[layout.at(y, x) + c].to_f32()).sum();
            let expected = f64::from(sum) / (layout.h * layout.w) as f64;
            prop_assert_eq!(*mean, E::from_f32(expected as f32));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn means_agree_with_their_definition(
        c in 1..70usize, gap in 0..5usize, h in 3..7usize, w in 3..7usize, border in 0..2usize,
        size in 1..=3usize, stride in 1..=2usize, seed: u8,
    ) {
        let pad = size / 2;
        let length = |len: usize| (len + 2 * pad - size) / stride + 1;
        let layout = Layout { pitch: c + gap, ..Layout::new(h, w, c, border) };
        let out = Layout { pitch: c + gap, ..Layout::new(length(h), length(w), c, 1 - border) };
        let window = Window { size: [size; 2], stride, pad: [pad; 2] };
        means::<f32>(layout, window, out, seed.into())?;
        means::<Bf16>(layout, window, out, seed.into())?;
    }
}

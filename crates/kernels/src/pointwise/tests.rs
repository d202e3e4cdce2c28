use super::*;
use crate::element::Bf16;
use proptest::prelude::*;

/// A picture of `values` with a border and a gap between pixels, both filled with sevens.
fn picture<E: Element>(layout: Layout, values: &[f32]) -> Vec<E> {
    let mut out = vec![E::from_f32(7.0); layout.len()];
    for (i, pixel) in values.chunks_exact(layout.c).enumerate() {
        let at = layout.at(i / layout.w, i % layout.w);
        for (to, &value) in out[at..].iter_mut().zip(pixel) {
            *to = E::from_f32(value);
        }
    }
    out
}

/// Compares with the definition in `f64`, and every instruction set with the first; what lies between the pixels stays.
fn check<E: Element>(
    layout: Layout,
    values: &[f32],
    error: f64,
    run: impl Fn(Isa, &mut [E]),
    definition: impl Fn(f64, usize) -> f64,
) -> Result<(), TestCaseError> {
    let before = picture::<E>(layout, values);
    let mut first: Option<Vec<E>> = None;
    for isa in Isa::available().into_iter().filter(|&isa| E::runs_on(isa)) {
        let mut got = before.clone();
        run(isa, &mut got[layout.rows()]);
        for (i, (got, before)) in got.iter().zip(&before).enumerate() {
            let (y, x) = (i / layout.row_len(), i % layout.row_len() / layout.pitch);
            let c = i % layout.pitch;
            let inside = |at: usize, len: usize| at >= layout.border && at < layout.border + len;
            if inside(y, layout.h) && inside(x, layout.w) && c < layout.c {
                let expected = definition(f64::from(before.to_f32()), c);
                let difference = (f64::from(got.to_f32()) - expected).abs();
                prop_assert!(difference <= error * expected.abs().max(1e-30), "{got:?} {expected}");
            } else {
                prop_assert_eq!(got, before);
            }
        }
        prop_assert!(first.get_or_insert_with(|| got.clone()) == &got, "{} differs", isa.name());
    }
    Ok(())
}

fn rows<E>(layout: Layout, data: &mut [E]) -> Rows<'_, E> {
    Rows { layout, first: 0, data }
}

proptest! {
    #[test]
    fn curves_agree_with_their_definition(
        c in 1..70usize, gap in 0..5usize, border in 0..3usize, largest in 0.1..80.0f32, seed: u64,
    ) {
        let layout = Layout { pitch: c + gap, ..Layout::new(2, 3, c, border) };
        let values: Vec<f32> = numbers(seed, 6 * c).iter().map(|v| v * 2.0 * largest).collect();
        for curve in [Curve::Sigmoid, Curve::Silu] {
            let definition = |x: f64, _| {
                let sigmoid = 1.0 / (1.0 + (-x).exp());
                if curve == Curve::Silu { x * sigmoid } else { sigmoid }
            };
            check::<f32>(layout, &values, 4e-7, |isa, d| curve_rows(isa, curve, rows(layout, d)), definition)?;
            check::<Bf16>(layout, &values, 4e-3, |isa, d| curve_rows(isa, curve, rows(layout, d)), definition)?;
        }
    }

    #[test]
    fn gates_agree_with_their_definition(c in 1..70usize, gap in 0..5usize, border in 0..3usize, seed: u64) {
        gates::<f32>(c, gap, border, seed, 1e-7)?;
        gates::<Bf16>(c, gap, border, seed, 4e-3)?;
    }
}

fn gates<E: Element>(
    c: usize,
    gap: usize,
    border: usize,
    seed: u64,
    error: f64,
) -> Result<(), TestCaseError> {
    let layout = Layout { pitch: c + gap, ..Layout::new(2, 3, c, border) };
    let values = numbers(seed, 6 * c);
    let (input, gate_layout) = (picture::<E>(layout, &values), Layout::new(1, 1, c, 1));
    let gate = picture::<E>(gate_layout, &numbers(seed ^ 1, c));
    let input = Picture { data: &input, layout };
    let at = gate_layout.at(0, 0);
    let definition = |x, c: usize| x * f64::from(gate[at + c].to_f32());
    let gate = Picture { data: &gate, layout: gate_layout };
    check::<E>(layout, &values, error, |isa, d| gate_rows(isa, input, gate, rows(layout, d)), definition)
}

fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 16_777_216.0 - 0.5
        })
        .collect()
}

#[test]
fn ends_of_the_range() {
    let layout = Layout::new(1, 1, 5, 0);
    for isa in Isa::available() {
        let mut data = [f32::NAN, 1e4, -1e4, 0.0, f32::INFINITY];
        curve_rows(isa, Curve::Silu, rows(layout, &mut data));
        assert!(data[0].is_nan() && data[1] == 1e4 && data[2].abs() < 1e-30, "{data:?}");
        assert_eq!((data[3], data[4]), (0.0, f32::INFINITY));
        let mut data = [f32::NAN, 1e4, -1e4, 0.0, f32::INFINITY];
        curve_rows(isa, Curve::Sigmoid, rows(layout, &mut data));
        assert!(data[0].is_nan() && data[2] < 1e-30, "{data:?}");
        assert_eq!((data[1], data[3], data[4]), (1.0, 0.5, 1.0));
    }
}

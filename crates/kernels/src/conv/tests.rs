use super::*;
use crate::isa::Isa;
use proptest::prelude::*;

fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 16_777_216.0 - 0.5
        })
        .collect()
}

#[derive(Debug, Clone)]
struct Case {
    shape: ConvShape,
    h: usize,
    w: usize,
    border: usize,
    out_border: usize,
    pad: [usize; 2],
    residual: bool,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let channels = prop_oneof![(1..=70usize, 1..=70usize, Just(1usize)), grouped()];
    (channels, 1..=5usize, 1..=5usize, 1..=3usize, 5..=34usize, 5..=9usize, 0..=2usize, any::<(bool, u64)>())
        .prop_map(|((ci, co, groups), kh, kw, stride, w, h, out_border, (residual, seed))| Case {
            shape: ConvShape { co, ci, groups, size: [kh, kw], stride },
            h,
            w,
            border: kh.max(kw) / 2 + 1,
            out_border,
            pad: [kh / 2, kw / 2],
            residual,
            seed,
        })
}

fn grouped() -> impl Strategy<Value = (usize, usize, usize)> {
    (1..=6usize, 1..=6usize, 2..=9usize).prop_map(|(ci, co, groups)| (ci * groups, co * groups, groups))
}

/// The same sum in `f64`, straight from the definition.
fn naive(case: &Case, input: &[f32], weights: &[f32], bias: &[f32], oh: usize, ow: usize) -> Vec<f64> {
    let ConvShape { co, ci, groups, size: [kh, kw], stride } = case.shape;
    let (gi, go) = (ci / groups, co / groups);
    let mut out = Vec::new();
    for y in 0..oh {
        for x in 0..ow {
            for o in 0..co {
                let mut sum = f64::from(bias[o]);
                for (i, ky, kx) in
                    (0..gi).flat_map(|i| (0..kh).flat_map(move |a| (0..kw).map(move |b| (i, a, b))))
                {
                    let (sy, sx) = ((y * stride + ky) as isize, (x * stride + kx) as isize);
                    let (sy, sx) = (sy - case.pad[0] as isize, sx - case.pad[1] as isize);
                    if sy >= 0 && sx >= 0 && (sy as usize) < case.h && (sx as usize) < case.w {
                        let at = (sy as usize * case.w + sx as usize) * ci + o / go * gi + i;
                        sum += f64::from(input[at]) * f64::from(weights[((o * gi + i) * kh + ky) * kw + kx]);
                    }
                }
                out.push(sum);
            }
        }
    }
    out
}

fn bordered(values: &[f32], layout: Layout) -> Vec<f32> {
    let mut out = vec![f32::NAN; layout.len()];
    layout.clear_border(&mut out);
    for y in 0..layout.h {
        let row = layout.w * layout.c;
        let at = layout.at(y, 0);
        out[at..at + row].copy_from_slice(&values[y * row..(y + 1) * row]);
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_instruction_set_agrees_with_the_definition(case in cases()) {
        let ConvShape { co, ci, groups, size: [kh, kw], stride } = case.shape;
        let input = numbers(case.seed, case.h * case.w * ci);
        let weights = numbers(case.seed ^ 1, case.shape.weights());
        let bias = numbers(case.seed ^ 2, co);
        let (oh, ow) = ((case.h + 2 * case.pad[0] - kh) / stride + 1, (case.w + 2 * case.pad[1] - kw) / stride + 1);
        let layout = Layout { h: case.h, w: case.w, c: ci, border: case.border };
        let out_layout = Layout { h: oh, w: ow, c: co, border: case.out_border };
        let residual = numbers(case.seed ^ 3, oh * ow * co);
        let residual_layout = Layout { border: 1, ..out_layout };
        let (data, residual_data) = (bordered(&input, layout), bordered(&residual, residual_layout));
        let expected = naive(&case, &input, &weights, &bias, oh, ow);
        let terms = (ci / groups * kh * kw) as f64;
        for isa in Isa::available() {
            let conv = Conv::new(isa, case.shape, &weights, &bias);
            let picture = Picture { data: &data, layout };
            let extra = case.residual.then_some(Picture { data: &residual_data, layout: residual_layout });
            let mut out = vec![7.0; oh * out_layout.row_len()];
            conv.rows(picture, case.pad, extra, Clamp::RELU6, Rows { layout: out_layout, first: 0, data: &mut out });
            for (i, &e) in expected.iter().enumerate() {
                let (y, x, c) = (i / co / ow, i / co % ow, i % co);
                let got = out[y * out_layout.row_len() + (x + case.out_border) * co + c];
                let e = (e + if case.residual { f64::from(residual[i]) } else { 0.0 }).clamp(0.0, 6.0);
                prop_assert!((f64::from(got) - e).abs() < 1e-6 * terms.sqrt() + 1e-6, "{} {got} {e}", isa.name());
            }
            // Side borders are left alone.
            if case.out_border > 0 {
                prop_assert_eq!(out[0], 7.0);
            }
            // Rows computed one by one have the same bits.
            let mut single = vec![7.0; out.len()];
            for (row, part) in single.chunks_exact_mut(out_layout.row_len()).enumerate() {
                conv.rows(picture, case.pad, extra, Clamp::RELU6, Rows { layout: out_layout, first: row, data: part });
            }
            prop_assert!(single.iter().zip(&out).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }

    #[test]
    fn depthwise_agrees_with_a_grouped_convolution(
        c in 1..70usize, kh in 1..=5usize, kw in 1..=5usize, stride in 1..=2usize, w in 5..20usize, seed: u64,
    ) {
        let (h, pad) = (6, [kh / 2, kw / 2]);
        let layout = Layout { h, w, c, border: 2 };
        let data = bordered(&numbers(seed, h * w * c), layout);
        let (weights, bias) = (numbers(seed ^ 1, c * kh * kw), numbers(seed ^ 2, c));
        let (oh, ow) = ((h + 2 * pad[0] - kh) / stride + 1, (w + 2 * pad[1] - kw) / stride + 1);
        let out_layout = Layout { h: oh, w: ow, c, border: 1 };
        let shape = ConvShape { co: c, ci: c, groups: c, size: [kh, kw], stride };
        let picture = Picture { data: &data, layout };
        let mut expected = vec![0.0; oh * out_layout.row_len()];
        Conv::new(Isa::available()[0], shape, &weights, &bias)
            .rows(picture, pad, None, Clamp::RELU, Rows { layout: out_layout, first: 0, data: &mut expected });
        for isa in Isa::available() {
            let mut out = vec![0.0; expected.len()];
            DepthwiseConv::new(isa, [kh, kw], stride, &weights, &bias)
                .rows(picture, pad, Clamp::RELU, Rows { layout: out_layout, first: 0, data: &mut out });
            for (g, e) in out.iter().zip(&expected) {
                prop_assert!((g - e).abs() < 1e-5, "{}: {g} {e}", isa.name());
            }
        }
    }
}

#[test]
fn nan_passes_the_clamp() {
    for isa in Isa::available() {
        let layout = Layout { h: 1, w: 1, c: 1, border: 0 };
        let shape = ConvShape { co: 1, ci: 1, groups: 1, size: [1, 1], stride: 1 };
        let picture = Picture { data: &[f32::NAN], layout };
        let mut out = [0.0];
        Conv::new(isa, shape, &[1.0], &[0.0]).rows(
            picture,
            [0, 0],
            None,
            Clamp::RELU6,
            Rows { layout, first: 0, data: &mut out },
        );
        assert!(out[0].is_nan(), "{}", isa.name());
    }
}

#[test]
#[should_panic(expected = "window below the picture")]
fn a_window_outside_the_picture_is_refused() {
    let layout = Layout { h: 2, w: 2, c: 1, border: 0 };
    let shape = ConvShape { co: 1, ci: 1, groups: 1, size: [2, 2], stride: 1 };
    let mut out = vec![0.0; 4];
    Conv::new(Isa::best(), shape, &[1.0; 4], &[0.0]).rows(
        Picture { data: &[0.0; 4], layout },
        [0, 0],
        None,
        Clamp::NONE,
        Rows { layout, first: 0, data: &mut out },
    );
}

use super::*;
use crate::element::{Bf16, Element};
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

fn bordered<E: Element>(values: &[f32], layout: Layout) -> Vec<E> {
    let mut out = vec![E::from_f32(f32::NAN); layout.len()];
    layout.clear_border(&mut out);
    for (i, pixel) in values.chunks_exact(layout.c).enumerate() {
        let at = layout.at(i / layout.w, i % layout.w);
        out[at..at + layout.c].iter_mut().zip(pixel).for_each(|(o, &v)| *o = E::from_f32(v));
    }
    out
}

/// A layout with a gap between pixels, a whole number of words wide.
fn spaced<E: Element>(layout: Layout, gap: usize) -> Layout {
    Layout { pitch: (layout.c + gap).next_multiple_of(E::PER_WORD), ..layout }
}

/// The values as `E` stores them.
fn stored<E: Element>(values: Vec<f32>) -> Vec<f32> {
    values.into_iter().map(|v| E::from_f32(v).to_f32()).collect()
}

/// All that a convolution needs.
struct Job<'a, E> {
    case: &'a Case,
    weights: &'a [f32],
    bias: &'a [f32],
    input: Picture<'a, E>,
    residual: Option<Picture<'a, E>>,
    out: Layout,
}

/// A way to compute all rows, the border and gaps left as they were (seven). With the last argument, as many parts by
/// themselves as there can be.
type Way<E> = fn(&Job<'_, E>, Isa, bool) -> Vec<E>;

fn direct<E: Element>(job: &Job<'_, E>, isa: Isa, apart: bool) -> Vec<E> {
    let conv = Conv::<E>::new(isa, job.case.shape, job.weights, job.bias);
    let mut out = vec![E::from_f32(7.0); job.out.h * job.out.row_len()];
    let rows = if apart { 1 } else { job.out.h };
    for (part, data) in out.chunks_mut(rows * job.out.row_len()).enumerate() {
        let rows = Rows { layout: job.out, first: part * rows, data };
        conv.rows(job.input, job.case.pad, job.residual, Clamp::RELU6, rows);
    }
    out
}

fn f2<E: Element>(job: &Job<'_, E>, isa: Isa, apart: bool) -> Vec<E> {
    winograd(Winograd::F2, job, isa, apart)
}

fn f4<E: Element>(job: &Job<'_, E>, isa: Isa, apart: bool) -> Vec<E> {
    winograd(Winograd::F4, job, isa, apart)
}

fn winograd<E: Element>(kind: Winograd, job: &Job<'_, E>, isa: Isa, apart: bool) -> Vec<E> {
    let layout = job.out;
    let conv = WinogradConv::<E>::new(isa, kind, job.case.shape, job.weights, job.bias);
    let tiling = conv.tiling(layout);
    let mut out = vec![E::from_f32(7.0); layout.h * layout.row_len()];
    // Apart: bands of two tile rows, each tile row and each point by itself.
    let band = if apart { 2 } else { tiling.rows };
    for (number, data) in out.chunks_mut(band * tiling.side * layout.row_len()).enumerate() {
        let tile_rows = (data.len() / layout.row_len()).div_ceil(tiling.side);
        let (rows, points) = if apart { (1, 1) } else { (tile_rows, tiling.points) };
        let row_len = tiling.columns * tiling.window_len;
        let mut windows = vec![E::from_f32(f32::NAN); tile_rows * row_len];
        for (i, part) in windows.chunks_mut(rows * row_len).enumerate() {
            conv.transform_input(job.input, job.case.pad, layout, number * band + i * rows, part);
        }
        let point_len = tiling.products_len(tile_rows * tiling.columns);
        let mut products = vec![f32::NAN; tiling.points * point_len];
        for (i, part) in products.chunks_mut(points * point_len).enumerate() {
            conv.multiply(layout, &windows, i * points, part);
        }
        for (i, data) in data.chunks_mut(rows * tiling.side * layout.row_len()).enumerate() {
            let first = (number * band + i * rows) * tiling.side;
            let rows = Rows { layout, first, data };
            conv.transform_output(&products, number * band, job.residual, Clamp::RELU6, rows);
        }
    }
    out
}

/// Compares one way with the definition, and with itself: in parts, and on other instruction sets.
fn check<E: Element>(case: &Case, gap: usize, error: f64, way: Way<E>) -> Result<(), TestCaseError> {
    let ConvShape { co, ci, groups, size: [kh, kw], stride } = case.shape;
    let input = stored::<E>(numbers(case.seed, case.h * case.w * ci));
    let weights = stored::<E>(numbers(case.seed ^ 1, case.shape.weights()));
    let bias = numbers(case.seed ^ 2, co);
    let (oh, ow) =
        ((case.h + 2 * case.pad[0] - kh) / stride + 1, (case.w + 2 * case.pad[1] - kw) / stride + 1);
    let layout = spaced::<E>(Layout::new(case.h, case.w, ci, case.border), gap);
    let out = spaced::<E>(Layout::new(oh, ow, co, case.out_border), gap);
    let residual = stored::<E>(numbers(case.seed ^ 3, oh * ow * co));
    let residual_layout = Layout { border: 1, ..out };
    let (data, extra) = (bordered::<E>(&input, layout), bordered::<E>(&residual, residual_layout));
    let input_picture = Picture { data: &data, layout };
    let extra = case.residual.then_some(Picture { data: &extra, layout: residual_layout });
    let job = Job { case, weights: &weights, bias: &bias, input: input_picture, residual: extra, out };
    let expected = naive(case, &input, &weights, &bias, oh, ow);
    let terms = (ci / groups * kh * kw) as f64;
    let mut same_bits: Option<Vec<E>> = None;
    for isa in Isa::available().into_iter().filter(|&isa| E::runs_on(isa)) {
        let got = way(&job, isa, false);
        for (i, &e) in expected.iter().enumerate() {
            let (y, x, c) = (i / co / ow, i / co % ow, i % co);
            let at = y * out.row_len() + (x + case.out_border) * out.pitch + c;
            let (got, extra) = (f64::from(got[at].to_f32()), if case.residual { residual[i] } else { 0.0 });
            let e = (e + f64::from(extra)).clamp(0.0, 6.0);
            prop_assert!((got - e).abs() < error * (terms.sqrt() + 1.0), "{} {got} {e}", isa.name());
        }
        for (i, v) in got.iter().enumerate() {
            let (x, c) = (i % out.row_len() / out.pitch, i % out.pitch);
            let outside = x < case.out_border || x >= case.out_border + ow || c >= co;
            prop_assert!(!outside || v.to_f32() == 7.0, "{} wrote outside", isa.name());
        }
        prop_assert!(way(&job, isa, true) == got, "{} in parts differs", isa.name());
        // The fused instruction sets agree bit for bit, and the processor's bf16 with its definition.
        if isa.name() != "portable" || E::PER_WORD > 1 {
            prop_assert!(same_bits.get_or_insert_with(|| got.clone()) == &got, "{} differs", isa.name());
        }
    }
    Ok(())
}

fn winograd_cases() -> impl Strategy<Value = Case> {
    let channels = (1..=70usize, 1..=70usize);
    (channels, 1..=34usize, 1..=34usize, 0..=2usize, any::<(bool, u64)>()).prop_map(
        |((ci, co), w, h, out_border, (residual, seed))| Case {
            shape: ConvShape { co, ci, groups: 1, size: [3, 3], stride: 1 },
            h,
            w,
            border: 1,
            out_border,
            pad: [1, 1],
            residual,
            seed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn direct_agrees_with_the_definition(case in cases(), gap in 0..=17usize) {
        check::<f32>(&case, gap, 1e-6, direct)?;
        check::<Bf16>(&case, gap, 4e-3, direct)?;
    }

    #[test]
    fn winograd_agrees_with_the_definition(case in winograd_cases(), gap in 0..=17usize) {
        check::<f32>(&case, gap, 2e-6, f2)?;
        check::<f32>(&case, gap, 1e-5, f4)?;
        check::<Bf16>(&case, gap, 1.5e-2, f2)?;
    }

    #[test]
    fn depthwise_agrees_with_a_grouped_convolution(
        c in 1..70usize, kh in 1..=5usize, kw in 1..=5usize, stride in 1..=2usize, w in 5..20usize, seed: u64,
    ) {
        let (h, pad) = (6, [kh / 2, kw / 2]);
        let layout = Layout::new(h, w, c, 2);
        let data = bordered(&numbers(seed, h * w * c), layout);
        let (weights, bias) = (numbers(seed ^ 1, c * kh * kw), numbers(seed ^ 2, c));
        let (oh, ow) = ((h + 2 * pad[0] - kh) / stride + 1, (w + 2 * pad[1] - kw) / stride + 1);
        let out_layout = Layout::new(oh, ow, c, 1);
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
        let layout = Layout::new(1, 1, 1, 0);
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
    let layout = Layout::new(2, 2, 1, 0);
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

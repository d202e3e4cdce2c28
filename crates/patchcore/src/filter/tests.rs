use super::*;
use patchcore_kernels::distance::squared_l2;
use patchcore_kernels::isa::Isa;
use patchcore_tensor::Embeddings;
use patchcore_testkit::weights::uniform;
use proptest::prelude::*;

/// Rows near a few directions, with what tends to break bounds.
fn rows(seed: u64, n: usize, d: usize, kind: u8) -> Embeddings {
    let base = uniform("base", seed, 6 * d);
    let share = uniform("share", seed, n * 6);
    let noise = uniform("noise", seed, n * d);
    let data = (0..n * d)
        .map(|at| {
            let (i, j) = (at / d, at % d);
            let smooth: f64 = (0..6).map(|b| (share[i * 6 + b] - 0.5) * base[b * d + j]).sum();
            let v = smooth + 0.05 * noise[at];
            let v = match kind {
                0 => v,
                // Huge, and tiny enough that squares underflow.
                1 => v * 1e17,
                2 => v * 1e-22,
                // Far from the origin.
                3 => v + 1000.0,
                // One outlier dimension, and one outlier row.
                4 => v * if j == 3 { 1e4 } else { 1.0 },
                5 => v * if i == 1 { 1e5 } else { 1.0 },
                // Copies, near copies.
                6 => (smooth * 3.0).round() + if i % 7 == 0 { 1e-6 } else { 0.0 },
                _ => f64::from(i % 3 == 0) * v,
            };
            v as f32
        })
        .collect();
    Embeddings::from_vec(n, d, data).unwrap()
}

fn narrow(rows: &Embeddings, k: usize) -> Option<Filter> {
    Filter::new(rows, &Directions::new(rows, k), k)
}

fn between(codes: &Codes, k: usize, i: usize, j: usize) -> i32 {
    let code = |i: usize| codes.values[i * k..][..k].iter().map(|&v| i32::from(v));
    code(i).zip(code(j)).map(|(a, b)| (a - b).pow(2)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// No pair within a limit is beyond the reach for it, whatever the rows; the limit is the pair's own distance.
    #[test]
    fn no_pair_is_discarded_that_matters(kind in 0u8..8, wide: bool, whole: bool, seed: u64) {
        let (d, k) = if wide { (200, 64) } else { (40, 16) };
        let rows = rows(seed, 90, d, kind);
        let made = if whole { Filter::whole(&rows) } else { narrow(&rows, k) };
        let Some(filter) = made else { return Ok(()) };
        let k = filter.k();
        let codes = Encoder::new(filter.clone()).encode(rows.data());
        // Errors that none, about half, or all codes exceed.
        let commons = [0.0, codes.common_error(0.5), f32::MAX];
        for isa in Isa::available() {
            for i in 0..rows.len() {
                for j in 0..i {
                    let limit = squared_l2(isa, rows.row(i), rows.row(j));
                    let reach = filter.reach(filter.span(limit, codes.errors[i]), codes.errors[j]);
                    let steps = between(&codes, k, i, j);
                    prop_assert!(steps <= reach, "{i} {j} at {limit}: {reach}");
                    prop_assert!(filter.at_least(steps, codes.errors[i], codes.errors[j]) <= limit, "{i} {j}");
                    let product = (codes.norms[i] + codes.norms[j] - steps) / 2;
                    let span = filter.span(limit, codes.errors[i]);
                    for common in commons {
                        let asked = filter.asked(codes.norms[i], codes.errors[i], limit, common);
                        let half = filter.half(codes.norms[j], codes.errors[j], common, span);
                        prop_assert!(product >= asked + half, "{i} {j} at {limit}, {common}");
                    }
                }
            }
        }
    }
}

/// On ordinary rows the bound is close enough to be of use.
#[test]
fn far_pairs_are_discarded() {
    let rows = rows(5, 200, 200, 0);
    let filter = narrow(&rows, 64).unwrap();
    let codes = Encoder::new(filter.clone()).encode(rows.data());
    let (mut beyond, mut all) = (0, 0);
    for i in 0..rows.len() {
        for j in 0..i {
            let limit = 0.8 * squared_l2(Isa::best(), rows.row(i), rows.row(j));
            let reach = filter.reach(filter.span(limit, codes.errors[i]), codes.errors[j]);
            beyond += usize::from(between(&codes, 64, i, j) > reach);
            all += 1;
        }
    }
    assert!(beyond * 10 > all * 7, "{beyond} of {all}");
}

#[test]
fn rows_that_cannot_be_told_apart_have_no_filter() {
    let constant = Embeddings::from_vec(100, 32, vec![2.0; 3200]).unwrap();
    assert_eq!(narrow(&constant, 16), None);
    let broken = Embeddings::from_vec(100, 32, vec![f32::NAN; 3200]).unwrap();
    assert_eq!(narrow(&broken, 16), None);
    assert_eq!(narrow(&rows(1, 10, 40, 0), 16), None);
}

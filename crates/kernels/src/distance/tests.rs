use super::*;
use half::slice::HalfFloatSliceExt;

fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / 16_777_216.0 - 0.5) * 4.0
        })
        .collect()
}

#[test]
fn every_instruction_set_and_tail_agrees_with_a_double_sum() {
    for isa in Isa::available() {
        for d in 0..=67 {
            let (a, b) = (numbers(d as u64, d + 3), numbers(d as u64 + 100, d + 3));
            for start in 0..3 {
                let (a, b) = (&a[start..start + d], &b[start..start + d]);
                let exact: f64 = a.iter().zip(b).map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2)).sum();
                let got = f64::from(squared_l2(isa, a, b));
                assert!((got - exact).abs() <= 1e-6 * exact.max(1e-6), "{} d={d}: {got} {exact}", isa.name());
            }
        }
    }
}

#[test]
fn a_block_gives_the_bits_of_single_pairs() {
    for isa in Isa::available() {
        for (n, m, d) in [(1, 1, 5), (4, 4, 16), (5, 7, 33), (9, 3, 152), (2, 13, 31)] {
            let (a, b) = (numbers(1, n * d), numbers(2, m * d));
            let mut out = vec![0.0; n * m];
            squared_l2_block(isa, &a, &b, d, &mut out);
            for i in 0..n {
                for j in 0..m {
                    let single = squared_l2(isa, &a[i * d..(i + 1) * d], &b[j * d..(j + 1) * d]);
                    assert_eq!(
                        out[i * m + j].to_bits(),
                        single.to_bits(),
                        "{} {n}x{m}x{d} at {i},{j}",
                        isa.name()
                    );
                }
            }
        }
    }
}

#[test]
fn fused_instruction_sets_agree_bit_for_bit() {
    let fused: Vec<Isa> = Isa::available().into_iter().skip(1).collect();
    let (a, b) = (numbers(3, 1000), numbers(4, 1000));
    for pair in fused.windows(2) {
        assert_eq!(squared_l2(pair[0], &a, &b).to_bits(), squared_l2(pair[1], &a, &b).to_bits());
    }
}

#[test]
fn a_distance_to_itself_is_exactly_zero_and_nan_stays() {
    for isa in Isa::available() {
        let a = numbers(5, 77);
        assert_eq!(squared_l2(isa, &a, &a), 0.0);
        let mut b = a.clone();
        b[76] = f32::NAN;
        assert!(squared_l2(isa, &a, &b).is_nan());
    }
}

#[test]
fn listed_rows_have_the_bits_of_single_pairs() {
    for isa in Isa::available() {
        for d in [1, 5, 16, 33, 152] {
            let (row, all) = (numbers(3, d), numbers(4, 11 * d));
            let listed = [10, 0, 3, 3, 7, 2, 9, 1, 5];
            for count in 0..=listed.len() {
                let mut out = vec![0.0; count];
                squared_l2_to(isa, &row, &all, &listed[..count], &mut out);
                for (&number, got) in listed.iter().zip(out) {
                    let other = &all[number as usize * d..][..d];
                    assert_eq!(got.to_bits(), squared_l2(isa, &row, other).to_bits(), "{} d={d}", isa.name());
                }
            }
        }
    }
}

/// Halves of every kind, subnormal ones, infinity and NaN among them, have the bits of the same values as `f32`.
#[test]
fn halves_have_the_bits_of_their_values() {
    for isa in Isa::available() {
        for d in 1..=67 {
            let mut all: Vec<f16> = (0..7 * d).map(|i| f16::from_bits((i * 977) as u16 & 0xFBFF)).collect();
            all[6 * d..].fill(f16::INFINITY);
            all[5 * d] = f16::NAN;
            let mut wide = vec![0.0; all.len()];
            all.convert_to_f32_slice(&mut wide);
            let (row, listed) = (numbers(3, d), [6, 0, 3, 5, 4, 1, 2]);
            let (mut narrow, mut expected) = ([0.0; 7], [0.0; 7]);
            squared_l2_to(isa, &row, &all, &listed, &mut narrow);
            squared_l2_to(isa, &row, &wide, &listed, &mut expected);
            assert!(narrow[3].is_nan() && expected[3].is_nan());
            let bits = |values: [f32; 7]| values.map(|v| if v.is_nan() { 0 } else { v.to_bits() });
            assert_eq!(bits(narrow), bits(expected), "{} d={d}", isa.name());
        }
    }
}

#[test]
#[should_panic(expected = "a row beyond the last")]
fn a_number_beyond_the_rows_is_our_own_bug() {
    squared_l2_to(Isa::best(), &[1.0; 4], &[1.0; 12], &[1, 3], &mut [0.0; 2]);
}

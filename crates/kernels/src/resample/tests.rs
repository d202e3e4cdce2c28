use super::*;
use proptest::prelude::*;

/// The definition, in 64 bits.
fn twin(rows: &[u8], stride: usize, weights: &[i32], len: usize) -> Vec<u8> {
    let sum = |i: usize| -> i64 {
        weights.iter().enumerate().map(|(j, &w)| i64::from(w) * i64::from(rows[j * stride + i])).sum()
    };
    (0..len).map(|i| ((sum(i) + i64::from(HALF)) >> FRACTION_BITS).clamp(0, 255) as u8).collect()
}

proptest! {
    #[test]
    fn every_instruction_set_and_tail_agrees_with_the_definition(
        len in 0usize..140,
        apart in 0usize..9,
        raw in prop::collection::vec(0u32..1000, 1..12),
        seed: u8,
    ) {
        let sum = f64::from(raw.iter().sum::<u32>().max(1));
        let one = f64::from(1 << FRACTION_BITS);
        let weights: Vec<i32> = raw.iter().map(|&w| (f64::from(w) / sum * one + 0.5) as i32).collect();
        let stride = len + apart;
        // The last row may end where the values do.
        let rows: Vec<u8> = (0..stride * (weights.len() - 1) + len)
            .map(|i| (i as u8).wrapping_mul(97).wrapping_add(seed) ^ (i >> 8) as u8)
            .collect();
        for isa in Isa::available() {
            let mut out = vec![7; len];
            weighted_rows(isa, &rows, stride, &weights, &mut out);
            prop_assert_eq!(&out, &twin(&rows, stride, &weights, len), "{}", isa.name());
        }
    }
}

#[test]
fn white_stays_white_and_negative_sums_are_black() {
    let one = 1 << FRACTION_BITS;
    for isa in Isa::available() {
        for (weights, expected) in [([one, 1], 255), ([one / 2, one / 2], 255), ([-one, 0], 0)] {
            let mut out = [9; 70];
            weighted_rows(isa, &[255; 140], 70, &weights, &mut out);
            assert_eq!(out, [expected; 70], "{}", isa.name());
        }
    }
}

#[test]
#[should_panic(expected = "range")]
fn too_few_rows_are_our_own_bug() {
    weighted_rows(Isa::best(), &[0; 100], 40, &[1, 1, 1], &mut [0; 40]);
}

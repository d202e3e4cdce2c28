use super::*;
use proptest::prelude::*;

fn values(seed: u64, n: usize) -> Vec<i8> {
    let mut state = seed | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // The extremes come often.
        match state >> 60 {
            0 => 127,
            1 => -127,
            _ => ((state >> 40) % 255) as i8,
        }
    };
    (0..n).map(|_| next().max(-127)).collect()
}

fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

fn columns(codes: &[i8], k: usize) -> (Columns, usize) {
    let mut columns = Columns::new(k);
    codes.chunks_exact(k).for_each(|code| columns.push(code));
    let places = columns.groups() * GROUP;
    (columns, places)
}

proptest! {
    #[test]
    fn every_instruction_set_finds_what_the_definition_finds(
        n in 0usize..30,
        m in 0usize..70,
        fours in 1usize..20,
        first in 0usize..3,
        bound in -30000i32..30000,
        seed: u64,
    ) {
        let k = fours * 4;
        let (a, b) = (values(seed, n * k), values(seed ^ 0x99, m * k));
        let (columns, places) = columns(&b, k);
        let of_row: Vec<i32> = (0..n as i32).map(|i| bound + i * 37).collect();
        let of_column: Vec<i32> =
            (0..places).map(|j| if j < m { j as i32 * 11 - 200 } else { NEVER }).collect();
        let excess = |i: usize, j: usize| dot(&a[i * k..][..k], &b[j * k..][..k]) - of_column[j];
        let first = first.min(columns.groups());
        let mut twin = Vec::new();
        for (i, &least) in of_row.iter().enumerate() {
            for j in (first * GROUP..m).filter(|&j| excess(i, j) >= least) {
                twin.push((i as u32, j as u32, excess(i, j)));
            }
        }
        let best = |i: usize, lane: usize| {
            let places = (lane..m).step_by(GROUP);
            places.map(|j| (excess(i, j), j / GROUP)).reduce(|a, b| if b.0 > a.0 { b } else { a })
        };
        for isa in Isa::available() {
            let mut found = Vec::new();
            hits(isa, &a, &of_row, &columns, &of_column, first..columns.groups(), &mut found);
            let mut found: Vec<_> = found.iter().map(|hit| (hit.row, hit.column, hit.excess)).collect();
            found.sort_unstable();
            prop_assert_eq!(&found, &twin, "{}", isa.name());

            let mut lanes = vec![Lanes::NONE; n];
            best_per_lane(isa, &a, &columns, &of_column, 0..columns.groups(), &mut lanes);
            for (i, row) in lanes.iter().enumerate() {
                for lane in 0..GROUP {
                    if let Some((excess, group)) = best(i, lane) {
                        prop_assert_eq!((row.excess[lane], row.group[lane] as usize), (excess, group), "{}", isa.name());
                    } else {
                        prop_assert!(row.excess[lane] < -NEVER / 2);
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn listed_products_equal_the_definition(
        k in 0usize..200,
        numbers in prop::collection::vec(0u32..9, 0..12),
        seed: u64,
    ) {
        let (row, all) = (values(seed, k), values(seed ^ 5, 9 * k));
        let twin: Vec<i32> = numbers.iter().map(|&n| dot(&row, &all[n as usize * k..][..k])).collect();
        for isa in Isa::available() {
            let mut out = vec![7; numbers.len()];
            dots(isa, &row, &all, &numbers, &mut out);
            prop_assert_eq!(&out, &twin, "{}", isa.name());
        }
    }
}

proptest! {
    #[test]
    fn centring_is_equal_on_every_instruction_set(n in 0usize..200, seed: u64) {
        let all: Vec<f32> = values(seed, 2 * n).iter().map(|&v| f32::from(v) * 0.37).collect();
        let (row, mean) = all.split_at(n);
        let twin: Vec<f32> = row.iter().zip(mean).map(|(v, m)| v - m).collect();
        let length: f64 = twin.iter().map(|v| f64::from(*v).powi(2)).sum();
        let defined = squared_length(Isa::available()[0], &twin);
        prop_assert!((defined - length).abs() <= 1e-12 * length);
        for isa in Isa::available() {
            let mut left = vec![0.0; n];
            prop_assert_eq!(centre(isa, row, mean, &mut left), defined, "{}", isa.name());
            prop_assert_eq!(&left, &twin, "{}", isa.name());
            prop_assert_eq!(squared_length(isa, &left), defined, "{}", isa.name());
        }
    }

    #[test]
    fn turning_and_rounding_equal_on_every_instruction_set(n in 1usize..200, step in 0.01f32..3.0, seed: u64) {
        let start: Vec<f32> = values(seed, n).iter().map(|&v| f32::from(v) * 0.37).collect();
        let mut twin = start.clone();
        turn(Isa::available()[0], &mut twin);
        let length = |v: &[f32]| v.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        prop_assert!((length(&twin) - length(&start)).abs() <= 1e-5 * length(&start));
        let code: Vec<i8> = twin.iter().map(|v| (v / step).clamp(-127.0, 127.0).round() as i8).collect();
        for isa in Isa::available() {
            let mut turned = start.clone();
            turn(isa, &mut turned);
            prop_assert_eq!(&turned, &twin, "{}", isa.name());
            let mut got = vec![0; n];
            let missed = quantise(isa, &turned, step, &mut got);
            // A value half way between two steps may go either way.
            prop_assert!(got.iter().zip(&code).all(|(a, b)| (i32::from(*a) - i32::from(*b)).abs() <= 1));
            let left = |(v, &q): (&f32, &i8)| (f64::from(*v) - f64::from(step) * f64::from(q)).powi(2);
            let expected = turned.iter().zip(&got).map(left).sum::<f64>().sqrt();
            prop_assert!((missed - expected).abs() <= 1e-9 * (1.0 + expected), "{} {missed} {expected}", isa.name());
        }
    }
}

#[test]
fn what_is_not_finite_misses_by_infinity() {
    for isa in Isa::available() {
        let mut code = [0; 2];
        assert!(quantise(isa, &[1.0, f32::INFINITY], 1.0, &mut code).is_infinite());
        assert!(!quantise(isa, &[1.0, f32::NAN], 1.0, &mut code).is_finite());
    }
}

#[test]
fn extremes_do_not_overflow() {
    let k = 65536;
    for (a, b) in [(127, 127), (-127, 127), (-127, -127)] {
        let (columns, _) = columns(&vec![b; k], k);
        for isa in Isa::available() {
            let mut of_column = [NEVER; GROUP];
            of_column[0] = 0;
            let mut found = Vec::new();
            hits(isa, &vec![a; k], &[-NEVER], &columns, &of_column, 0..1, &mut found);
            let excess: Vec<i32> = found.iter().filter(|h| h.column == 0).map(|h| h.excess).collect();
            assert_eq!(excess, [i32::from(a) * i32::from(b) * k as i32], "{}", isa.name());
        }
    }
}

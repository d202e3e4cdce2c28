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
    let mut columns = Columns::with_room(k, 0);
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
                twin.push((i, j - first * GROUP));
            }
        }
        let best = |i: usize, lane: usize| {
            let places = (lane..m).step_by(GROUP);
            places.map(|j| (excess(i, j), j / GROUP)).reduce(|a, b| if b.0 > a.0 { b } else { a })
        };
        for isa in Isa::available() {
            let groups = first..columns.groups();
            let (words, mut marks) = (groups.len().div_ceil(4), vec![7; 3]);
            mark(isa, &a, &of_row, &columns, &of_column, groups, &mut marks);
            let found = |i: usize| marked(&marks[i * words..][..words]).map(move |j| (i, j));
            let found: Vec<_> = (0..n).flat_map(found).collect();
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
        k in 1usize..200,
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
        let rounding = f64::from(f32::EPSILON) / 2.0 * (n / 16 + 16) as f64;
        prop_assert!((f64::from(defined) - length).abs() <= rounding * length);
        for isa in Isa::available() {
            let mut left = vec![0.0; n];
            centre(isa, row, mean, &mut left);
            prop_assert_eq!(&left, &twin, "{}", isa.name());
            prop_assert_eq!(squared_length(isa, &left), defined, "{}", isa.name());
        }
    }

    #[test]
    fn turning_and_rounding_equal_on_every_instruction_set(n in 1usize..200, long in 0usize..3, step in 0.01f32..3.0, seed: u64) {
        // Also lengths that are turned whole registers at a time.
        let n = if long > 0 { n % 5 * 512 + 512 } else { n };
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
            let Rounded { missed, norm } = quantise(isa, &turned, step, &mut got);
            // A value half way between two steps may go either way.
            prop_assert!(got.iter().zip(&code).all(|(a, b)| (i32::from(*a) - i32::from(*b)).abs() <= 1));
            let left = |(v, &q): (&f32, &i8)| f64::from(*v) / f64::from(step) - f64::from(q);
            let expected = turned.iter().zip(&got).map(|pair| left(pair).powi(2)).sum::<f64>().sqrt();
            let rounding = f64::from(f32::EPSILON) / 2.0;
            let allowed = rounding * (2.1 * length(&turned) / f64::from(step) + (n / 16 + 16) as f64 * expected);
            prop_assert!((f64::from(missed) - expected).abs() <= allowed, "{} {missed} {expected}", isa.name());
            prop_assert_eq!(norm, dot(&got, &got));
        }
    }
}

/// Turning is a rotation: it keeps the angle between what it turns, and spreads one place over its block.
#[test]
fn turning_keeps_products() {
    for n in [8, 256, 512, 1024, 1536] {
        let turned = |seed: u64| {
            let mut row: Vec<f32> = values(seed, n).iter().map(|&v| f32::from(v)).collect();
            let start = row.clone();
            turn(Isa::best(), &mut row);
            (start, row)
        };
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let ((a, turned_a), (b, turned_b)) = (turned(3), turned(4));
        assert!((product(&a, &b) - product(&turned_a, &turned_b)).abs() <= 1e-5 * product(&a, &a), "{n}");
        let mut one = vec![0.0; n];
        one[5] = 1.0;
        turn(Isa::best(), &mut one);
        let block = 1 << n.trailing_zeros();
        let reached = if block >= 512 { block / 16 } else { block };
        assert_eq!(one.iter().filter(|v| **v != 0.0).count(), reached, "{n}");
    }
}

#[test]
fn what_is_not_finite_misses_by_infinity() {
    for isa in Isa::available() {
        let mut code = [0; 2];
        assert!(quantise(isa, &[1.0, f32::INFINITY], 1.0, &mut code).missed.is_infinite());
        assert!(!quantise(isa, &[1.0, f32::NAN], 1.0, &mut code).missed.is_finite());
    }
}

#[test]
fn extremes_do_not_overflow() {
    let k = 32768;
    for (a, b) in [(127, 127), (-127, 127), (-127, -127)] {
        let (columns, _) = columns(&vec![b; k], k);
        for isa in Isa::available() {
            let mut of_column = [NEVER; GROUP];
            of_column[0] = 0;
            let product = i32::from(a) * i32::from(b) * k as i32;
            let mut marks = Vec::new();
            for (asked, reached) in [(product, 1), (product + 1, 0)] {
                mark(isa, &vec![a; k], &[asked], &columns, &of_column, 0..1, &mut marks);
                assert_eq!(marks, [reached], "{}", isa.name());
            }
            let mut lanes = [Lanes::NONE];
            best_per_lane(isa, &vec![a; k], &columns, &of_column, 0..1, &mut lanes);
            assert_eq!(lanes[0].excess[0], product, "{}", isa.name());
        }
    }
}

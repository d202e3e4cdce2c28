//! Decisions, shares and comparisons of pictures against their definitions, written out slowly, and against scipy.

mod cases;

use cases::{TOLERANCE, alarms, close, distinct_descending, list};
use patchcore_metrics::{
    Share, Undefined, aupr_trapezoid, auroc, average_precision, confusion, delong, f1_max, iou_max,
    per_defect_type, presorted_bad, presorted_good,
};
use patchcore_testkit::testdata;
use proptest::prelude::*;

#[test]
fn bounds_are_those_of_scipy() {
    let text = std::fs::read_to_string(testdata("intervals.json")).unwrap();
    let cases: Vec<(u64, u64, f64, f64, f64)> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 100);
    for (count, of, confidence, lower, upper) in cases {
        let got = Share::new(count, of).unwrap().clopper_pearson(confidence).unwrap();
        for (got, expected) in [(got.lower, lower), (got.upper, upper)] {
            let off = (got - expected).abs();
            assert!(off <= 1e-12 * expected, "{count} of {of} at {confidence}: {got}, expected {expected}");
        }
    }
}

/// The quantile by its definition on a sorted list: the value at place `q (n - 1)`, linear in between.
fn naive_quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = q * (sorted.len() as f64 - 1.0);
    (0..sorted.len()).map(|i| sorted[i] * (1.0 - (place - i as f64).abs()).max(0.0)).sum()
}

fn of_class(scores: &[f32], labels: &[bool], class: bool) -> Vec<f64> {
    scores.iter().zip(labels).filter(|(_, l)| **l == class).map(|(&s, _)| f64::from(s)).collect()
}

/// 1 for a win of the anomalous item, 1/2 for a tie.
fn win(anomalous: f64, normal: f64) -> f64 {
    if anomalous > normal { 1.0 } else { f64::from(u8::from(anomalous == normal)) / 2.0 }
}

fn covariance(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (mx, my) = (mean(x), mean(y));
    x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / (n - 1.0)
}

/// The published formula with the full 2x2 covariance matrices, in `O(n m)`.
fn naive_delong(models: [&[f32]; 2], labels: &[bool]) -> (f64, f64) {
    let per_item = models.map(|scores| {
        let (normal, anomalous) = (of_class(scores, labels, false), of_class(scores, labels, true));
        let of_anomalous: Vec<f64> = anomalous
            .iter()
            .map(|&a| normal.iter().map(|&n| win(a, n)).sum::<f64>() / normal.len() as f64)
            .collect();
        let of_normal: Vec<f64> = normal
            .iter()
            .map(|&n| anomalous.iter().map(|&a| win(a, n)).sum::<f64>() / anomalous.len() as f64)
            .collect();
        (of_anomalous, of_normal)
    });
    let [(a10, a01), (b10, b01)] = &per_item;
    let s = |x10: &[f64], y10: &[f64], x01: &[f64], y01: &[f64]| {
        covariance(x10, y10) / x10.len() as f64 + covariance(x01, y01) / x01.len() as f64
    };
    let variance = s(a10, a10, a01, a01) + s(b10, b10, b01, b01) - 2.0 * s(a10, b10, a01, b01);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    (mean(a10) - mean(b10), variance)
}

/// Two models' scores of the same pictures, with at least two of each class.
fn two_models() -> impl Strategy<Value = (Vec<f32>, Vec<f32>, Vec<bool>)> {
    (list(), any::<u64>()).prop_filter_map("two of each class", |((scores, labels), seed)| {
        let anomalous = labels.iter().filter(|l| **l).count();
        let other = scores.iter().enumerate().map(|(i, s)| {
            let turn = seed.rotate_left(i as u32) & 3;
            if turn == 0 { -s } else { (s * 4.0).round() / 4.0 }
        });
        let other: Vec<f32> = other.collect();
        (anomalous >= 2 && labels.len() - anomalous >= 2).then_some((scores, other, labels))
    })
}

proptest! {
    #[test]
    fn decisions_are_counted((scores, labels) in list(), extra in -2.0f32..2.0) {
        for t in distinct_descending(&scores).into_iter().chain([extra]) {
            let counts = confusion(&scores, &labels, t).unwrap();
            let (hits, false_alarms) = alarms(&scores, &labels, t);
            let (anomalous, normal) = alarms(&scores, &labels, f32::MIN);
            prop_assert_eq!(counts.recall().unwrap().value(), hits / anomalous);
            prop_assert_eq!(counts.escape_rate().unwrap().value(), (anomalous - hits) / anomalous);
            prop_assert_eq!(counts.false_alarm_rate().unwrap().value(), false_alarms / normal);
            prop_assert_eq!(counts.specificity().unwrap().value(), (normal - false_alarms) / normal);
            prop_assert_eq!(counts.f1().unwrap(), 2.0 * hits / (hits + false_alarms + anomalous));
            let balanced = f64::midpoint(hits / anomalous, 1.0 - false_alarms / normal);
            prop_assert!(close(counts.balanced_accuracy().unwrap(), balanced));
            match counts.precision() {
                Ok(precision) => prop_assert_eq!(precision.value(), hits / (hits + false_alarms)),
                Err(reason) => {
                    prop_assert_eq!(hits + false_alarms, 0.0);
                    prop_assert_eq!(reason, Undefined::NoAlarm);
                }
            }
        }
    }

    #[test]
    fn the_best_threshold_keeps_its_promise((scores, labels) in list()) {
        let best = f1_max(&scores, &labels).unwrap();
        let counts = confusion(&scores, &labels, best.threshold).unwrap();
        prop_assert_eq!(counts.f1(), Ok(best.f1));
        prop_assert_eq!(counts.precision().unwrap().value(), best.precision);
        let iou = iou_max(&scores, &labels).unwrap();
        prop_assert_eq!(iou.threshold, best.threshold);
        let of_union = |t| {
            let (hits, false_alarms) = alarms(&scores, &labels, t);
            hits / (false_alarms + alarms(&scores, &labels, f32::MIN).0)
        };
        let largest = scores.iter().map(|&t| of_union(t)).fold(0.0, f64::max);
        prop_assert_eq!(iou.iou, largest);
    }

    #[test]
    fn trapezoids_by_definition((scores, labels) in list()) {
        let anomalous = alarms(&scores, &labels, f32::MIN).0;
        let (mut area, mut last) = (0.0, (0.0, 1.0));
        for t in distinct_descending(&scores) {
            let (hits, false_alarms) = alarms(&scores, &labels, t);
            let point = (hits / anomalous, hits / (hits + false_alarms));
            area += (point.0 - last.0) * f64::midpoint(point.1, last.1);
            last = point;
        }
        let got = aupr_trapezoid(&scores, &labels).unwrap();
        prop_assert!(close(got, area), "{} {}", got, area);
        if distinct_descending(&scores).len() == 1 {
            prop_assert!(got > average_precision(&scores, &labels).unwrap());
        }
    }

    #[test]
    fn presorted_by_definition((scores, labels) in list(), rate in 0.0f64..=1.0) {
        let (good, bad) = (of_class(&scores, &labels, false), of_class(&scores, &labels, true));
        let found = presorted_good(&scores, &labels, rate).unwrap();
        prop_assert!(close(found.threshold, naive_quantile(&bad, rate)));
        let below = good.iter().filter(|&&s| s < found.threshold).count();
        prop_assert_eq!(found.share, Share::new(below as u64, good.len() as u64).unwrap());
        let found = presorted_bad(&scores, &labels, rate).unwrap();
        prop_assert!(close(found.threshold, naive_quantile(&good, 1.0 - rate)));
        let above = bad.iter().filter(|&&s| s > found.threshold).count();
        prop_assert_eq!(found.share, Share::new(above as u64, bad.len() as u64).unwrap());
    }

    #[test]
    fn delong_by_its_formula((a, b, labels) in two_models(), confidence in 0.1f64..0.999) {
        let test = delong(&a, &b, &labels, confidence).unwrap();
        let (difference, variance) = naive_delong([&a, &b], &labels);
        prop_assert_eq!(test.auroc, [auroc(&a, &labels).unwrap(), auroc(&b, &labels).unwrap()]);
        prop_assert!(close(test.difference.value, difference));
        prop_assert!(close(test.variance, variance), "{} {}", test.variance, variance);
        let bounds = test.difference.bounds;
        prop_assert!(close(f64::midpoint(bounds.lower, bounds.upper), test.difference.value));
        match (test.z, test.p_value) {
            (Ok(z), Ok(p)) => {
                prop_assert!(close(z * test.variance.sqrt(), difference));
                // The interval leaves zero out exactly where the p value is below what the confidence leaves.
                let outside = bounds.lower > 0.0 || bounds.upper < 0.0;
                prop_assert!(outside == (p < 1.0 - confidence) || (p - 1.0 + confidence).abs() < 1e-9);
            }
            (z, p) => {
                prop_assert!(variance.abs() < TOLERANCE);
                prop_assert_eq!((z, p), (Err(Undefined::NoVariance), Err(Undefined::NoVariance)));
            }
        }
        let turned = delong(&b, &a, &labels, confidence).unwrap();
        prop_assert_eq!(turned.difference.value, -test.difference.value);
        prop_assert_eq!(turned.variance, test.variance);
    }

    #[test]
    fn types_are_lists_of_their_own((scores, labels) in list(), t in -1.0f32..1.0) {
        let names = ["b", "a", "c"];
        let types: Vec<Option<&str>> =
            labels.iter().enumerate().map(|(i, &l)| l.then(|| names[(i * i) % 3])).collect();
        let found = per_defect_type(&scores, &types, t).unwrap();
        prop_assert!(found.windows(2).all(|pair| pair[0].name < pair[1].name));
        prop_assert_eq!(found.iter().map(|f| f.pictures).sum::<usize>(), types.iter().flatten().count());
        for one in found {
            let of_type = types.iter().map(|n| n.is_none_or(|n| n == one.name));
            let (own, own_labels): (Vec<f32>, Vec<bool>) =
                (scores.iter().zip(&labels).zip(of_type)).filter(|(_, own)| *own).map(|((s, l), _)| (*s, *l)).unzip();
            prop_assert_eq!(one.auroc, auroc(&own, &own_labels));
            prop_assert_eq!(one.recall, confusion(&own, &own_labels, t).unwrap().recall());
        }
    }
}

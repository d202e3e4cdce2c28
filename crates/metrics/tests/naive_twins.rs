//! Every metric against its definition, written out slowly, on small inputs full of ties.

mod cases;

use cases::{
    Owned, alarms, borrowed, close, distinct_descending, list, naive_area, naive_regions, owned_picture,
    picture_set,
};
use patchcore_metrics::{
    Connectivity, F1Max, aupr_trapezoid, aupro, aupro_at_limits, auroc, average_precision, components,
    confusion, f1_max, iou_max, pixel_auroc, pixel_auroc_anomalous_only, pixel_average_precision,
    pixel_confusion, pixel_f1_max, pixel_iou_max, pixel_metrics, precision_recall_curve, pro_curve,
    reference_f1_max, roc_curve,
};
use proptest::prelude::*;

fn naive_auroc(scores: &[f32], labels: &[bool]) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for (&a, _) in scores.iter().zip(labels).filter(|(_, l)| **l) {
        for (&n, _) in scores.iter().zip(labels).filter(|(_, l)| !**l) {
            pairs += 1.0;
            wins += if a > n { 1.0 } else { f64::from(u8::from(a == n)) / 2.0 };
        }
    }
    wins / pairs
}

fn naive_average_precision(scores: &[f32], labels: &[bool]) -> f64 {
    let n_anomalous = labels.iter().filter(|l| **l).count() as f64;
    let (mut sum, mut last_recall) = (0.0, 0.0);
    for t in distinct_descending(scores) {
        let (hits, false_alarms) = alarms(scores, labels, t);
        sum += (hits / n_anomalous - last_recall) * hits / (hits + false_alarms);
        last_recall = hits / n_anomalous;
    }
    sum
}

/// All F1 values, from the highest threshold down.
fn naive_f1(scores: &[f32], labels: &[bool]) -> Vec<(f64, f32)> {
    let n_anomalous = labels.iter().filter(|l| **l).count() as f64;
    let f1 = |t| {
        let (hits, false_alarms) = alarms(scores, labels, t);
        (2.0 * hits / (hits + false_alarms + n_anomalous), t)
    };
    distinct_descending(scores).into_iter().map(f1).collect()
}

fn naive_pro_curve(pictures: &[Owned], connectivity: Connectivity) -> (Vec<f64>, Vec<f64>) {
    let all: Vec<f32> = pictures.iter().flat_map(|p| p.scores.clone()).collect();
    let labels: Vec<bool> = pictures.iter().flat_map(|p| p.mask.clone()).collect();
    let n_normal = labels.iter().filter(|l| !**l).count() as f64;
    let (mut x, mut y) = (vec![0.0], vec![0.0]);
    for t in distinct_descending(&all) {
        let mut overlaps = Vec::new();
        for p in pictures {
            for region in naive_regions(&p.mask, p.height, p.width, connectivity) {
                let hit = region.iter().filter(|&&pixel| p.scores[pixel] >= t).count();
                overlaps.push(hit as f64 / region.len() as f64);
            }
        }
        x.push(alarms(&all, &labels, t).1 / n_normal);
        y.push(overlaps.iter().sum::<f64>() / overlaps.len() as f64);
    }
    x.push(1.0);
    y.push(1.0);
    (x, y)
}

fn stretched(s: f32) -> f32 {
    (2.0 * f64::from(s)).exp() as f32
}

proptest! {
    #[test]
    fn lists_follow_their_definitions((scores, labels) in list()) {
        prop_assert!(close(auroc(&scores, &labels).unwrap(), naive_auroc(&scores, &labels)));
        let ap = average_precision(&scores, &labels).unwrap();
        prop_assert!(close(ap, naive_average_precision(&scores, &labels)));

        let f1 = naive_f1(&scores, &labels);
        let best = f1.iter().map(|p| p.0).fold(0.0, f64::max);
        let F1Max { f1: got, threshold, precision, recall } = f1_max(&scores, &labels).unwrap();
        prop_assert_eq!(got, best);
        prop_assert_eq!(threshold, f1.iter().find(|p| p.0 == best).unwrap().1);
        prop_assert!(close(2.0 * precision * recall / (precision + recall), got));
        let reference = reference_f1_max(&scores, &labels).unwrap();
        prop_assert!(close(reference.f1, best));
        prop_assert!(reference.threshold <= threshold);
    }

    #[test]
    fn the_roc_curve_keeps_its_area((scores, labels) in list()) {
        let curve = roc_curve(&scores, &labels).unwrap();
        prop_assert!(close(naive_area(&curve.fpr, &curve.tpr, 1.0), auroc(&scores, &labels).unwrap()));
        for (i, &t) in curve.threshold.iter().enumerate().skip(1) {
            let (hits, false_alarms) = alarms(&scores, &labels, t as f32);
            prop_assert!(close(curve.tpr[i] * alarms(&scores, &labels, f32::MIN).0, hits));
            prop_assert!(close(curve.fpr[i] * alarms(&scores, &labels, f32::MIN).1, false_alarms));
        }
    }

    #[test]
    fn precision_and_recall_are_counted((scores, labels) in list()) {
        let curve = precision_recall_curve(&scores, &labels).unwrap();
        let thresholds = distinct_descending(&scores);
        let defects = labels.iter().filter(|&&l| l).count() as f64;
        prop_assert_eq!((curve.recall[0], curve.precision[0], curve.threshold[0]), (0.0, 1.0, f64::INFINITY));
        prop_assert_eq!(curve.threshold.len(), thresholds.len() + 1);
        for (i, &t) in thresholds.iter().enumerate() {
            let (hits, false_alarms) = alarms(&scores, &labels, t);
            prop_assert_eq!(curve.recall[i + 1], hits / defects);
            prop_assert_eq!(curve.precision[i + 1], hits / (hits + false_alarms));
        }
    }

    #[test]
    fn the_drawn_pro_curve_has_points_of_the_whole_one(set in picture_set()) {
        let pictures = borrowed(&set);
        let (whole, drawn) =
            (pro_curve(&pictures, Connectivity::Eight).unwrap(), pixel_metrics(&pictures, &[]).pro_curve.unwrap());
        let points: Vec<(f64, f64)> = whole.fpr.iter().copied().zip(whole.pro.iter().copied()).collect();
        let kept: Vec<(f64, f64)> = drawn.fpr.iter().copied().zip(drawn.pro.iter().copied()).collect();
        prop_assert!(kept.iter().all(|point| points.contains(point)));
        prop_assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[points.len() - 1]));
        prop_assert!(kept.len() <= 200);
    }

    #[test]
    fn a_strictly_increasing_map_changes_nothing((scores, labels) in list()) {
        let mapped: Vec<f32> = scores.iter().map(|&s| stretched(s)).collect();
        // Rounding may join scores that lay very close: then the map was not strictly increasing.
        prop_assume!(distinct_descending(&mapped).len() == distinct_descending(&scores).len());
        prop_assert_eq!(auroc(&mapped, &labels), auroc(&scores, &labels));
        prop_assert_eq!(average_precision(&mapped, &labels), average_precision(&scores, &labels));
        prop_assert_eq!(f1_max(&mapped, &labels).unwrap().f1, f1_max(&scores, &labels).unwrap().f1);
    }

    #[test]
    fn turned_scores_turn_the_auroc((scores, labels) in list()) {
        let turned: Vec<f32> = scores.iter().map(|s| -s).collect();
        prop_assert!(close(auroc(&turned, &labels).unwrap(), 1.0 - auroc(&scores, &labels).unwrap()));
    }

    #[test]
    fn regions_follow_their_definition(p in owned_picture(), four in any::<bool>()) {
        let connectivity = if four { Connectivity::Four } else { Connectivity::Eight };
        let found = components(&p.mask, p.height, p.width, connectivity);
        let expected = naive_regions(&p.mask, p.height, p.width, connectivity);
        prop_assert_eq!(found.count(), expected.len());
        for (k, region) in expected.iter().enumerate() {
            prop_assert_eq!(found.areas[k] as usize, region.len());
            prop_assert!(region.iter().all(|&pixel| found.labels[pixel] as usize == k + 1));
        }
        prop_assert!(found.labels.iter().zip(&p.mask).all(|(&label, &m)| (label != 0) == m));
    }

    #[test]
    fn pro_follows_its_definition(set in picture_set(), limit in 0.01f64..=1.0, four in any::<bool>()) {
        let connectivity = if four { Connectivity::Four } else { Connectivity::Eight };
        let (x, y) = naive_pro_curve(&set, connectivity);
        let curve = pro_curve(&borrowed(&set), connectivity).unwrap();
        prop_assert_eq!(curve.fpr.len(), x.len());
        for i in 0..x.len() {
            prop_assert!(close(curve.fpr[i], x[i]) && close(curve.pro[i], y[i]), "point {}", i);
        }
        let area = aupro(&borrowed(&set), limit, connectivity).unwrap();
        prop_assert!(close(area, naive_area(&x, &y, limit)), "{} {}", area, naive_area(&x, &y, limit));
    }

    #[test]
    fn pixels_are_one_long_list(set in picture_set()) {
        let pictures = borrowed(&set);
        let scores: Vec<f32> = set.iter().flat_map(|p| p.scores.clone()).collect();
        let labels: Vec<bool> = set.iter().flat_map(|p| p.mask.clone()).collect();
        prop_assert_eq!(pixel_auroc(&pictures), auroc(&scores, &labels));
        prop_assert_eq!(pixel_average_precision(&pictures), average_precision(&scores, &labels));
        prop_assert_eq!(pixel_metrics(&pictures, &[]).aupr_trapezoid, aupr_trapezoid(&scores, &labels));
        prop_assert_eq!(pixel_f1_max(&pictures), f1_max(&scores, &labels));
        prop_assert_eq!(pixel_iou_max(&pictures), iou_max(&scores, &labels));
        for &t in &scores {
            prop_assert_eq!(pixel_confusion(&pictures, t), confusion(&scores, &labels, t));
        }
        let defective: Vec<_> = pictures.iter().copied().filter(|p| p.mask.contains(&true)).collect();
        prop_assert_eq!(pixel_auroc_anomalous_only(&pictures), pixel_auroc(&defective));
    }

    #[test]
    fn together_is_as_one_by_one(set in picture_set()) {
        let pictures = borrowed(&set);
        let all = pixel_metrics(&pictures, &[0.05, 0.3, 1.0]);
        prop_assert_eq!(all.auroc, pixel_auroc(&pictures));
        prop_assert_eq!(all.auroc_anomalous_only, pixel_auroc_anomalous_only(&pictures));
        prop_assert_eq!(all.average_precision, pixel_average_precision(&pictures));
        prop_assert_eq!(all.f1_max, pixel_f1_max(&pictures));
        prop_assert_eq!(all.iou_max, pixel_iou_max(&pictures));
        for at in &all.aupro {
            prop_assert_eq!(&at.value, &aupro(&pictures, at.limit, Connectivity::Eight));
        }
        let values: Result<Vec<f64>, _> = all.aupro.into_iter().map(|at| at.value).collect();
        prop_assert_eq!(values, aupro_at_limits(&pictures, &[0.05, 0.3, 1.0], Connectivity::Eight));
        let mut reversed = pictures;
        reversed.reverse();
        prop_assert_eq!(pixel_metrics(&reversed, &[0.3]), pixel_metrics(&borrowed(&set), &[0.3]));
    }
}

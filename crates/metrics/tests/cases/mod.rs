//! Small random input full of ties, and the slow counts that several tests share.
#![allow(dead_code, reason = "each test takes what it needs")]

use patchcore_metrics::{Connectivity, PixelPicture};
use proptest::prelude::*;

pub(crate) const TOLERANCE: f64 = 1e-12;

/// At threshold `t`: alarms that are right, alarms that are false.
pub(crate) fn alarms(scores: &[f32], labels: &[bool], t: f32) -> (f64, f64) {
    let count = |wanted| scores.iter().zip(labels).filter(|&(&s, &l)| s >= t && l == wanted).count() as f64;
    (count(true), count(false))
}

pub(crate) fn distinct_descending(scores: &[f32]) -> Vec<f32> {
    let mut thresholds = scores.to_vec();
    thresholds.sort_by(|a, b| b.partial_cmp(a).expect("finite"));
    thresholds.dedup();
    thresholds
}

/// The area under straight lines through the points, over `[0, limit]`, divided by `limit`.
pub(crate) fn naive_area(x: &[f64], y: &[f64], limit: f64) -> f64 {
    let mut area = 0.0;
    for i in 1..x.len() {
        let (x0, y0, y1) = (x[i - 1], y[i - 1], y[i]);
        if x0 >= limit || x[i] == x0 {
            continue;
        }
        let x1 = x[i].min(limit);
        let cut = y0 + (y1 - y0) * (x1 - x0) / (x[i] - x0);
        area += (x1 - x0) * f64::midpoint(y0, cut);
    }
    area / limit
}

/// Regions by spreading the smallest number until nothing changes; one list of pixels per region.
pub(crate) fn naive_regions(
    mask: &[bool],
    h: usize,
    w: usize,
    connectivity: Connectivity,
) -> Vec<Vec<usize>> {
    let touch = |a: usize, b: usize| {
        let (dy, dx) = ((a / w).abs_diff(b / w), (a % w).abs_diff(b % w));
        if connectivity == Connectivity::Eight { dy.max(dx) == 1 } else { dy + dx == 1 }
    };
    let mut number: Vec<usize> = (0..h * w).collect();
    let mut changed = true;
    while changed {
        changed = false;
        for a in (0..h * w).filter(|&a| mask[a]) {
            for b in (0..h * w).filter(|&b| mask[b] && touch(a, b)) {
                changed |= number[b] < number[a];
                number[a] = number[a].min(number[b]);
            }
        }
    }
    (0..h * w)
        .map(|first| (0..h * w).filter(|&p| mask[p] && number[p] == first).collect::<Vec<_>>())
        .filter(|region| !region.is_empty())
        .collect()
}

#[derive(Debug, Clone)]
pub(crate) struct Owned {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) scores: Vec<f32>,
    pub(crate) mask: Vec<bool>,
}

pub(crate) fn borrowed(pictures: &[Owned]) -> Vec<PixelPicture<'_>> {
    pictures
        .iter()
        .map(|p| PixelPicture { height: p.height, width: p.width, scores: &p.scores, mask: &p.mask })
        .collect()
}

/// Few distinct scores, negative ones and both zeros among them.
pub(crate) fn score() -> impl Strategy<Value = f32> {
    prop_oneof![Just(-0.0f32), (-4i8..5).prop_map(|s| f32::from(s) / 4.0), -1.0f32..1.0]
}

pub(crate) fn list() -> impl Strategy<Value = (Vec<f32>, Vec<bool>)> {
    prop::collection::vec((score(), any::<bool>()), 2..60)
        .prop_map(|pairs| pairs.into_iter().unzip())
        .prop_filter("both classes", |(_, l): &(_, Vec<bool>)| l.contains(&true) && l.contains(&false))
}

pub(crate) fn owned_picture() -> impl Strategy<Value = Owned> {
    (1usize..7, 1usize..7, 0.0f64..0.8).prop_flat_map(|(height, width, share)| {
        let n = height * width;
        (prop::collection::vec(score(), n), prop::collection::vec(prop::bool::weighted(share), n))
            .prop_map(move |(scores, mask)| Owned { height, width, scores, mask })
    })
}

pub(crate) fn picture_set() -> impl Strategy<Value = Vec<Owned>> {
    prop::collection::vec(owned_picture(), 1..5).prop_filter("both classes", |set| {
        [true, false].iter().all(|class| set.iter().any(|p| p.mask.contains(class)))
    })
}

pub(crate) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE
}

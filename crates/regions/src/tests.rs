use super::*;
use patchcore_testkit::weights::uniform;
use proptest::prelude::*;

fn map(h: usize, w: usize, values: &[f32]) -> AnomalyMap {
    AnomalyMap::from_vec(h, w, values.to_vec()).unwrap()
}

/// Whether the centre of a pixel lies within an outline: an odd number of its upright edges lie to the left.
fn encloses(outline: &[[usize; 2]], x: usize, y: usize) -> bool {
    let edges = outline.iter().zip(outline.iter().cycle().skip(1));
    let left =
        edges.filter(|(a, b)| a[0] == b[0] && a[0] <= x && (a[1].min(b[1])..a[1].max(b[1])).contains(&y));
    left.count() % 2 == 1
}

#[test]
fn corners_touch_and_peaks_come_in_order() {
    let values = [9.0, 0.0, 0.0, 3.0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0];
    let found = regions(&map(3, 4, &values), 3.0, 1);
    let areas: Vec<(usize, f32, [usize; 4])> = found.iter().map(|r| (r.area, r.peak, r.bounds)).collect();
    assert_eq!(areas, [(2, 9.0, [0, 0, 2, 2]), (1, 3.0, [3, 0, 1, 1]), (1, 3.0, [3, 2, 1, 1])]);
    assert_eq!(found[0].outline, [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [1, 2], [1, 1], [0, 1]]);
    assert_eq!((found[0].centroid, found[0].mean, found[0].peak_at), ([1.0, 1.0], 8.5, [0, 0]));
    assert_eq!(regions(&map(3, 4, &values), 3.0, 2).len(), 1);
    assert!(regions(&map(3, 4, &values), 10.0, 1).is_empty());
    assert!(regions(&map(0, 0, &[]), 0.0, 1).is_empty());
}

/// A comparison with NaN is never "calm".
#[test]
fn what_could_not_be_measured_is_a_region() {
    let found = regions(&map(1, 3, &[0.0, f32::NAN, 0.0]), 1.0, 1);
    assert_eq!((found.len(), found[0].bounds), (1, [1, 0, 1, 1]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Every pixel at or above the threshold lies in one region; an outline encloses its region's pixels and, of the others,
    /// only those that cannot reach the border of the map without crossing them.
    #[test]
    fn outlines_enclose_their_pixels(h in 1usize..=9, w in 1usize..=9, share in 0.2f64..0.8, seed: u64) {
        let values: Vec<f32> = uniform("map", seed, h * w).into_iter().map(|u| u as f32).collect();
        let threshold = 1.0 - share as f32;
        let map = map(h, w, &values);
        let found = regions(&map, threshold, 1);
        let above = values.iter().filter(|&&v| v >= threshold).count();
        prop_assert_eq!(found.iter().map(|r| r.area).sum::<usize>(), above);
        for region in &found {
            // The region's own pixels: connected with its peak.
            let above: Vec<bool> = values.iter().map(|&v| v >= threshold).collect();
            let labels = components(&above, h, w, Connectivity::Eight).labels;
            let label = labels[region.peak_at[1] * w + region.peak_at[0]];
            let own: Vec<usize> = (0..h * w).filter(|&pixel| labels[pixel] == label).collect();
            prop_assert_eq!(own.len(), region.area);
            // What the outside reaches from beyond the border, by edges only.
            let mut outside = vec![false; (h + 2) * (w + 2)];
            let mut waiting = vec![(0, 0)];
            while let Some((y, x)) = waiting.pop() {
                let inner = (1..=h).contains(&y) && (1..=w).contains(&x);
                let wall = inner && own.binary_search(&((y - 1) * w + x - 1)).is_ok();
                if wall || std::mem::replace(&mut outside[y * (w + 2) + x], true) {
                    continue;
                }
                if y > 0 { waiting.push((y - 1, x)); }
                if x > 0 { waiting.push((y, x - 1)); }
                if y < h + 1 { waiting.push((y + 1, x)); }
                if x < w + 1 { waiting.push((y, x + 1)); }
            }
            for y in 0..h {
                for x in 0..w {
                    let expected = !outside[(y + 1) * (w + 2) + x + 1];
                    prop_assert_eq!(encloses(&region.outline, x, y), expected, "{} {}", x, y);
                }
            }
        }
    }
}

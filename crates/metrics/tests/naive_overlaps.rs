//! sPRO and AUPIMO against their definitions, written out slowly, on small pictures full of ties.

mod cases;

use cases::{Owned, borrowed, close, distinct_descending, naive_area, naive_regions, picture_set};
use patchcore_metrics::{
    Connectivity, PixelPicture, RegionPicture, SaturatedRegion, Saturation, Undefined, au_spro, aupimo, aupro,
};
use proptest::prelude::*;

/// Per picture its regions: connected ones, and, if asked for, one that overlaps all of them.
fn region_masks(set: &[Owned], overlap: bool) -> Vec<Vec<Vec<bool>>> {
    let marked = |p: &Owned, region: &[usize]| (0..p.mask.len()).map(|i| region.contains(&i)).collect();
    let of = |p: &Owned| {
        let regions = naive_regions(&p.mask, p.height, p.width, Connectivity::Eight);
        let mut masks: Vec<Vec<bool>> = regions.iter().map(|r| marked(p, r)).collect();
        if overlap && !masks.is_empty() {
            masks.push(p.mask.clone());
        }
        masks
    };
    set.iter().map(of).collect()
}

/// The curve of sPRO, counted anew at every threshold; `saturation(area)` is in pixels.
fn naive_spro(
    set: &[Owned],
    masks: &[Vec<Vec<bool>>],
    saturation: impl Fn(f64) -> f64,
) -> (Vec<f64>, Vec<f64>) {
    let all: Vec<f32> = set.iter().flat_map(|p| p.scores.clone()).collect();
    let (mut x, mut y) = (vec![0.0], vec![0.0]);
    for t in distinct_descending(&all) {
        let (mut false_alarms, mut normal, mut overlaps) = (0.0, 0.0, Vec::new());
        for (p, regions) in set.iter().zip(masks) {
            for (i, &score) in p.scores.iter().enumerate().filter(|&(i, _)| !p.mask[i]) {
                assert!(regions.iter().all(|mask| !mask[i]));
                normal += 1.0;
                false_alarms += f64::from(u8::from(score >= t));
            }
            for mask in regions {
                let area = mask.iter().filter(|&&m| m).count() as f64;
                let found = p.scores.iter().zip(mask).filter(|&(&s, &m)| m && s >= t).count() as f64;
                overlaps.push((found / saturation(area)).min(1.0));
            }
        }
        x.push(false_alarms / normal);
        y.push(overlaps.iter().sum::<f64>() / overlaps.len() as f64);
    }
    (x, y)
}

/// How finely AUPIMO is added up below.
const STEPS: usize = 20_000;

/// AUPIMO of one picture by fine steps over the logarithm, the middle of each taken from the line between two thresholds.
fn naive_aupimo(set: &[Owned], picture: &Owned, (lower, upper): (f64, f64)) -> f64 {
    let normal: Vec<&Owned> = set.iter().filter(|p| !p.mask.contains(&true)).collect();
    let share =
        |scores: &[f32], t: f32| scores.iter().filter(|&&s| s >= t).count() as f64 / scores.len() as f64;
    let defect: Vec<f32> =
        picture.scores.iter().zip(&picture.mask).filter(|(_, m)| **m).map(|(&s, _)| s).collect();
    let all: Vec<f32> = set.iter().flat_map(|p| p.scores.clone()).collect();
    let mut curve = vec![(0.0, 0.0)];
    for t in distinct_descending(&all) {
        let x = normal.iter().map(|p| share(&p.scores, t)).sum::<f64>() / normal.len() as f64;
        curve.push((x, share(&defect, t)));
    }
    let at = |x: f64| {
        let i = curve.iter().position(|p| p.0 >= x - 1e-12).expect("the curve ends at 1").max(1);
        let ((x0, y0), (x1, y1)) = (curve[i - 1], curve[i]);
        if x1 > x0 { y0 + (y1 - y0) * (x - x0) / (x1 - x0) } else { y1 }
    };
    let middle = |i: usize| lower * (upper / lower).powf((i as f64 + 0.5) / STEPS as f64);
    (0..STEPS).map(|i| at(middle(i))).sum::<f64>() / STEPS as f64
}

/// The set, and a picture without defects.
fn with_normal() -> impl Strategy<Value = Vec<Owned>> {
    (picture_set(), prop::collection::vec(cases::score(), 12)).prop_map(|(mut set, scores)| {
        set.insert(set.len() / 2, Owned { height: 3, width: 4, scores, mask: vec![false; 12] });
        set
    })
}

proptest! {
    #[test]
    fn spro_follows_its_definition(
        set in with_normal(), pixels in 1u32..6, share in 0.01f64..=1.0, overlap in any::<bool>(), limit in 0.01f64..=1.0,
    ) {
        let masks = region_masks(&set, overlap);
        let ours = |saturation| {
            let regions: Vec<Vec<SaturatedRegion<'_>>> = masks
                .iter()
                .map(|masks| masks.iter().map(|mask| SaturatedRegion { mask, saturation }).collect())
                .collect();
            let pictures: Vec<RegionPicture<'_>> = set
                .iter()
                .zip(&regions)
                .map(|(p, regions)| RegionPicture { scores: &p.scores, regions })
                .collect();
            let values = au_spro(&pictures, &[limit, 1.0]).unwrap();
            assert_eq!(values[..1], au_spro(&pictures, &[limit]).unwrap());
            values
        };
        let check = |got: Vec<f64>, (x, y): (Vec<f64>, Vec<f64>)| {
            close(got[0], naive_area(&x, &y, limit)) && close(got[1], naive_area(&x, &y, 1.0))
        };
        let by_pixels = naive_spro(&set, &masks, |area| area.min(f64::from(pixels)));
        prop_assert!(check(ours(Saturation::Pixels(pixels)), by_pixels));
        let by_share = naive_spro(&set, &masks, |area| (area * share).max(1.0));
        prop_assert!(check(ours(Saturation::Share(share)), by_share));
        if !overlap {
            let pro = aupro(&borrowed(&set), limit, Connectivity::Eight).unwrap();
            prop_assert!(close(ours(Saturation::Share(1.0))[0], pro));
        }
    }

    #[test]
    fn aupimo_follows_its_definition(set in with_normal(), lower in 0.1f64..0.6, width in 0.05f64..0.4) {
        let range = (lower, lower + width);
        let found = match aupimo(&borrowed(&set), range) {
            Err(Undefined::UnresolvedRange { picture, pixels, .. }) => {
                prop_assert_eq!(set[picture].mask.len(), pixels);
                prop_assert!((pixels as f64) < 1.0 / lower && !set[picture].mask.contains(&true));
                return Ok(());
            }
            found => found.unwrap(),
        };
        let mut sum = Vec::new();
        for (p, value) in set.iter().zip(&found.per_picture) {
            if !p.mask.contains(&true) {
                prop_assert_eq!(value, &Err(Undefined::NoAnomalous));
                continue;
            }
            let (got, expected) = (value.clone().unwrap(), naive_aupimo(&set, p, range));
            // A jump may fall anywhere in one of the twin's steps.
            prop_assert!((got - expected).abs() < 1e-3, "{} {}", got, expected);
            sum.push(got);
        }
        prop_assert!(close(found.mean, sum.iter().sum::<f64>() / sum.len() as f64));
    }

    #[test]
    fn the_order_of_pictures_and_threads_change_nothing(set in with_normal()) {
        let found = aupimo(&borrowed(&set), (0.1, 0.9));
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        prop_assert_eq!(&one.install(|| aupimo(&borrowed(&set), (0.1, 0.9))), &found);
        let mut turned: Vec<PixelPicture<'_>> = borrowed(&set);
        turned.reverse();
        if let (Ok(there), Ok(mut back)) = (found, aupimo(&turned, (0.1, 0.9))) {
            back.per_picture.reverse();
            prop_assert_eq!(there.per_picture, back.per_picture);
        }
    }
}

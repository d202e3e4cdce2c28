//! Several members' scores made one, on a scale that good pictures gave.
//!
//! Members measure in units of their own embeddings. Each one's scores are divided by its mean patch score of good
//! pictures that it has not seen, then the mean over the members is taken: 1 is what a good patch usually scores. That
//! needs no test set and works on a single picture; the original's way, extremes over a whole test set, is
//! `patchcore_metrics::min_max_fuse_scores`.

use crate::anomaly_map::anomaly_map_between;
use crate::resample::resample_plane;
use crate::steps::MemberPrediction;
use crate::{Error, Params, PatchScores};
use patchcore_tensor::AnomalyMap;

/// What a member says about a good picture that it has not seen.
pub(crate) struct HeldOut {
    pub(crate) image_score: f32,
    pub(crate) patch_scores: AnomalyMap,
    /// Size `[h, w]` of the network's input, and of its map.
    pub(crate) input: [usize; 2],
}

/// What each member's scores are divided by; 1 for a single one. `None` if a member finds no difference between good
/// pictures.
pub(crate) fn scales(members: &[Vec<HeldOut>]) -> Option<Vec<f32>> {
    if members.len() == 1 {
        return Some(vec![1.0]);
    }
    let scale = |held_out: &Vec<HeldOut>| {
        let scores = held_out.iter().flat_map(|picture| picture.patch_scores.data());
        let (sum, count) = scores.fold((0.0, 0usize), |(sum, n), &s| (sum + f64::from(s), n + 1));
        let mean = (sum / count as f64) as f32;
        (mean.is_finite() && mean > 0.0).then_some(mean)
    };
    members.iter().map(scale).collect()
}

/// The members' scores divided by their scales, and the mean of that.
pub(crate) fn fuse_scores(scores: impl Iterator<Item = f32>, scales: &[f32]) -> f32 {
    let sum: f32 = scores.zip(scales).map(|(score, scale)| score / scale).sum();
    sum / scales.len() as f32
}

/// As [`fuse_scores`], pixel by pixel, in the pixels of the first map; the others are brought there bilinearly.
pub(crate) fn fuse_maps(maps: Vec<AnomalyMap>, scales: &[f32]) -> AnomalyMap {
    let mut maps = maps.into_iter();
    let first = maps.next().unwrap_or_default();
    if scales.len() == 1 {
        return first;
    }
    let size @ [h, w] = [first.height(), first.width()];
    let mut sum = first.into_vec();
    for value in &mut sum {
        *value /= scales[0];
    }
    let mut plane = vec![0.0; h * w];
    for (map, scale) in maps.zip(&scales[1..]) {
        resample_plane(map.data(), [map.height(), map.width()], size, &mut plane);
        sum.iter_mut().zip(&plane).for_each(|(sum, value)| *sum += value / scale);
    }
    for value in &mut sum {
        *value /= scales.len() as f32;
    }
    AnomalyMap::from_vec(h, w, sum).unwrap_or_default()
}

/// Held-out pictures as all members together see them.
pub(crate) struct FusedHeldOut<'a> {
    pub(crate) params: &'a [&'a Params],
    pub(crate) members: &'a [Vec<HeldOut>],
    pub(crate) scales: &'a [f32],
}

impl FusedHeldOut<'_> {
    pub(crate) fn pictures(&self) -> usize {
        self.members.first().map_or(0, Vec::len)
    }

    pub(crate) fn image_score(&self, i: usize) -> f32 {
        fuse_scores(self.members.iter().map(|held_out| held_out[i].image_score), self.scales)
    }

    /// The map, made when it is asked for: the maps of a large set would not fit into memory.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a value of it is NaN or infinite.
    pub(crate) fn map(&self, i: usize) -> Result<AnomalyMap, Error> {
        let mut between = Vec::new();
        let maps = self.members.iter().zip(self.params).map(|(held_out, params)| {
            let HeldOut { patch_scores, input, .. } = &held_out[i];
            anomaly_map_between(patch_scores, *input, params.map_sigma, params.map_style, &mut between)
        });
        let fused = fuse_maps(maps.collect(), self.scales);
        if fused.is_finite() { Ok(fused) } else { Err(Error::NotFinite) }
    }
}

/// The members' words on one picture as one; `None` if a number among them is not finite.
pub(crate) fn fuse(members: Vec<MemberPrediction>, scales: &[f32]) -> Option<crate::Prediction> {
    let image_score = fuse_scores(members.iter().map(|member| member.image_score), scales);
    let (maps, patches): (Vec<AnomalyMap>, Vec<PatchScores>) =
        members.into_iter().map(|member| (member.anomaly_map, member.patches)).unzip();
    let anomaly_map = fuse_maps(maps, scales);
    let finite = image_score.is_finite() && anomaly_map.is_finite();
    finite.then_some(crate::Prediction { image_score, anomaly_map, patches })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(h: usize, w: usize, values: &[f32]) -> AnomalyMap {
        AnomalyMap::from_vec(h, w, values.to_vec()).unwrap()
    }

    #[test]
    fn a_member_counts_by_what_its_good_patches_score() {
        let held = |values: &[f32]| {
            vec![HeldOut { image_score: 9.0, patch_scores: map(1, 2, values), input: [1, 2] }]
        };
        assert_eq!(scales(&[held(&[1.0, 3.0]), held(&[100.0, 300.0])]), Some(vec![2.0, 200.0]));
        assert_eq!(scales(&[held(&[1.0, 3.0])]), Some(vec![1.0]));
        assert_eq!(scales(&[held(&[1.0, 3.0]), held(&[0.0, 0.0])]), None);
        assert_eq!(fuse_scores([4.0, 200.0].into_iter(), &[2.0, 200.0]), 1.5);
    }

    #[test]
    fn maps_are_fused_in_the_pixels_of_the_first() {
        let fused =
            fuse_maps(vec![map(1, 2, &[2.0, 4.0]), map(1, 4, &[10.0, 10.0, 30.0, 30.0])], &[2.0, 10.0]);
        assert_eq!(fused, map(1, 2, &[1.0, 2.5]));
        assert_eq!(fuse_maps(vec![map(1, 1, &[5.0])], &[1.0]), map(1, 1, &[5.0]));
    }
}

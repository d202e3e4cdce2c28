//! How the members of an ensemble become one in an evaluation.

use patchcore::{MapStyle, MemberPrediction, Prediction, anomaly_map};
use patchcore_metrics::{Undefined, min_max_fuse_maps, min_max_fuse_scores};
use patchcore_tensor::AnomalyMap;

/// Where the scale of a member's scores comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fusion {
    /// From the good pictures, as in every prediction; the scores of a single member stay as they are.
    Calibrated,
    /// From the test set itself, as the original's scripts do: per member the smallest score of all test pictures becomes 0
    /// and the largest 1, of maps those of all pixels. It gives the original's numbers, for single members too, and no
    /// score that another set of pictures would share.
    Reference,
}

/// Brings the maps of all members to the first one's size; the original's members have one size.
fn bring_to_first(members: &mut [MemberPrediction]) {
    let size = |member: &MemberPrediction| [member.anomaly_map.height(), member.anomaly_map.width()];
    let Some(first) = members.first().map(size) else { return };
    for member in members.iter_mut().filter(|member| size(member) != first) {
        // Without a blur this resamples, and nothing else.
        member.anomaly_map = anomaly_map(&member.anomaly_map, first, 0.0, MapStyle::Bilinear);
    }
}

/// What the members say about all pictures, as one prediction for each.
pub(crate) fn fuse_over_set(mut pictures: Vec<Vec<MemberPrediction>>) -> Result<Vec<Prediction>, Undefined> {
    for members in &mut pictures {
        bring_to_first(members);
    }
    let members = 0..pictures.first().map_or(0, Vec::len);
    let scores: Vec<Vec<f32>> =
        members.clone().map(|m| pictures.iter().map(|picture| picture[m].image_score).collect()).collect();
    let scores: Vec<&[f32]> = scores.iter().map(Vec::as_slice).collect();
    let maps: Vec<Vec<&[f32]>> =
        members.map(|m| pictures.iter().map(|picture| picture[m].anomaly_map.data()).collect()).collect();
    let scores = min_max_fuse_scores(&scores)?;
    let maps = min_max_fuse_maps(&maps)?;
    let fused = pictures.into_iter().zip(scores).zip(maps);
    let fused = fused.map(|((members, image_score), map)| {
        let [h, w] = members.first().map_or([0, 0], |m| [m.anomaly_map.height(), m.anomaly_map.width()]);
        let anomaly_map = AnomalyMap::from_vec(h, w, map).unwrap_or_default();
        let patches = members.into_iter().map(|member| member.patches).collect();
        Prediction { image_score, anomaly_map, patches }
    });
    Ok(fused.collect())
}

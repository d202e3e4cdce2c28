//! Thresholds from good pictures alone.
//!
//! Every training picture is scored against the bank without its own patches, so its score is that of a picture the
//! model has not seen. The threshold is an order statistic of these scores: with `n` good pictures and the `j`-th
//! smallest score as threshold, a new good picture from the same line reaches it with probability at most
//! `(n + 1 - j) / (n + 1)`. `j` is chosen for the false-alarm rate asked for; where `n` is too small for it, the largest
//! score is taken and the rate that it stands for is said. No test picture and no label takes part.

use crate::bank::MemoryBank;
use crate::fusion::{HeldOut, fuse_held_out, scales};
use crate::search::{Neighbours, Search};
use crate::steps::{Searched, score};
use crate::training_patches::TrainingPatches;
use crate::{Error, Params, Progress};
use serde::{Deserialize, Serialize};

/// The false-alarm rate asked for when nothing is said.
pub const FALSE_ALARM_RATE: f64 = 0.05;

/// What the good pictures score when each is judged by the others, and the thresholds that follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Image scores at or above this are a defect.
    pub image_threshold: f32,
    /// The share of good pictures that are expected to reach the image threshold, at most.
    pub false_alarm_rate: f64,
    /// Map values at or above this are a defect: the same share of good pictures has such a pixel anywhere.
    pub pixel_threshold: f32,
    /// The largest map value of the middle good picture: the calm end of the colour scale.
    pub pixel_typical: f32,
    /// Image scores of the good pictures, in their order.
    pub image_scores: Vec<f32>,
    /// What each member's scores are divided by before their mean is taken: its mean patch score of good pictures that it
    /// has not seen. 1 for a single member.
    pub scales: Vec<f32>,
}

/// What a score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Below the threshold.
    Ok,
    /// At or above the threshold, or not a number.
    Defect,
}

impl Verdict {
    /// `score >= threshold` is a defect; so is a score that cannot be compared.
    ///
    /// ```
    /// use patchcore::Verdict;
    /// assert_eq!(Verdict::of(1.0, 1.0), Verdict::Defect);
    /// assert_eq!(Verdict::of(0.9, 1.0), Verdict::Ok);
    /// assert_eq!(Verdict::of(f32::NAN, 1.0), Verdict::Defect);
    /// ```
    pub fn of(score: f32, threshold: f32) -> Self {
        if score < threshold { Self::Ok } else { Self::Defect }
    }
}

/// Fails unless this can be a rate of false alarms.
pub(crate) fn check_rate(rate: f64) -> Result<(), Error> {
    if rate > 0.0 && rate < 1.0 {
        return Ok(());
    }
    let (name, must) = ("false_alarm_rate", "above 0 and below 1".to_string());
    Err(Error::Parameter { name, got: rate.to_string(), must })
}

impl Calibration {
    /// Thresholds and scales from what the members say about held-out good pictures, with each member's parameters;
    /// `None` if a member of several finds no difference between them.
    pub(crate) fn from_held_out(
        params: &[&Params],
        members: &[Vec<HeldOut>],
        false_alarm_rate: f64,
    ) -> Option<Self> {
        let scales = scales(members)?;
        let (image_scores, peaks) = fuse_held_out(params, members, &scales);
        Some(Self::from_scores(image_scores, peaks, scales, false_alarm_rate))
    }

    /// Thresholds from the out-of-sample image scores and map peaks of good pictures.
    fn from_scores(
        image_scores: Vec<f32>,
        mut peaks: Vec<f32>,
        scales: Vec<f32>,
        false_alarm_rate: f64,
    ) -> Self {
        let n = image_scores.len();
        let wanted = ((n as f64 + 1.0) * (1.0 - false_alarm_rate)).ceil() as usize;
        let rank = wanted.clamp(1, n);
        let mut sorted = image_scores.clone();
        sorted.sort_by(f32::total_cmp);
        peaks.sort_by(f32::total_cmp);
        Self {
            image_threshold: sorted[rank - 1],
            false_alarm_rate: (n + 1 - rank) as f64 / (n as f64 + 1.0),
            pixel_threshold: peaks[rank - 1],
            pixel_typical: peaks[(n - 1) / 2],
            image_scores,
            scales,
        }
    }
}

/// Scores every training picture without its own patches; `None` if for some picture the others' rows are fewer than the
/// neighbours of a score.
pub(crate) fn leave_one_out(
    params: &Params,
    bank: &MemoryBank,
    search: &Search,
    all: &TrainingPatches,
    progress: &dyn Progress,
) -> Result<Option<Vec<HeldOut>>, Error> {
    let mut own_rows = vec![0; all.pictures.len()];
    bank.origins.iter().for_each(|origin| own_rows[origin.picture as usize] += 1);
    let fewest_others = bank.len() - own_rows.into_iter().max().unwrap_or(0);
    // With fewer neighbours than a verdict will use, the scores would not be comparable.
    if fewest_others < params.num_nn.max(params.image_score.support()).min(bank.len()) {
        return Ok(None);
    }
    let mut held_out = Vec::with_capacity(all.pictures.len());
    let (mut neighbours, mut space) = (Neighbours::default(), Vec::new());
    for (i, &(_, grid)) in all.pictures.iter().enumerate() {
        let searched = Searched { bank, search, without: Some(i as u32) };
        let rows = all.picture(i, &mut space);
        searched.nearest_into(rows, params.num_nn, &mut neighbours);
        let (image_score, patches) = score(params, searched, rows, &neighbours, grid)?;
        held_out.push(HeldOut { image_score, patch_scores: patches.scores });
        progress.advance(1);
    }
    Ok(Some(held_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(n: usize, rate: f64) -> Calibration {
        let scores: Vec<f32> = (1..=n).map(|s| s as f32).collect();
        Calibration::from_scores(scores.clone(), scores, vec![1.0], rate)
    }

    #[test]
    fn the_rank_follows_the_rate() {
        assert_eq!(calibration(99, 0.05).image_threshold, 95.0);
        assert_eq!(calibration(99, 0.05).false_alarm_rate, 0.05);
        assert_eq!(calibration(99, 0.01).image_threshold, 99.0);
        assert_eq!(calibration(19, 0.05).image_threshold, 19.0);
    }

    #[test]
    fn too_few_pictures_say_what_their_largest_score_stands_for() {
        let few = calibration(9, 0.01);
        assert_eq!((few.image_threshold, few.false_alarm_rate), (9.0, 0.1));
    }

    #[test]
    fn the_colour_scale_has_room_with_two_pictures() {
        let two = calibration(2, 0.05);
        assert_eq!((two.pixel_typical, two.pixel_threshold), (1.0, 2.0));
    }

    /// Threshold from `n` draws, then one more draw from the same distribution: the promised rate holds.
    #[test]
    fn the_rate_holds_on_fresh_draws() {
        let (n, rounds) = (39, 4000);
        let draws = patchcore_testkit::weights::uniform("draws", 1, rounds * (n + 1));
        let alarms = draws.chunks_exact(n + 1).filter(|round| {
            let scores: Vec<f32> = round[..n].iter().map(|&u| u as f32).collect();
            Calibration::from_scores(scores.clone(), scores, vec![1.0], 0.1).image_threshold
                <= round[n] as f32
        });
        let rate = alarms.count() as f64 / rounds as f64;
        // Three standard deviations of a binomial share.
        assert!((rate - 0.1).abs() < 3.0 * (0.1 * 0.9 / rounds as f64).sqrt(), "{rate}");
    }
}

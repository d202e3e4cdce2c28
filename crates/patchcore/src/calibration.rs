//! Thresholds from good pictures alone.
//!
//! Every training picture is scored against the bank without its own patches (or without those of a whole stretch of
//! pictures), so its score is that of a picture the model has not seen; or the model scores good pictures that it was not
//! fitted on. The threshold is an order statistic of these scores: with `n` good pictures a new one from the same line
//! scores above the `j`-th smallest with probability at most `(n + 1 - j) / (n + 1)`, whatever the scores' distribution.
//! The threshold is the next number above that score, so that this holds for `score >= threshold` with equal scores too.
//! `j` is chosen for the rate asked for; where `n` is too small for it, the largest score is taken, and the rate that it
//! stands for is said, with the number of pictures that the rate asked for would take. No test picture and no label takes
//! part.

use crate::fusion::{FusedHeldOut, HeldOut, scales};
use crate::held_out::HeldOutBy;
use crate::verdict::Thresholds;
use crate::{Error, Params};
use serde::{Deserialize, Serialize};

/// The false-alarm rate asked for when nothing is said.
pub const FALSE_ALARM_RATE: f64 = 0.05;

/// Which share of good pictures may be called what they are not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Called a defect.
    pub false_alarm: f64,
    /// Not called ok: for review, or a defect.
    pub review: f64,
}

impl Rates {
    /// This rate of false alarms, and as many good pictures again for review.
    ///
    /// ```
    /// use patchcore::Rates;
    /// assert_eq!(Rates::of(0.01).review, 0.02);
    /// assert_eq!(Rates::of(0.8).review, 0.9); // half of the rest, where it cannot be as many
    /// ```
    pub fn of(false_alarm: f64) -> Self {
        Self { false_alarm, review: (2.0 * false_alarm).min(f64::midpoint(1.0, false_alarm)) }
    }

    /// Fails unless these can be rates.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let within = |name, rate: f64, least: f64, must: &str| {
            if rate > 0.0 && rate < 1.0 && rate >= least {
                return Ok(());
            }
            Err(Error::Parameter { name, got: rate.to_string(), must: must.to_string() })
        };
        within("false_alarm_rate", self.false_alarm, 0.0, "above 0 and below 1")?;
        within("review_rate", self.review, self.false_alarm, "below 1 and at least the false-alarm rate")
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self::of(FALSE_ALARM_RATE)
    }
}

/// The fewest good pictures that a threshold for this rate takes: `1 / rate - 1`.
///
/// ```
/// use patchcore::pictures_needed;
/// assert_eq!([0.05, 0.01, 0.001].map(pictures_needed), [19, 99, 999]);
/// ```
pub fn pictures_needed(rate: f64) -> usize {
    (1.0 / rate - 1.0 - ROUNDING).ceil().max(1.0) as usize
}

/// What decimal fractions may be off in binary before a count of pictures is rounded up.
const ROUNDING: f64 = 1e-9;

/// What the good pictures score when each is judged by the others, and the thresholds that follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Image scores at or above this are a defect.
    pub image_threshold: f32,
    /// The share of good pictures that are expected to reach the image threshold, at most.
    pub false_alarm_rate: f64,
    /// Image scores at or above this are not ok; at most the image threshold.
    pub review_threshold: f32,
    /// The share of good pictures that are expected to reach the review threshold, at most.
    pub review_rate: f64,
    /// Map values at or above this are a defect: the same share of good pictures as for images has such a pixel anywhere.
    pub pixel_threshold: f32,
    /// The share of a good picture's pixels that is expected to reach the pixel threshold: the mean over the good pictures,
    /// each under the threshold that the others give.
    pub pixel_false_area: f64,
    /// The largest map value of the middle good picture: the calm end of the colour scale.
    pub pixel_typical: f32,
    /// The rates that were asked for. With [`pictures_needed`], they tell whether there were enough pictures.
    pub asked: Rates,
    /// Which good pictures were looked at.
    pub held_out: HeldOutBy,
    /// Image scores of the good pictures, in their order.
    pub image_scores: Vec<f32>,
    /// What each member's scores are divided by before their mean is taken: its mean patch score of good pictures that it
    /// has not seen. 1 for a single member.
    pub scales: Vec<f32>,
}

impl Calibration {
    /// Fails unless a picture can be judged by it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let thresholds =
            [self.image_threshold, self.review_threshold, self.pixel_threshold, self.pixel_typical];
        if !thresholds.iter().chain(&self.image_scores).all(|v| v.is_finite()) {
            return Err("a threshold or a score of the calibration is not finite".into());
        }
        if self.review_threshold > self.image_threshold {
            return Err("the review threshold is above that of a defect".into());
        }
        let shares = [self.false_alarm_rate, self.review_rate, self.pixel_false_area];
        if !shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            return Err("a rate of the calibration is not between 0 and 1".into());
        }
        self.asked.check().map_err(|e| e.to_string())
    }
}

/// A rank among `n` sorted scores of good pictures.
#[derive(Clone, Copy)]
struct Rank {
    n: usize,
    /// Counted from 1.
    at: usize,
}

impl Rank {
    fn of(n: usize, rate: f64) -> Self {
        let wanted = ((n as f64 + 1.0) * (1.0 - rate) - ROUNDING).ceil() as usize;
        Self { n, at: wanted.clamp(1, n) }
    }

    /// The share of good pictures that score above it, at most.
    fn rate(self) -> f64 {
        (self.n + 1 - self.at) as f64 / (self.n as f64 + 1.0)
    }

    /// The smallest number above the score of this rank.
    fn threshold(self, sorted: &[f32]) -> f32 {
        sorted[self.at - 1].next_up()
    }
}

impl Calibration {
    /// Thresholds and scales from what the members say about held-out good pictures, with each member's parameters;
    /// `None` if a member of several finds no difference between them.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a score or a value of a map is NaN or infinite: no threshold may come of that.
    pub(crate) fn from_held_out(
        params: &[&Params],
        members: &[Vec<HeldOut>],
        asked: Rates,
        held_out: HeldOutBy,
    ) -> Result<Option<Self>, Error> {
        let Some(scales) = scales(members) else { return Ok(None) };
        let fused = FusedHeldOut { params, members, scales: &scales };
        let n = fused.pictures();
        let image_scores: Vec<f32> = (0..n).map(|i| fused.image_score(i)).collect();
        if !image_scores.iter().all(|score| score.is_finite()) {
            return Err(Error::NotFinite);
        }
        let peak = |i: usize| Ok(fused.map(i)?.min_max().map_or(0.0, |(_, high)| high));
        let peaks: Vec<f32> = (0..n).map(peak).collect::<Result<_, Error>>()?;
        let area = |i: usize, threshold: f32| {
            let map = fused.map(i)?;
            let reached = map.data().iter().filter(|&&value| value >= threshold).count();
            Ok(reached as f64 / map.data().len().max(1) as f64)
        };
        let pixel_false_area = mean_area(&peaks, asked.false_alarm, area)?;
        Ok(Some(Self::from_scores(image_scores, peaks, pixel_false_area, scales.clone(), asked, held_out)))
    }

    /// Thresholds from the out-of-sample image scores and map peaks of good pictures.
    fn from_scores(
        image_scores: Vec<f32>,
        mut peaks: Vec<f32>,
        pixel_false_area: f64,
        scales: Vec<f32>,
        asked: Rates,
        held_out: HeldOutBy,
    ) -> Self {
        let n = image_scores.len();
        let (defect, review) = (Rank::of(n, asked.false_alarm), Rank::of(n, asked.review));
        let mut sorted = image_scores.clone();
        sorted.sort_by(f32::total_cmp);
        peaks.sort_by(f32::total_cmp);
        Self {
            image_threshold: defect.threshold(&sorted),
            false_alarm_rate: defect.rate(),
            review_threshold: review.threshold(&sorted),
            review_rate: review.rate(),
            pixel_threshold: defect.threshold(&peaks),
            pixel_false_area,
            pixel_typical: peaks[(n - 1) / 2],
            asked,
            held_out,
            image_scores,
            scales,
        }
    }

    /// The two image thresholds.
    pub fn thresholds(&self) -> Thresholds {
        let mut both = [self.review_threshold, self.image_threshold];
        patchcore_faults::spoil("threshold", &mut both);
        Thresholds { review: both[0], defect: both[1] }
    }

    /// How many good pictures the false-alarm rate asked for would take, if it is more than there were.
    pub fn pictures_missing(&self) -> Option<usize> {
        let needed = pictures_needed(self.asked.false_alarm);
        (needed > self.image_scores.len()).then_some(needed)
    }
}

/// The mean over the pictures of the area that reaches the threshold which the other pictures' peaks give.
fn mean_area(
    peaks: &[f32],
    rate: f64,
    area: impl Fn(usize, f32) -> Result<f64, Error>,
) -> Result<f64, Error> {
    let others = peaks.len().saturating_sub(1);
    if others == 0 {
        return Ok(0.0);
    }
    let rank = Rank::of(others, rate);
    let mut sorted = peaks.to_vec();
    sorted.sort_by(f32::total_cmp);
    // Without a picture that is not above it, the others' score of this rank is one place further up.
    let with = |i: usize| if peaks[i] > sorted[rank.at - 1] { rank.at } else { rank.at + 1 };
    let reached = (0..peaks.len()).filter_map(|i| {
        let threshold = sorted[with(i) - 1].next_up();
        (peaks[i] >= threshold).then(|| area(i, threshold))
    });
    Ok(reached.sum::<Result<f64, Error>>()? / peaks.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(n: usize, rate: f64) -> Calibration {
        let scores: Vec<f32> = (1..=n).map(|s| s as f32).collect();
        of_scores(&scores, Rates::of(rate))
    }

    fn of_scores(scores: &[f32], asked: Rates) -> Calibration {
        let (images, peaks) = (scores.to_vec(), scores.to_vec());
        Calibration::from_scores(images, peaks, 0.0, vec![1.0], asked, HeldOutBy::Picture)
    }

    #[test]
    fn the_rank_follows_the_rate() {
        assert_eq!(calibration(99, 0.05).image_threshold, 95f32.next_up());
        assert_eq!(calibration(99, 0.05).false_alarm_rate, 0.05);
        assert_eq!(calibration(99, 0.05).review_threshold, 90f32.next_up());
        assert_eq!(calibration(99, 0.05).review_rate, 0.1);
        assert_eq!(calibration(99, 0.01).image_threshold, 99f32.next_up());
        assert_eq!(calibration(19, 0.05).image_threshold, 19f32.next_up());
        assert_eq!(calibration(19, 0.05).pictures_missing(), None);
    }

    #[test]
    fn too_few_pictures_say_what_their_largest_score_stands_for() {
        let few = calibration(9, 0.01);
        assert_eq!((few.image_threshold, few.false_alarm_rate), (9f32.next_up(), 0.1));
        assert_eq!(
            (few.thresholds(), few.pictures_missing()),
            (Thresholds::single(9f32.next_up()), Some(99))
        );
    }

    #[test]
    fn the_colour_scale_has_room_with_two_pictures() {
        let two = calibration(2, 0.05);
        assert_eq!((two.pixel_typical, two.pixel_threshold), (1.0, 2f32.next_up()));
    }

    #[test]
    fn equal_scores_are_no_alarms() {
        assert!(of_scores(&[3.0; 30], Rates::default()).image_threshold > 3.0);
    }

    /// Threshold from `n` draws, then one more draw from the same distribution: the promised rates hold. With few
    /// different scores, which tie often, they are still not exceeded.
    #[test]
    fn the_rates_hold_on_fresh_draws() {
        let (n, rounds) = (39, 4000);
        let draws = patchcore_testkit::weights::uniform("draws", 1, rounds * (n + 1));
        let shares = |value: fn(f64) -> f32| {
            let mut reached = [0; 2];
            for round in draws.chunks_exact(n + 1) {
                let scores: Vec<f32> = round[..n].iter().map(|&u| value(u)).collect();
                let c = of_scores(&scores, Rates::of(0.1));
                let new = value(round[n]);
                reached[0] += usize::from(new >= c.image_threshold);
                reached[1] += usize::from(new >= c.review_threshold);
            }
            reached.map(|count| count as f64 / rounds as f64)
        };
        // Three standard deviations of a binomial share.
        let room = |rate: f64| 3.0 * (rate * (1.0 - rate) / rounds as f64).sqrt();
        for ([exact, coarse], rate) in shares(|u| u as f32)
            .into_iter()
            .zip(shares(|u| (u * 9.0) as f32 as i32 as f32))
            .map(|(a, b)| [a, b])
            .zip([0.1, 0.2])
        {
            assert!((exact - rate).abs() < room(rate), "{exact} for {rate}");
            assert!(coarse < rate + room(rate), "{coarse} for {rate}");
        }
    }

    #[test]
    fn the_area_is_taken_under_the_threshold_of_the_others() {
        let area = |i: usize, threshold: f32| {
            assert_eq!((i, threshold), (2, 2f32.next_up()));
            Ok(0.3)
        };
        assert!((mean_area(&[1.0, 2.0, 7.0], 0.05, area).unwrap() - 0.1).abs() < 1e-12);
        let twin = |peaks: &[f32], rate| {
            let total: f64 = (0..peaks.len())
                .map(|i| {
                    let mut others = peaks.to_vec();
                    others.remove(i);
                    others.sort_by(f32::total_cmp);
                    let threshold = Rank::of(others.len(), rate).threshold(&others);
                    if peaks[i] >= threshold { f64::from(peaks[i] - threshold) } else { 0.0 }
                })
                .sum();
            total / peaks.len() as f64
        };
        let draws = patchcore_testkit::weights::uniform("peaks", 2, 300);
        for (n, rate) in [(2, 0.5), (7, 0.3), (20, 0.05), (100, 0.1)] {
            let peaks: Vec<f32> = draws[..n].iter().map(|&u| (u * 12.0).round() as f32).collect();
            let area = |i: usize, threshold: f32| Ok(f64::from(peaks[i] - threshold));
            assert!((mean_area(&peaks, rate, area).unwrap() - twin(&peaks, rate)).abs() < 1e-9, "{n} {rate}");
        }
    }
}

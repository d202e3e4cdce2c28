//! Thresholds from good pictures alone.
//!
//! Every training picture is scored against the bank without its own patches, so its score is that of a picture the
//! model has not seen. The largest of these scores is the threshold: with `n` exchangeable good pictures a new good one
//! exceeds it with probability at most `1 / (n + 1)`. No test picture and no label takes part.

use crate::bank::MemoryBank;
use crate::fit::AllEmbeddings;
use crate::predict::score;
use crate::{Error, Params, Progress, Stage};
use serde::{Deserialize, Serialize};

/// What the good pictures score when each is judged by the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Image scores at or above this are a defect.
    pub image_threshold: f32,
    /// Map values at or above this occur in no good picture that the model was calibrated on.
    pub pixel_threshold: f32,
    /// The map value that half of the good pictures reach nowhere: the calm end of the colour scale.
    pub pixel_typical: f32,
    /// Image scores of the good pictures, in their order.
    pub image_scores: Vec<f32>,
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

impl Calibration {
    /// Scores every training picture without its own patches; `None` if the bank holds patches of fewer than two
    /// pictures.
    pub(crate) fn leave_one_out(
        params: &Params,
        bank: &MemoryBank,
        all: &AllEmbeddings,
        progress: &dyn Progress,
    ) -> Result<Option<Self>, Error> {
        let first = bank.origins.first().map(|o| o.picture);
        if bank.origins.iter().all(|o| Some(o.picture) == first) {
            return Ok(None);
        }
        progress.begin(Stage::Calibrate, all.pictures.len());
        let mut image_scores = Vec::with_capacity(all.pictures.len());
        let mut peaks = Vec::with_capacity(all.pictures.len());
        for (i, &(_, grid)) in all.pictures.iter().enumerate() {
            // Maps only for their peaks: eight pixels a patch, about the scale of the network's input.
            let input = grid.map(|side| side * 8);
            let prediction = score(params, bank, all.picture(i), grid, input, Some(i as u32))?;
            image_scores.push(prediction.image_score);
            peaks.push(prediction.anomaly_map.min_max().map_or(0.0, |(_, high)| high));
            progress.advance(1);
        }
        progress.end();
        let largest = |values: &[f32]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (image_threshold, pixel_threshold) = (largest(&image_scores), largest(&peaks));
        peaks.sort_by(f32::total_cmp);
        Ok(Some(Self {
            image_threshold,
            pixel_threshold,
            pixel_typical: peaks[peaks.len() / 2],
            image_scores,
        }))
    }

    /// The promised false-alarm rate on new good pictures: at most `1 / (n + 1)`.
    pub fn false_alarm_rate(&self) -> f64 {
        1.0 / (self.image_scores.len() as f64 + 1.0)
    }
}

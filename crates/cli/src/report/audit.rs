//! Training pictures that the others do not explain.

use super::training::TrainingFiles;
use patchcore::{Fitted, HeldOutBy};
use patchcore_report::{Audit, Budget, Thumbnail, Unlike};

/// Pictures that are listed where none is shown.
const LISTED: usize = 5;

/// The training pictures with the highest scores when each is judged without its own patches, the first `shown` of them with
/// a picture; none where thresholds were taken from other pictures, or from none.
pub(super) fn audit(
    fitted: &Fitted,
    training: &TrainingFiles,
    shown: usize,
    budget: Budget,
) -> Option<Audit> {
    let names = &fitted.training.pictures;
    let calibration = fitted.calibration.as_ref().filter(|c| c.held_out != HeldOutBy::New)?;
    let scores = &calibration.image_scores;
    if names.is_empty() || scores.len() != names.len() {
        return None;
    }
    let mut ranked: Vec<(&String, f32)> = names.iter().zip(scores.iter().copied()).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let unlike = |(rank, (name, score)): (usize, (&String, f32))| {
        let picture = (rank < shown).then(|| training.picture(name)).flatten();
        let thumbnail = picture.and_then(|p| Thumbnail::of(p.rgb(), p.width(), p.height(), budget).ok());
        Unlike { name: super::safe(name), score: decimal(score), deviations: None, at: None, thumbnail }
    };
    Some(Audit {
        unlike: ranked.into_iter().take(LISTED.max(shown)).enumerate().map(unlike).collect(),
        pictures: names.len(),
        duplicates: None,
        leaks: None,
    })
}

/// The number with the digits that it has elsewhere, not with those of its widening to 64 bits.
fn decimal(score: f32) -> f64 {
    score.to_string().parse().unwrap_or(f64::from(score))
}

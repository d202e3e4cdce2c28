//! Training pictures that the others do not explain, and those that are there twice.

use super::training::TrainingFiles;
use crate::backbone::Network;
use patchcore::{Fitted, HeldOutBy, Model};
use patchcore_image::{Fingerprints, Likeness};
use patchcore_report::{Audit, Budget, Duplicate, Thumbnail, Unlike};

/// Pictures that are listed where none is shown.
const LISTED: usize = 5;

/// A training picture and how unlike the others it is.
struct Ranked {
    name: String,
    score: f64,
    deviations: Option<f64>,
    /// Its most unusual place in its own pixels.
    at: Option<[usize; 2]>,
}

/// The training pictures most unlike the others, the first `shown` of them with a picture, and those that are the same;
/// none of a model whose training pictures are not known.
pub(super) fn audit(
    model: &Model<Network>,
    training: &TrainingFiles,
    shown: usize,
    budget: Budget,
) -> Option<Audit> {
    let fitted = model.fitted();
    if fitted.training.pictures.is_empty() {
        return None;
    }
    let ranking = match model.audit() {
        Some(audit) => audit
            .ranking
            .iter()
            .map(|s| Ranked {
                name: s.picture.clone(),
                score: s.score,
                deviations: Some(s.deviations),
                at: Some(s.at),
            })
            .collect(),
        None => by_calibration(fitted),
    };
    let unlike = |(rank, picture): (usize, &Ranked)| unlike(picture, training, rank < shown, budget);
    Some(Audit {
        unlike: ranking.iter().take(LISTED.max(shown)).enumerate().map(unlike).collect(),
        pictures: fitted.training.pictures.len(),
        duplicates: Some(duplicates(fitted)),
        leaks: None,
    })
}

/// What a model file still tells of the ranking: the scores of the pictures when each is judged without its own patches.
fn by_calibration(fitted: &Fitted) -> Vec<Ranked> {
    let names = &fitted.training.pictures;
    let own = fitted.calibration.as_ref().filter(|c| c.held_out != HeldOutBy::New);
    let Some(calibration) = own.filter(|c| c.image_scores.len() == names.len()) else { return Vec::new() };
    let ranked = |(name, &score): (&String, &f32)| Ranked {
        name: name.clone(),
        score: decimal(score),
        deviations: None,
        at: None,
    };
    let mut all: Vec<Ranked> = names.iter().zip(&calibration.image_scores).map(ranked).collect();
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    all
}

fn unlike(ranked: &Ranked, training: &TrainingFiles, show: bool, budget: Budget) -> Unlike {
    let picture = if show { training.picture(&ranked.name) } else { None };
    let share = |at: usize, of: usize| (at as f64 + 0.5) / of as f64;
    let size = picture.as_ref().map(|p| (p.width(), p.height()));
    Unlike {
        name: super::safe(&ranked.name),
        score: ranked.score,
        deviations: ranked.deviations,
        at: ranked.at.zip(size).map(|([x, y], (width, height))| [share(x, width), share(y, height)]),
        thumbnail: picture.and_then(|p| Thumbnail::of(p.rgb(), p.width(), p.height(), budget).ok()),
    }
}

fn duplicates(fitted: &Fitted) -> Vec<Duplicate> {
    let names = &fitted.training.pictures;
    let name = |number: usize| Some(super::safe(names.get(number)?));
    let pair = |(first, second, kind): (usize, usize, Likeness)| {
        Some(Duplicate { picture: name(second)?, like: name(first)?, exact: kind == Likeness::Exact })
    };
    Fingerprints::new(&fitted.training.fingerprints).pairs().into_iter().filter_map(pair).collect()
}

/// The number with the digits that it has elsewhere, not with those of its widening to 64 bits.
fn decimal(score: f32) -> f64 {
    score.to_string().parse().unwrap_or(f64::from(score))
}

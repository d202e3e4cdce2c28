//! Training pictures scored as ones that the model has not seen: against the bank without their own rows.

use crate::bank::{MemoryBank, Stretch};
use crate::fusion::HeldOut;
use crate::patch_rows::Without;
use crate::search::{Neighbours, Search, choose};
use crate::steps::{Searched, score};
use crate::training_patches::{TrainingPatches, TrainingPicture};
use crate::{Error, Params, PatchRows, Progress, Quiet};
use serde::{Deserialize, Serialize};

/// Which good pictures a calibration looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldOutBy {
    /// The training pictures, each against the memory bank without its own rows. Cheap, but where a picture's rows were,
    /// the bank has holes that one chosen from the other pictures would not have: scores, and thresholds, are too high.
    #[default]
    Picture,
    /// The training pictures in so many stretches of one length, each against a memory bank of its own, chosen from all
    /// others. Costs that many coresets. Pictures that were taken right after one another are left out together.
    Folds(usize),
    /// Pictures that the model was not fitted on.
    New,
}

/// Every training picture scored as one that the model has not seen; `None` if in some bank without it the rows are fewer
/// than the neighbours of a score, or there is but one picture.
pub(crate) fn held_out(
    params: &Params,
    bank: &MemoryBank,
    search: &Search,
    all: &TrainingPatches,
    by: HeldOutBy,
    progress: &dyn Progress,
) -> Result<Option<Vec<HeldOut>>, Error> {
    match by {
        HeldOutBy::Folds(folds) => in_folds(params, all, folds, progress),
        HeldOutBy::Picture | HeldOutBy::New => leave_one_out(params, bank, search, all, progress),
    }
}

/// With fewer neighbours than a verdict will use, scores would not be comparable.
fn enough(params: &Params, others: usize, bank: usize) -> bool {
    others >= params.num_nn.max(params.image_score.support()).min(bank)
}

fn leave_one_out(
    params: &Params,
    bank: &MemoryBank,
    search: &Search,
    all: &TrainingPatches,
    progress: &dyn Progress,
) -> Result<Option<Vec<HeldOut>>, Error> {
    let mut own_rows = vec![0; all.pictures.len()];
    bank.origins.iter().for_each(|origin| own_rows[origin.picture as usize] += 1);
    let fewest_others = bank.len() - own_rows.into_iter().max().unwrap_or(0);
    if all.pictures.len() < 2 || !enough(params, fewest_others, bank.len()) {
        return Ok(None);
    }
    let mut held_out = Vec::with_capacity(all.pictures.len());
    for picture in 0..all.pictures.len() as u32 {
        let without = Stretch::of(picture);
        let searched = Searched { bank, search, without: Some(without) };
        score_all(params, searched, all, without, &mut held_out, progress)?;
    }
    Ok(Some(held_out))
}

fn in_folds(
    params: &Params,
    all: &TrainingPatches,
    folds: usize,
    progress: &dyn Progress,
) -> Result<Option<Vec<HeldOut>>, Error> {
    let mut held_out = Vec::with_capacity(all.pictures.len());
    for fold in folds_of(all.pictures.len(), folds) {
        let others = Without::new(&*all.rows, all.rows_of(fold));
        if others.is_empty() {
            return Ok(None);
        }
        let chosen = params.sampler.select(&others, &Quiet)?.indices;
        let bank = all.bank(&chosen.into_iter().map(|i| others.number(i)).collect::<Vec<_>>());
        if !enough(params, bank.len(), usize::MAX) {
            return Ok(None);
        }
        let search = Search::new(&bank, choose(&bank, &all.sample(), params.num_nn).as_ref());
        let searched = Searched { bank: &bank, search: &search, without: None };
        score_all(params, searched, all, fold, &mut held_out, progress)?;
    }
    Ok(Some(held_out))
}

/// Stretches of pictures of about one length, no more than there are pictures.
fn folds_of(pictures: usize, folds: usize) -> impl Iterator<Item = Stretch> {
    let folds = folds.min(pictures);
    let edge = move |fold: usize| (fold * pictures / folds) as u32;
    (0..folds).map(move |fold| Stretch { first: edge(fold), end: edge(fold + 1) })
}

/// Scores the pictures of a stretch.
fn score_all(
    params: &Params,
    searched: Searched<'_>,
    all: &TrainingPatches,
    stretch: Stretch,
    held_out: &mut Vec<HeldOut>,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let (mut neighbours, mut space) = (Neighbours::default(), Vec::new());
    for i in stretch.first as usize..stretch.end as usize {
        let (rows, TrainingPicture { grid, input, .. }) = (all.picture(i, &mut space), all.pictures[i]);
        searched.nearest_into(rows, params.num_nn, &mut neighbours);
        let (image_score, patches) = score(params, searched, rows, &neighbours, grid)?;
        held_out.push(HeldOut { image_score, patch_scores: patches.scores, input });
        progress.advance(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_lies_in_one_fold() {
        for (n, folds, count) in [(7, 3, 3), (7, 7, 7), (7, 9, 7), (1, 4, 1), (0, 3, 0)] {
            let all: Vec<Stretch> = folds_of(n, folds).collect();
            let pictures: Vec<u32> = all.iter().flat_map(|s| s.first..s.end).collect();
            assert_eq!((all.len(), pictures), (count, (0..n as u32).collect()));
        }
    }
}

//! Training pictures scored as ones that the model has not seen: against the bank without their own rows.

use crate::bank::{MemoryBank, Stretch};
use crate::fusion::HeldOut;
use crate::search::{Neighbours, Search};
use crate::steps::{Searched, score};
use crate::training_patches::{TrainingPatches, TrainingPicture};
use crate::{Error, Params, Progress};
use serde::{Deserialize, Serialize};

/// Which good pictures a calibration looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldOutBy {
    /// The training pictures, each one left out in turn.
    #[default]
    Picture,
    /// The training pictures in so many stretches of one length, each left out in turn. For pictures that were taken right
    /// after one another and look alike.
    Folds(usize),
    /// Pictures that the model was not fitted on.
    New,
}

/// The stretches of pictures that are left out together, one after the other; `None` if there are fewer than two.
fn stretches(pictures: usize, by: HeldOutBy) -> Option<Vec<Stretch>> {
    let folds = match by {
        HeldOutBy::Folds(folds) => folds.min(pictures),
        HeldOutBy::Picture | HeldOutBy::New => pictures,
    };
    let edge = |fold: usize| (fold * pictures / folds) as u32;
    (folds > 1).then(|| (0..folds).map(|fold| Stretch { first: edge(fold), end: edge(fold + 1) }).collect())
}

/// Scores every training picture without the patches of its stretch; `None` if for some stretch the others' rows are
/// fewer than the neighbours of a score, or there are no others.
pub(crate) fn leave_out(
    params: &Params,
    bank: &MemoryBank,
    search: &Search,
    all: &TrainingPatches,
    by: HeldOutBy,
    progress: &dyn Progress,
) -> Result<Option<Vec<HeldOut>>, Error> {
    let Some(stretches) = stretches(all.pictures.len(), by) else { return Ok(None) };
    let rows_of = |s: &Stretch| bank.origins.iter().filter(|origin| s.holds(origin.picture)).count();
    let fewest_others = bank.len() - stretches.iter().map(rows_of).max().unwrap_or(0);
    // With fewer neighbours than a verdict will use, the scores would not be comparable.
    if fewest_others < params.num_nn.max(params.image_score.support()).min(bank.len()) {
        return Ok(None);
    }
    let mut held_out = Vec::with_capacity(all.pictures.len());
    let (mut neighbours, mut space) = (Neighbours::default(), Vec::new());
    for stretch in stretches {
        let searched = Searched { bank, search, without: Some(stretch) };
        for i in stretch.first as usize..stretch.end as usize {
            let (rows, TrainingPicture { grid, input, .. }) = (all.picture(i, &mut space), all.pictures[i]);
            searched.nearest_into(rows, params.num_nn, &mut neighbours);
            let (image_score, patches) = score(params, searched, rows, &neighbours, grid)?;
            held_out.push(HeldOut { image_score, patch_scores: patches.scores, input });
            progress.advance(1);
        }
    }
    Ok(Some(held_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_lies_in_one_stretch() {
        for (n, by, count) in
            [(7, HeldOutBy::Picture, 7), (7, HeldOutBy::Folds(3), 3), (7, HeldOutBy::Folds(9), 7)]
        {
            let all = stretches(n, by).unwrap();
            let pictures: Vec<u32> = all.iter().flat_map(|s| s.first..s.end).collect();
            assert_eq!((all.len(), pictures), (count, (0..n as u32).collect()));
        }
        assert_eq!(stretches(7, HeldOutBy::Folds(1)), None);
        assert_eq!(stretches(1, HeldOutBy::Picture), None);
    }
}

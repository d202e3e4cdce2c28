//! A list of scores with one label each, checked and ranked.

use crate::Undefined;
use crate::ranking::{FIRST_REGION, NORMAL, Ranking, Step};
use crate::undefined::{both_classes, check_list};

/// Finite scores of both classes, ranked.
pub(crate) struct Labelled {
    ranking: Ranking,
    pub(crate) n_anomalous: u64,
    pub(crate) n_normal: u64,
}

impl Labelled {
    pub(crate) fn new(scores: &[f32], labels: &[bool]) -> Result<Self, Undefined> {
        check_list(scores, labels.len())?;
        let n_anomalous = labels.iter().filter(|&&anomalous| anomalous).count() as u64;
        let n_normal = labels.len() as u64 - n_anomalous;
        both_classes(n_anomalous, n_normal)?;

        let mut ranking = Ranking::for_scores(scores.iter().copied());
        for (&score, &anomalous) in scores.iter().zip(labels) {
            ranking.push(score, if anomalous { FIRST_REGION } else { NORMAL });
        }
        Ok(Self { ranking: ranking.sorted(), n_anomalous, n_normal })
    }

    /// One step per distinct score, highest first.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step> {
        self.ranking.ties().map(|tie| tie.step())
    }
}

//! Scores sorted once, highest first: the one sort behind every metric.
//!
//! A score and its tag share a `u64`: the upper half is the score's bits, turned so that integers ascend where scores
//! descend, the lower half the tag. Sorting plain integers is fast, takes 8 bytes a score, and leaves nothing
//! to chance: entries that compare equal are equal.

/// The tag of a normal pixel in a picture without a defect, and of a normal picture.
pub(crate) const NORMAL: u32 = 0;
/// The tag of a normal pixel in a picture that has a defect.
pub(crate) const NORMAL_BESIDE_DEFECT: u32 = 1;
/// The tag of an anomalous picture, and of a pixel in region 0; region `r` has the tag `FIRST_REGION + r`.
pub(crate) const FIRST_REGION: u32 = 2;

/// Tagged scores; sorted once [`sorted`](Self::sorted) was called.
pub(crate) struct Ranking {
    entries: Vec<u64>,
}

/// All entries that have one score.
pub(crate) struct Tie<'a> {
    entries: &'a [u64],
}

/// What a walk down the ranking gains at one score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// The score that all have.
    pub(crate) score: f32,
    /// How many are anomalous.
    pub(crate) anomalous: u64,
    /// How many are normal.
    pub(crate) normal: u64,
    /// How many of the normal ones are pixels of a picture that has a defect.
    pub(crate) normal_beside_defect: u64,
}

impl Ranking {
    pub(crate) fn with_capacity(n: usize) -> Self {
        Self { entries: Vec::with_capacity(n) }
    }

    /// Adds a finite score.
    pub(crate) fn push(&mut self, score: f32, tag: u32) {
        self.entries.push(u64::from(descending_key(score)) << 32 | u64::from(tag));
    }

    pub(crate) fn sorted(mut self) -> Self {
        self.entries.sort_unstable();
        self
    }

    /// Groups of equal scores, highest first.
    pub(crate) fn ties(&self) -> impl Iterator<Item = Tie<'_>> {
        self.entries.chunk_by(|a, b| a >> 32 == b >> 32).map(|entries| Tie { entries })
    }
}

impl Tie<'_> {
    pub(crate) fn step(&self) -> Step {
        let mut step =
            Step { score: score_of(self.entries[0]), anomalous: 0, normal: 0, normal_beside_defect: 0 };
        for &entry in self.entries {
            let tag = entry as u32;
            step.anomalous += u64::from(tag >= FIRST_REGION);
            step.normal_beside_defect += u64::from(tag == NORMAL_BESIDE_DEFECT);
        }
        step.normal = self.entries.len() as u64 - step.anomalous;
        step
    }

    /// The region number of each anomalous entry.
    pub(crate) fn regions(&self) -> impl Iterator<Item = usize> {
        self.entries.iter().filter_map(|&entry| (entry as u32).checked_sub(FIRST_REGION)).map(|r| r as usize)
    }
}

impl Step {
    /// The same step, seen only in pictures that have a defect.
    pub(crate) fn beside_defects(self) -> Self {
        Self { normal: self.normal_beside_defect, ..self }
    }
}

/// Integers that ascend where finite scores descend; `-0.0` and `0.0` share one.
fn descending_key(score: f32) -> u32 {
    let bits = (score + 0.0).to_bits(); // -0.0 + 0.0 is 0.0
    let ascending = if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 };
    !ascending
}

fn score_of(entry: u64) -> f32 {
    let ascending = !((entry >> 32) as u32);
    f32::from_bits(if ascending >> 31 == 1 { ascending & 0x7FFF_FFFF } else { !ascending })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_descend_and_come_back() {
        let scores = [f32::MAX, 1.5, 1.0, f32::MIN_POSITIVE, 1e-45, 0.0, -1e-45, -1.0, -1.5, f32::MIN];
        for pair in scores.windows(2) {
            assert!(descending_key(pair[0]) < descending_key(pair[1]), "{pair:?}");
        }
        for score in scores {
            assert_eq!(score_of(u64::from(descending_key(score)) << 32 | 7), score);
        }
    }

    #[test]
    fn both_zeros_tie() {
        assert_eq!(descending_key(-0.0), descending_key(0.0));
        let mut ranking = Ranking::with_capacity(3);
        ranking.push(-0.0, NORMAL);
        ranking.push(1.0, NORMAL_BESIDE_DEFECT);
        ranking.push(0.0, FIRST_REGION + 4);
        let ranking = ranking.sorted();
        let steps: Vec<_> =
            ranking.ties().map(|t| t.step()).map(|s| (s.score, s.anomalous, s.normal)).collect();
        assert_eq!(steps, [(1.0, 0, 1), (0.0, 1, 1)]);
        assert_eq!(ranking.ties().flat_map(|t| t.regions().collect::<Vec<_>>()).collect::<Vec<_>>(), [4]);
    }
}

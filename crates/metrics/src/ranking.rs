//! Scores sorted once, highest first: the one sort behind every metric.
//!
//! A score and its tag share a `u64`: the upper half is the score's bits, turned so that integers ascend where scores
//! descend, the lower half the tag. Sorting plain integers is fast and takes 8 bytes a score. Entries of one score come
//! in no particular order, and nothing that is counted depends on it.
//!
//! The scores are counted by shelf (a range of keys) before any is put away, so that every entry is written once, onto
//! its own shelf, and only shelves that fit a processor's cache are left to sort. Of one shelf per thread a copy is held.

use rayon::prelude::*;

/// The tag of a normal pixel in a picture without a defect, and of a normal picture.
pub(crate) const NORMAL: u32 = 0;
/// The tag of a normal pixel in a picture that has a defect.
pub(crate) const NORMAL_BESIDE_DEFECT: u32 = 1;
/// The tag of an anomalous picture, and of a pixel in region 0; region `r` has the tag `FIRST_REGION + r`.
pub(crate) const FIRST_REGION: u32 = 2;

/// About how many entries share a shelf.
const SHELF: usize = 1 << 15;
/// Shelves with fewer entries than this are not worth counting.
const SMALL: usize = 1 << 10;
/// Shelves with at least so many entries are sorted by all threads together.
const LARGE: usize = 1 << 18;

/// Bits of a digit by which a shelf is sorted.
const DIGIT: u32 = 11;

/// Tagged scores; ranked once [`sorted`](Self::sorted) was called.
pub(crate) struct Ranking {
    entries: Vec<u64>,
    shelves: Shelves,
    /// Per shelf: where its next entry goes.
    next: Vec<usize>,
}

/// Which range of keys lies on which shelf.
struct Shelves {
    lowest: u32,
    shift: u32,
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
    /// Room for exactly these scores, all finite; [`push`](Self::push) each of them next, in any order.
    pub(crate) fn for_scores(scores: impl Iterator<Item = f32> + Clone) -> Self {
        let (mut n, mut lowest, mut highest) = (0, u32::MAX, 0);
        scores.clone().for_each(|score| {
            let key = descending_key(score);
            (n, lowest, highest) = (n + 1, lowest.min(key), highest.max(key));
        });
        let span = highest.saturating_sub(lowest);
        let wanted_bits = (n / SHELF).checked_ilog2().map_or(0, |bits| bits + 1);
        let shift = (u32::BITS - span.leading_zeros()).saturating_sub(wanted_bits);
        let shelves = Shelves { lowest, shift: shift.min(31) };

        let mut next = vec![0; (span >> shelves.shift) as usize + 2];
        scores.for_each(|score| next[shelves.of(descending_key(score)) + 1] += 1);
        for shelf in 1..next.len() {
            next[shelf] += next[shelf - 1];
        }
        Self { entries: vec![0; n], shelves, next }
    }

    pub(crate) fn push(&mut self, score: f32, tag: u32) {
        let key = descending_key(score);
        let place = &mut self.next[self.shelves.of(key)];
        self.entries[*place] = u64::from(key) << 32 | u64::from(tag);
        *place += 1;
    }

    pub(crate) fn sorted(mut self) -> Self {
        let mut shelves = Vec::with_capacity(self.next.len());
        let mut rest = self.entries.as_mut_slice();
        let mut taken = 0;
        for &end in &self.next[..self.next.len() - 1] {
            let (shelf, others) = rest.split_at_mut(end - taken);
            shelves.push(shelf);
            (rest, taken) = (others, end);
        }
        debug_assert!(rest.is_empty(), "every score that was counted was pushed");
        let order = &self.shelves;
        shelves.into_par_iter().with_min_len(4).for_each_init(Vec::new, |spare, shelf| match shelf.len() {
            0..SMALL => shelf.sort_unstable(),
            SMALL..LARGE => order.sort(shelf, spare),
            _ => shelf.par_sort_unstable(),
        });
        self
    }

    /// Groups of equal scores, highest first.
    pub(crate) fn ties(&self) -> impl Iterator<Item = Tie<'_>> {
        self.entries.chunk_by(|a, b| a >> 32 == b >> 32).map(|entries| Tie { entries })
    }
}

impl Shelves {
    fn of(&self, key: u32) -> usize {
        ((key - self.lowest) >> self.shift) as usize
    }

    /// Sorts one shelf by what its keys do not share, from the lowest digit up; `spare` is memory to reuse.
    fn sort(&self, shelf: &mut [u64], spare: &mut Vec<u64>) {
        for low_bit in (0..self.shift).step_by(DIGIT as usize) {
            let digit =
                |entry: u64| ((((entry >> 32) as u32 - self.lowest) >> low_bit) % (1 << DIGIT)) as usize;
            let mut next = [0_u32; (1 << DIGIT) + 1];
            for &entry in shelf.iter() {
                next[digit(entry) + 1] += 1;
            }
            for i in 1..next.len() {
                next[i] += next[i - 1];
            }
            spare.clear();
            spare.extend_from_slice(shelf);
            for &entry in spare.iter() {
                let place = &mut next[digit(entry)];
                shelf[*place as usize] = entry;
                *place += 1;
            }
        }
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

    /// The tags of its entries, in no particular order.
    pub(crate) fn tags(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|&entry| entry as u32)
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
        let mut ranking = Ranking::for_scores([0.0, -0.0, 1.0].into_iter());
        ranking.push(-0.0, NORMAL);
        ranking.push(1.0, NORMAL_BESIDE_DEFECT);
        ranking.push(0.0, FIRST_REGION + 4);
        let ranking = ranking.sorted();
        let steps: Vec<_> =
            ranking.ties().map(|t| t.step()).map(|s| (s.score, s.anomalous, s.normal)).collect();
        assert_eq!(steps, [(1.0, 0, 1), (0.0, 1, 1)]);
        assert_eq!(ranking.ties().flat_map(|t| t.regions().collect::<Vec<_>>()).collect::<Vec<_>>(), [4]);
    }

    /// Every entry once, by score, whatever the shelves: few keys, all keys, one shelf larger than the others.
    #[test]
    fn shelves_change_nothing() {
        let mut state = 1u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        };
        for n in [0, 1, SHELF - 1, SHELF, 5 * SHELF + 3, 3 * LARGE] {
            let few: Vec<f32> = (0..n).map(|_| (random() >> 30) as f32).collect();
            let wide: Vec<f32> = (0..n).map(|_| (f64::from(random()) - 2e9) as f32).collect();
            let lopsided: Vec<f32> =
                (0..n).map(|i| if i == 0 { -1e30 } else { 1.0 + (random() >> 9) as f32 / 8e9 }).collect();
            for scores in [few, wide, lopsided] {
                let mut ranking = Ranking::for_scores(scores.iter().copied());
                let tagged = scores.iter().enumerate().map(|(i, &score)| (score, i as u32));
                tagged.clone().for_each(|(score, tag)| ranking.push(score, tag));
                let mut expected: Vec<u64> = tagged
                    .map(|(score, tag)| u64::from(descending_key(score)) << 32 | u64::from(tag))
                    .collect();
                expected.sort_unstable();
                let mut got = ranking.sorted().entries;
                assert!(got.is_sorted_by_key(|entry| entry >> 32), "{n} scores");
                got.sort_unstable();
                assert!(got == expected, "{n} scores");
            }
        }
    }
}

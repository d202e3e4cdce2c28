//! The audit of the training pictures: which look unlike the others, and which are there twice.
//!
//! A hidden defect is a patch that few other pictures have. The distance to the nearest patch of any other picture does
//! not always show that: a second picture with the same defect hides it. So a patch is also measured against [`SHARE`] of
//! the other pictures, by the distance within which so many of them have a patch; its score is the mean of both. The
//! first knows rare patches of good pictures from defects, the second defects that support each other.
//!
//! `Witnesses` holds some patches of some pictures, spread evenly, so that the work grows with the pictures and not with
//! their square; of each picture every third row and column of patches is measured, since patches overlap
//! their neighbours.
//!
//! No label and no test picture takes part, and nothing is dropped unasked.

use crate::anomaly_map::gaussian_blur;
use crate::score::largest;
use crate::training_patches::TrainingPatches;
use crate::{Error, Params, Progress};
use patchcore_image::{Fingerprint, Fingerprints, Likeness};
use patchcore_kernels::distance::squared_l2_block;
use patchcore_kernels::isa::Isa;
use patchcore_tensor::AnomalyMap;
use rayon::prelude::*;
use serde::Serialize;

/// The share of the other pictures that must have such a patch, in one of the two distances.
const SHARE: f64 = 0.3;
/// Most pictures that witness, and about how many patches of all of them.
const WITNESSES: [usize; 2] = [128, 12_288];
/// Of how many rows and columns of a grid one is measured; of fewer where a grid has less than [`FINE`] times as many.
const EVERY: usize = 3;
/// Places along a side that a defect is always looked for at.
const FINE: usize = 8;
/// Patches that are measured together.
const TOGETHER: usize = 32;
/// The blur of the patches' distances, as a share of the grid's short side: a defect covers several patches.
const BLUR: f64 = 0.035;
/// What makes the median absolute deviation of a normal distribution its standard deviation.
const TO_DEVIATION: f64 = 1.4826;

/// What was noticed about the training pictures.
///
/// ```
/// # use patchcore::{Params, PatchCore, Quiet};
/// # use patchcore_backbone::Backbone;
/// # use patchcore_image::{Likeness, Picture};
/// let stripes = |k: usize| (0..64 * 64 * 3).map(move |i| (100 + i % 192 / 4 + i * k % 7) as u8);
/// let mut pictures: Vec<(String, Picture)> = Vec::new();
/// for k in 0..6 {
///     pictures.push((format!("{k}.png"), Picture::from_rgb(64, 64, stripes(k).collect())?));
/// }
/// let scratched = stripes(6).enumerate().map(|(i, v)| if (4000..5000).contains(&i) { 0 } else { v });
/// pictures.push(("scratched.png".into(), Picture::from_rgb(64, 64, scratched.collect())?));
/// pictures.push(("again.png".into(), pictures[2].1.clone()));
///
/// let model = PatchCore::load(Params::default(), Backbone::embedded()?)?.fit(&pictures, &Quiet)?;
/// let audit = model.audit().unwrap();
/// assert_eq!(audit.ranking[0].picture, "scratched.png");
/// assert!(audit.ranking[0].score > 2.0 * audit.median);
/// let [x, y] = audit.ranking[0].at;
/// assert!(x < 64 && (16..32).contains(&y));
/// let copy = audit.duplicates.iter().find(|d| d.kind == Likeness::Exact).unwrap();
/// assert_eq!(copy.pictures, ["2.png", "again.png"]);
/// assert!(audit.dropped.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audit {
    /// Every picture that was looked at, the one most unlike the others first; empty if there is only one. Dropped
    /// outliers are among them.
    pub ranking: Vec<Suspect>,
    /// The score of the middle picture.
    pub median: f64,
    /// How far scores usually lie from it: the median absolute deviation, as a standard deviation.
    pub deviation: f64,
    /// Pictures that are there already, each with the first that it is.
    pub duplicates: Vec<Duplicate>,
    /// Names of the pictures that were left out because it was asked for, the named ones first.
    pub dropped: Vec<String>,
}

/// A training picture and how unlike the others it looks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// Its name.
    pub picture: String,
    /// Distance of its most unusual place from the other pictures: higher is more unusual. In embedding units; of an
    /// ensemble, in multiples of the middle picture's.
    pub score: f64,
    /// By how many deviations the score lies above the middle picture's.
    pub deviations: f64,
    /// That place: x and y in the picture's own pixels.
    pub at: [usize; 2],
}

/// Two training pictures that are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// Their names, the earlier one first.
    pub pictures: [String; 2],
    /// How they are the same.
    pub kind: Likeness,
}

/// How many of the pictures most unlike the others are dropped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outliers {
    /// So many.
    Count(usize),
    /// A share of the pictures, above 0 and below 1, rounded to the nearest number.
    Share(f64),
}

impl Outliers {
    /// Their number among so many pictures.
    ///
    /// ```
    /// use patchcore::Outliers;
    /// assert_eq!(Outliers::Share(0.05).of(50)?, 3);
    /// assert!(Outliers::Count(50).of(50).is_err());
    /// # Ok::<(), patchcore::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`] if it is no share, or would leave none.
    pub fn of(self, pictures: usize) -> Result<usize, Error> {
        let wrong = |got: String, must: String| Error::Parameter { name: "drop_outliers", got, must };
        let count = match self {
            Self::Count(count) => count,
            Self::Share(share) if share > 0.0 && share < 1.0 => (share * pictures as f64).round() as usize,
            Self::Share(share) => return Err(wrong(share.to_string(), "above 0 and below 1".into())),
        };
        if count >= pictures.max(1) {
            return Err(wrong(count.to_string(), format!("less than the {pictures} pictures")));
        }
        Ok(count)
    }
}

/// The pictures that are audited, without their embeddings.
pub(crate) struct Audited<'a> {
    pub(crate) names: &'a [String],
    /// Width and height of each.
    pub(crate) sizes: &'a [[usize; 2]],
    pub(crate) fingerprints: &'a [Fingerprint],
}

impl Audit {
    /// Audits pictures by what each member's network says; also gives their numbers in the ranking's order.
    pub(crate) fn of(
        pictures: &Audited<'_>,
        members: &[(&Params, &TrainingPatches)],
        progress: &dyn Progress,
    ) -> (Self, Vec<usize>) {
        let name = |i: usize| pictures.names[i].clone();
        let same = |(a, b, kind)| Duplicate { pictures: [name(a), name(b)], kind };
        let duplicates = Fingerprints::new(pictures.fingerprints).pairs().into_iter().map(same).collect();
        let found: Vec<Vec<Peak>> = members.iter().map(|(_, patches)| peaks(patches, progress)).collect();
        let (scores, leading) = fused(&found);
        let (median, deviation) = middle(&scores);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
        let suspect = |&i: &usize| Suspect {
            picture: name(i),
            score: scores[i],
            deviations: if deviation > 0.0 { (scores[i] - median) / deviation } else { 0.0 },
            at: pixel(members[leading[i]].0, pictures.sizes[i], &found[leading[i]][i]),
        };
        let ranking = order.iter().map(suspect).collect();
        (Self { ranking, median, deviation, duplicates, dropped: Vec::new() }, order)
    }
}

/// A picture's most unusual place.
struct Peak {
    score: f64,
    /// Row and column of the patch.
    patch: [usize; 2],
    grid: [usize; 2],
}

/// The pixel in the middle of a patch's share of what the network sees of a picture.
fn pixel(params: &Params, [width, height]: [usize; 2], peak: &Peak) -> [usize; 2] {
    let [y0, y1, x0, x1] = params.preprocess.visible(width, height);
    let along = |from: usize, to: usize, patch: usize, patches: usize| {
        from + (2 * patch + 1) * (to - from) / (2 * patches.max(1))
    };
    [along(x0, x1, peak.patch[1], peak.grid[1]), along(y0, y1, peak.patch[0], peak.grid[0])]
}

/// One score for each picture, and the member that speaks loudest of it.
fn fused(members: &[Vec<Peak>]) -> (Vec<f64>, Vec<usize>) {
    let medians = members.iter().map(|peaks| middle(&peaks.iter().map(|p| p.score).collect::<Vec<_>>()).0);
    let scales: Vec<f64> = match members.len() {
        1 => vec![1.0],
        _ => medians.map(|median| if median > 0.0 { median } else { 1.0 }).collect(),
    };
    let of_picture = |i: usize| {
        let scores: Vec<f64> =
            members.iter().zip(&scales).map(|(peaks, scale)| peaks[i].score / scale).collect();
        let loudest = (0..scores.len()).fold(0, |best, m| if scores[m] > scores[best] { m } else { best });
        (scores.iter().sum::<f64>() / scores.len() as f64, loudest)
    };
    (0..members.first().map_or(0, Vec::len)).map(of_picture).unzip()
}

/// The median, and the median absolute deviation from it as a standard deviation; zeros for no values.
fn middle(values: &[f64]) -> (f64, f64) {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    let middle = median(values.to_vec());
    (middle, TO_DEVIATION * median(values.iter().map(|v| (v - middle).abs()).collect()))
}

/// Some patches of some pictures, picture by picture.
struct Witnesses {
    rows: Vec<f32>,
    d: usize,
    /// Number of each picture, and how many patches of it there are.
    pictures: Vec<(usize, usize)>,
}

impl Witnesses {
    fn of(patches: &TrainingPatches) -> Self {
        let d = patches.rows.dim().max(1);
        let every = patches.pictures.len().div_ceil(WITNESSES[0]).max(1);
        let some: Vec<usize> = (0..patches.pictures.len()).step_by(every).collect();
        let each = WITNESSES[1] / some.len().max(1);
        let (mut rows, mut pictures, mut space) = (Vec::new(), Vec::new(), Vec::new());
        for i in some {
            let [h, w] = patches.pictures[i].grid;
            let own = patches.picture(i, &mut space);
            let step = ((h * w) as f64 / each as f64).sqrt().ceil().max(1.0) as usize;
            let [some_rows, some_columns] = [spread(h, step), spread(w, step)];
            pictures.push((i, some_rows.len() * some_columns.len()));
            rows.extend(at_places(own, d, w, &some_rows, &some_columns));
        }
        Self { rows, d, pictures }
    }

    /// How far each of these patches of picture `own` is from those of the other pictures: the mean of its distance to the
    /// nearest picture, and of that within which [`SHARE`] of the pictures have a patch.
    fn distances(&self, own: usize, patches: &[f32]) -> Vec<f32> {
        let n = patches.len() / self.d;
        // Picture by picture the nearest of its patches, for every patch.
        let mut nearest = Vec::new();
        let (mut first, mut squared) = (0, Vec::new());
        for &(picture, rows) in &self.pictures {
            let of_picture = &self.rows[first * self.d..][..rows * self.d];
            first += rows;
            if picture == own || rows == 0 {
                continue;
            }
            squared.resize(n * rows, 0.0);
            squared_l2_block(Isa::best(), patches, of_picture, self.d, &mut squared);
            nearest.extend(
                squared.chunks_exact(rows).map(|row| row.iter().copied().fold(f32::INFINITY, f32::min)),
            );
        }
        let others = nearest.len() / n.max(1);
        if others == 0 {
            return vec![0.0; n];
        }
        let rank = ((SHARE * others as f64).round() as usize).clamp(1, others) - 1;
        let of_patch = |patch: usize| {
            let mut all: Vec<f32> = nearest.iter().skip(patch).step_by(n).copied().collect();
            let (nearer, &mut at, _) = all.select_nth_unstable_by(rank, f32::total_cmp);
            let nearest = nearer.iter().copied().fold(at, f32::min);
            f32::midpoint(nearest.sqrt(), at.sqrt())
        };
        (0..n).map(of_patch).collect()
    }
}

/// One in so many of `n` places, from the middle of the first so many.
fn spread(n: usize, step: usize) -> Vec<usize> {
    (step.min(n) / 2..n).step_by(step).collect()
}

/// The patches where these rows and columns of a grid of width `w` meet.
fn at_places(patches: &[f32], d: usize, w: usize, rows: &[usize], columns: &[usize]) -> Vec<f32> {
    let places = rows.iter().flat_map(|y| columns.iter().map(move |x| y * w + x));
    places.flat_map(|place| &patches[place * d..][..d]).copied().collect()
}

/// The most unusual place of every picture; none if there is only one picture.
fn peaks(patches: &TrainingPatches, progress: &dyn Progress) -> Vec<Peak> {
    if patches.pictures.len() < 2 {
        return Vec::new();
    }
    let (witnesses, d) = (Witnesses::of(patches), patches.rows.dim());
    let of_picture = |i: usize| {
        let (mut space, grid @ [h, w]) = (Vec::new(), patches.pictures[i].grid);
        let [rows, columns] = [h, w].map(|side| spread(side, EVERY.min(side / FINE).max(1)));
        let some = at_places(patches.picture(i, &mut space), d, w, &rows, &columns);
        let distances = some.chunks(TOGETHER * d).flat_map(|some| witnesses.distances(i, some)).collect();
        let map = AnomalyMap::from_vec(rows.len(), columns.len(), distances).unwrap_or_default();
        let (at, score) = largest(&gaussian_blur(&map, BLUR * rows.len().min(columns.len()) as f64));
        progress.advance(1);
        let patch = [at / columns.len().max(1), at % columns.len().max(1)];
        let patch =
            [(rows, patch[0]), (columns, patch[1])].map(|(places, i)| places.get(i).copied().unwrap_or(0));
        Peak { score: score.into(), patch, grid }
    };
    (0..patches.pictures.len()).into_par_iter().map(of_picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FeaturePrecision, Quiet};
    use patchcore_kernels::distance::squared_l2;
    use patchcore_tensor::Embeddings;
    use patchcore_testkit::weights::uniform;

    const D: usize = 5;

    /// Pictures of a grid of patches near 0; `change` may make some of them odd.
    fn patches(n: usize, grid: [usize; 2], change: impl Fn(usize, &mut [f32])) -> TrainingPatches {
        let mut all = TrainingPatches::default();
        for i in 0..n {
            let count = grid[0] * grid[1];
            let mut values: Vec<f32> =
                uniform("patches", i as u64, count * D).into_iter().map(|v| v as f32).collect();
            change(i, &mut values);
            let rows = Embeddings::from_vec(count, D, values).unwrap();
            let picture = crate::PictureEmbeddings { rows, grid };
            all.push("p", &picture, grid.map(|side| side * 8), FeaturePrecision::F32, n).unwrap();
        }
        all
    }

    #[test]
    fn a_patch_is_measured_against_every_other_picture() {
        let n = 9;
        let all = patches(n, [3, 4], |_, _| {});
        let witnesses = Witnesses::of(&all);
        let own = |i| all.picture(i, &mut Vec::new()).to_vec();
        for i in 0..n {
            let rows = own(i);
            let expected = rows.chunks_exact(D).map(|patch| {
                let nearest = |j| {
                    own(j)
                        .chunks_exact(D)
                        .map(|row| squared_l2(Isa::best(), patch, row))
                        .fold(f32::INFINITY, f32::min)
                };
                let mut to: Vec<f32> = (0..n).filter(|&j| j != i).map(nearest).collect();
                to.sort_by(f32::total_cmp);
                // 0.3 of 8 others: the second.
                f32::midpoint(to[0].sqrt(), to[1].sqrt())
            });
            assert_eq!(witnesses.distances(i, &rows), expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn places_are_spread_evenly_and_never_none() {
        assert_eq!(spread(9, 3), [1, 4, 7]);
        assert_eq!(spread(10, 3), [1, 4, 7]);
        assert_eq!([spread(1, 3), spread(2, 3)], [vec![0], vec![1]]);
        assert_eq!(spread(4, 1), [0, 1, 2, 3]);
    }

    #[test]
    fn two_of_a_kind_do_not_hide_each_other() {
        let odd = |i: usize, values: &mut [f32]| {
            if i == 4 || i == 10 {
                values[7 * D..8 * D].fill(3.0);
            }
        };
        let peaks = peaks(&patches(20, [3, 4], odd), &Quiet);
        let mut order: Vec<usize> = (0..20).collect();
        order.sort_by(|&a, &b| peaks[b].score.total_cmp(&peaks[a].score));
        order.truncate(2);
        order.sort_unstable();
        assert_eq!(order, [4, 10]);
        assert_eq!((peaks[4].patch, peaks[4].grid), ([1, 3], [3, 4]));
    }

    #[test]
    fn threads_change_nothing_and_many_pictures_have_some_witnesses() {
        let all = patches(300, [12, 10], |_, _| {});
        assert!(Witnesses::of(&all).pictures.len() <= WITNESSES[0]);
        assert!(Witnesses::of(&all).rows.len() <= WITNESSES[1] * D);
        assert!(Witnesses::of(&all).pictures.iter().all(|&(_, rows)| rows > 0));
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| peaks(&all, &Quiet).into_iter().map(|p| (p.score, p.patch)).collect::<Vec<_>>())
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn one_picture_is_unlike_nothing() {
        let (audit, order) = Audit::of(
            &Audited { names: &["a".into()], sizes: &[[8, 8]], fingerprints: &[] },
            &[(&Params::default(), &patches(1, [2, 2], |_, _| {}))],
            &Quiet,
        );
        assert_eq!((audit.ranking.len(), order.len(), audit.median), (0, 0, 0.0));
    }

    #[test]
    fn members_speak_in_multiples_of_their_own_middle() {
        let peak = |score| Peak { score, patch: [0, 0], grid: [1, 1] };
        let (a, b) = ([1.0, 2.0, 3.0].map(peak), [10.0, 10.0, 90.0].map(peak));
        let (scores, loudest) = fused(&[a.into(), b.into()]);
        assert_eq!(scores, [0.75, 1.0, 5.25]);
        assert_eq!(loudest, [1, 0, 1]);
        assert_eq!(middle(&[1.0, 2.0, 9.0]), (2.0, TO_DEVIATION));
    }
}

//! Scores of several models made one, as the original program does over a whole test set.
//!
//! Per model `(x - min) / (max - min)`, where the extremes are those of the whole test set, then the mean over
//! models; in `f32`, as the original. The result depends on the pictures that happen to be in the set: fit to compute the
//! published AUROC of an ensemble, unfit for a deployed threshold.

use crate::undefined::Undefined;

/// One score per picture from the scores of several models.
///
/// `models[m][i]` is model `m`'s score of picture `i`. The fused scores lie in `[0, 1]`. A single model is scaled too.
///
/// # Errors
///
/// [`Undefined`] if there are no models or no pictures, the models differ in length, a score is NaN or infinite, or a
/// model's scores are all equal (one picture included) or span more than `f32` holds.
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::{Undefined, min_max_fuse_scores};
/// assert_eq!(min_max_fuse_scores(&[&[1.0, 2.0, 3.0], &[40.0, 20.0, 60.0]]), Ok(vec![0.25, 0.25, 1.0]));
/// assert_eq!(min_max_fuse_scores(&[&[1.0]]), Err(Undefined::Constant { model: 0 }));
/// ```
pub fn min_max_fuse_scores(models: &[&[f32]]) -> Result<Vec<f32>, Undefined> {
    let expected = models.first().ok_or(Undefined::Empty)?.len();
    let mut fused = vec![0.0; expected];
    for (model, &scores) in models.iter().enumerate() {
        check_length(model, scores.len(), expected)?;
        if let Some(index) = scores.iter().position(|score| !score.is_finite()) {
            return Err(Undefined::NotFinite { index });
        }
        let scale = Scale::new(model, scores.iter().copied())?;
        scale.add(scores, &mut fused);
    }
    divide(&mut fused, models.len());
    Ok(fused)
}

/// One map per picture from the maps of several models; the extremes are those of all pixels of all pictures.
///
/// `models[m][i]` is model `m`'s map of picture `i`; the fused maps come in the same order, with values in `[0, 1]`.
///
/// # Errors
///
/// As [`min_max_fuse_scores`].
///
/// # Examples
///
/// ```
/// # use patchcore_metrics::min_max_fuse_maps;
/// let fused = min_max_fuse_maps(&[vec![&[0.0, 1.0], &[2.0, 4.0]]])?;
/// assert_eq!(fused, [[0.0, 0.25], [0.5, 1.0]]);
/// # Ok::<(), patchcore_metrics::Undefined>(())
/// ```
pub fn min_max_fuse_maps(models: &[Vec<&[f32]>]) -> Result<Vec<Vec<f32>>, Undefined> {
    let first = models.first().ok_or(Undefined::Empty)?;
    let mut fused: Vec<Vec<f32>> = first.iter().map(|map| vec![0.0; map.len()]).collect();
    for (model, maps) in models.iter().enumerate() {
        check_length(model, maps.len(), first.len())?;
        for (picture, (map, expected)) in maps.iter().zip(first).enumerate() {
            check_length(model, map.len(), expected.len())?;
            if let Some(index) = map.iter().position(|score| !score.is_finite()) {
                return Err(Undefined::NotFinitePixel { picture, index });
            }
        }
        let scale = Scale::new(model, maps.iter().flat_map(|map| map.iter().copied()))?;
        for (map, sum) in maps.iter().zip(&mut fused) {
            scale.add(map, sum);
        }
    }
    for map in &mut fused {
        divide(map, models.len());
    }
    Ok(fused)
}

fn check_length(model: usize, got: usize, expected: usize) -> Result<(), Undefined> {
    if got == expected { Ok(()) } else { Err(Undefined::UnequalModels { model, got, expected }) }
}

/// Where one model's scores begin, and how far they reach.
struct Scale {
    min: f32,
    range: f32,
}

impl Scale {
    fn new(model: usize, scores: impl Iterator<Item = f32>) -> Result<Self, Undefined> {
        let extremes = scores.fold(None, |seen: Option<(f32, f32)>, s| {
            Some(seen.map_or((s, s), |(min, max)| (min.min(s), max.max(s))))
        });
        let (min, max) = extremes.ok_or(Undefined::Empty)?;
        let range = max - min;
        if range == 0.0 {
            return Err(Undefined::Constant { model });
        }
        if range.is_infinite() {
            return Err(Undefined::RangeTooWide { model });
        }
        Ok(Self { min, range })
    }

    fn add(&self, scores: &[f32], sum: &mut [f32]) {
        for (sum, &score) in sum.iter_mut().zip(scores) {
            *sum += (score - self.min) / self.range;
        }
    }
}

fn divide(sum: &mut [f32], n_models: usize) {
    for value in sum {
        *value /= n_models as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_range_is_refused() {
        assert_eq!(min_max_fuse_scores(&[]), Err(Undefined::Empty));
        assert_eq!(min_max_fuse_scores(&[&[]]), Err(Undefined::Empty));
        assert_eq!(min_max_fuse_scores(&[&[1.0, 2.0], &[3.0, 3.0]]), Err(Undefined::Constant { model: 1 }));
        assert_eq!(min_max_fuse_scores(&[&[f32::MIN, f32::MAX]]), Err(Undefined::RangeTooWide { model: 0 }));
        assert_eq!(min_max_fuse_maps(&[vec![&[][..]]]), Err(Undefined::Empty));
    }

    #[test]
    fn unequal_models_are_named() {
        assert_eq!(
            min_max_fuse_scores(&[&[1.0, 2.0], &[3.0]]),
            Err(Undefined::UnequalModels { model: 1, got: 1, expected: 2 })
        );
        assert_eq!(
            min_max_fuse_maps(&[vec![&[0.0, 1.0]], vec![&[0.0, f32::NAN]]]),
            Err(Undefined::NotFinitePixel { picture: 0, index: 1 })
        );
    }
}

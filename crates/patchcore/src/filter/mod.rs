//! A lower bound of the distance between two embeddings, from short codes.
//!
//! Coreset and search ask again and again whether a row may be nearer than what is known already. Most may not, and a
//! code of `k` bytes proves it: the filter never discards a pair whose distance, as
//! [`squared_l2`](patchcore_kernels::distance::squared_l2) computes it, could matter, so answers do not depend on it. It
//! only saves time, and a badly chosen filter only saves less.
//!
//! The proof, rounding included, is the page `docs/filter-bound.md`, which follows.
//!
#![doc = include_str!("../../../../docs/filter-bound.md")]

mod directions;
mod encode;
#[cfg(test)]
mod tests;
mod whole;

pub(crate) use encode::{Code, Codes, Encoder, Images};
pub(crate) use whole::{Whole, likeliest_first};

use crate::PatchRows;
use directions::{mean_row, principal_directions};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Half the distance from 1 to the next `f32`.
const UNIT: f64 = 1.0 / (1u64 << 24) as f64;
/// Codes of whole rows have a multiple of this many values.
const WHOLE: usize = 64;
/// The largest width of a code: two codes are then less than [`FARTHEST`] apart.
const WIDEST: usize = 8192;
/// More than underflow can take from a sum of squares.
const TINY: f64 = 1e-40;
/// Steps of quantisation whose inverse is as precise as they are.
const STEPS: std::ops::Range<f32> = 1e-35..1e35;
/// The half of a row that is never dropped: its product with any other is larger.
const ALWAYS: i32 = -(1 << 29);
/// The largest reach, beyond any `I`: that of everything.
const FARTHEST: f64 = (1 << 29) as f64;

/// What the codes of a set of rows are made with.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Values of a row.
    d: usize,
    parts: Parts,
    /// What is subtracted from a row, `[d]`.
    mean: Vec<f32>,
    /// The directions, `[k - 1, d]`; none if the whole row is coded.
    directions: Vec<f32>,
    /// How far the map may lengthen a difference.
    stretch: f64,
    /// The Frobenius norm of `VVᵀ - I`.
    skew: f64,
}

/// The numbers of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parts {
    /// Values of a code.
    k: usize,
    /// What is subtracted from the length of the rest.
    centre: f32,
    /// The step of quantisation, above zero.
    step: f32,
    /// The step of guesses.
    guess_step: f32,
}

/// The mean and the leading directions of some rows, for filters of several widths.
pub(crate) struct Directions {
    mean: Vec<f32>,
    /// `[count, d]`.
    rows: Vec<f32>,
}

impl Directions {
    /// As many directions as codes of up to `most` values need.
    pub(crate) fn new(rows: &dyn PatchRows, most: usize) -> Self {
        let (mean, rows) = principal_directions(rows, most - 1);
        Self { mean, rows }
    }
}

impl Filter {
    /// A filter with codes of `k` values, a multiple of four, for rows like these; `None` if the rows cannot be told apart
    /// by it: too narrow, too few, all equal, or not finite.
    pub(crate) fn new(rows: &dyn PatchRows, directions: &Directions, k: usize) -> Option<Self> {
        let d = rows.dim();
        let own = directions.rows.get(..(k - 1) * d)?;
        let enough = k <= d && k <= rows.len();
        if enough { Self::fitted_to(rows, k, directions.mean.clone(), own.to_vec()) } else { None }
    }

    /// A filter that codes the whole row, a byte per value: no direction is lost, only precision.
    pub(crate) fn whole(rows: &dyn PatchRows) -> Option<Self> {
        let k = rows.dim().next_multiple_of(WHOLE);
        if rows.is_empty() { None } else { Self::fitted_to(rows, k, mean_row(rows), Vec::new()) }
    }

    fn fitted_to(rows: &dyn PatchRows, k: usize, mean: Vec<f32>, directions: Vec<f32>) -> Option<Self> {
        let raw = Parts { k, centre: 0.0, step: 1.0, guess_step: 1.0 };
        let raw = Self::from_parts(raw, mean, directions)?;
        let [centre, step, guess_step] = Encoder::new(raw.clone()).measure(rows)?;
        let parts = Parts { k, centre, step, guess_step };
        Self::from_parts(parts, raw.mean, raw.directions)
    }

    /// A filter from what [`parts`](Self::parts) gave; `None` if that makes none. Whatever it is made of, its bound holds:
    /// what the bound needs is measured here.
    pub(crate) fn from_parts(parts: Parts, mean: Vec<f32>, directions: Vec<f32>) -> Option<Self> {
        let d = mean.len();
        let fits = if directions.is_empty() {
            parts.k == d.next_multiple_of(WHOLE)
        } else {
            parts.k.is_multiple_of(4) && Some(directions.len()) == (parts.k.checked_sub(1)).map(|n| n * d)
        };
        let sound = STEPS.contains(&parts.step)
            && STEPS.contains(&parts.guess_step)
            && parts.centre.is_finite()
            && mean.iter().all(|v| v.is_finite());
        if d == 0 || parts.k == 0 || parts.k > WIDEST || !fits || !sound {
            return None;
        }
        let mut filter = Self { d, parts, mean, directions, stretch: 1.0, skew: 0.0 };
        let skew = filter.measure_skew();
        (filter.skew, filter.stretch) = (skew, (1.0 + skew * (1.0 + skew)).sqrt());
        (skew < 0.1).then_some(filter)
    }

    /// The numbers, the mean and the directions that a filter is made of.
    pub(crate) fn parts(&self) -> (Parts, &[f32], &[f32]) {
        (self.parts, &self.mean, &self.directions)
    }

    /// Values of a row.
    pub(crate) fn d(&self) -> usize {
        self.d
    }

    /// Whether it codes the whole row.
    pub(crate) fn is_whole(&self) -> bool {
        self.directions.is_empty()
    }

    /// Values of a code.
    pub(crate) fn k(&self) -> usize {
        self.parts.k
    }

    /// The Frobenius norm of `VVᵀ - I`.
    fn measure_skew(&self) -> f64 {
        let rows: Vec<&[f32]> = self.directions.chunks_exact(self.d).collect();
        let of_row = |i: usize| -> f64 {
            let off = |j: usize| {
                let dot: f64 = rows[i].iter().zip(rows[j]).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                // A direction of zeros adds nothing to any product.
                (dot - f64::from(u8::from(i == j && dot > 0.0))).powi(2)
            };
            (0..=i).map(|j| if i == j { off(j) } else { 2.0 * off(j) }).sum()
        };
        let sums: Vec<f64> = (0..rows.len()).into_par_iter().map(of_row).collect();
        sums.iter().sum::<f64>().sqrt() + 1e-9
    }

    /// A lower bound of the computed squared distance of two rows whose codes are `steps` apart.
    pub(crate) fn at_least(&self, steps: i32, error: f32, other: f32) -> f32 {
        let image = f64::from(self.parts.step) * f64::from(steps).sqrt() * (1.0 - 1e-9);
        let distance = (image - f64::from(error) - f64::from(other)).max(0.0) / self.stretch;
        let computed = distance * distance * (1.0 - self.rounding()) - TINY;
        // Rounding to `f32` may go up; NaN, from an infinite error, bounds nothing.
        if computed > 0.0 { ((computed * (1.0 - 1e-9)) as f32).next_down() } else { 0.0 }
    }

    /// How far the code of a row may lie from the image of one whose computed squared distance is at most `limit`; `error`
    /// is the row's.
    pub(crate) fn span(&self, limit: f32, error: f32) -> f64 {
        let distance = ((f64::from(limit) + TINY) / (1.0 - self.rounding())).sqrt();
        (self.stretch * distance + f64::from(error)) * (1.0 + 1e-9)
    }

    /// The largest `I` of a pair within a [`span`](Self::span), where the other row's error is at most `error`.
    pub(crate) fn reach(&self, span: f64, error: f32) -> i32 {
        let steps = (span + f64::from(error)) / f64::from(self.parts.step) * (1.0 + 1e-9);
        let squared = steps * steps;
        // Rounded down and up again; written so that NaN goes the safe way.
        if squared < FARTHEST { squared as i32 + 1 } else { FARTHEST as i32 }
    }

    /// What the product of a row's code with another's, less half the other's squared length, must reach for their
    /// computed squared distance to be at most `limit`. `norm` and `error` are the row's; the other's error is at most
    /// `common`.
    pub(crate) fn asked(&self, norm: i32, error: f32, limit: f32, common: f32) -> i32 {
        (norm - self.reach(self.span(limit, error), common)).div_euclid(2)
    }

    /// The half of the other's squared length that stands on its side of the comparison: less where its `error` exceeds
    /// `common`, as much as a pair within `span` needs. [`ALWAYS`] where that is too much to say.
    ///
    /// Such a pair has `step sqrt(I) <= span + error`, and [`reach`](Self::reach) allows for
    /// `step sqrt(I) <= span + common`; the squares differ by `(error - common) (2 span + error + common)`.
    pub(crate) fn half(&self, norm: i32, error: f32, common: f32, span: f64) -> i32 {
        if error <= common {
            return norm.div_euclid(2);
        }
        let (error, common, step) = (f64::from(error), f64::from(common), f64::from(self.parts.step));
        let steps = (error - common) * (2.0 * span + error + common) / (step * step) * (1.0 + 1e-9);
        // Written so that NaN goes the safe way.
        if steps < FARTHEST / 2.0 { (norm - steps as i32 - 1).div_euclid(2) } else { ALWAYS }
    }

    /// The relative error of a computed squared distance.
    fn rounding(&self) -> f64 {
        gamma(self.d / 16 + 8)
    }
}

/// The relative error of `n` roundings, one after the other.
fn gamma(n: usize) -> f64 {
    let n = n as f64 * UNIT;
    n / (1.0 - n)
}

//! From rows to codes, each with its error.

use super::directions::{Product, ProductSpace};
use super::{Filter, Parts, TINY, UNIT, gamma};
use crate::PatchRows;
use patchcore_kernels::codes::{LARGEST, Rounded, centre as centre_row, quantise, squared_length, turn};
use patchcore_kernels::isa::Isa;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Rows of one task.
const BLOCK: usize = 48;
/// Rows that say how far coordinates reach.
const SAMPLE: usize = 1024;
/// Shares of the largest coordinate that a code may reach: what lies beyond is cut and pays with its error.
const REACHES: [f32; 7] = [1.15, 1.0, 0.87, 0.76, 0.66, 0.57, 0.5];
/// Values of a guess.
pub(crate) const GUESS: usize = 32;

/// The codes of some rows.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    /// `[n, k]`.
    pub(crate) values: Vec<i8>,
    /// The squared length of each code.
    pub(crate) norms: Vec<i32>,
    /// An upper bound of the distance from each row's image to its code; infinite for rows that are not finite.
    pub(crate) errors: Vec<f32>,
    /// A shorter code of the leading directions alone, `[n, GUESS]`, if the encoder makes any: good for guessing, it bounds
    /// nothing.
    pub(crate) guesses: Vec<i8>,
}

impl Codes {
    /// An error that covers this share of the rows; [`Filter::half`] makes up for the others.
    pub(crate) fn common_error(&self, share: f64) -> f32 {
        let mut errors = self.errors.clone();
        let covered = ((errors.len() as f64 * share) as usize).min(errors.len() - 1);
        let (_, &mut error, _) = errors.select_nth_unstable_by(covered, f32::total_cmp);
        if error.is_finite() { error } else { 0.0 }
    }

    fn resize(&mut self, n: usize, k: usize, guess: usize) {
        self.values.resize(n * k, 0);
        self.norms.resize(n, 0);
        self.errors.resize(n, 0.0);
        self.guesses.resize(n * guess, 0);
    }

    /// The code of one row.
    pub(crate) fn of(&self, row: usize) -> Code<'_> {
        let k = self.values.len() / self.norms.len();
        Code { values: &self.values[row * k..][..k], norm: self.norms[row], error: self.errors[row] }
    }
}

/// The code of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code<'a> {
    /// `[k]`.
    pub(crate) values: &'a [i8],
    /// The squared length.
    pub(crate) norm: i32,
    /// An upper bound of the distance from the row's image.
    pub(crate) error: f32,
}

/// A filter that is ready to make codes.
pub(crate) struct Encoder {
    pub(crate) filter: Filter,
    /// None if the whole row is coded.
    product: Option<Product>,
    longest: f64,
    /// Values of a guess; 0 for none.
    guess: usize,
    /// Memory of earlier rows.
    spaces: Mutex<Vec<Images>>,
}

/// Where rows are read from.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// One after the other in memory.
    Values(&'a [f32]),
    /// As a training set keeps them.
    Kept(&'a dyn PatchRows),
}

impl<'a> Source<'a> {
    fn values(self, places: Range<usize>, space: &'a mut Vec<f32>) -> &'a [f32] {
        match self {
            Self::Values(values) => &values[places],
            Self::Kept(rows) => rows.values(places, space),
        }
    }
}

/// What rows become before they are turned and quantised.
#[derive(Default)]
pub(crate) struct Images {
    /// `[n, k]`.
    values: Vec<f32>,
    /// What rounding may have moved each of them; 0 where that is in proportion to their length.
    errors: Vec<f64>,
    /// The rows less the mean.
    centred: Vec<f32>,
    /// Their products with the directions.
    along: Vec<f32>,
    space: ProductSpace,
    /// The rows, where they are not kept as `f32`.
    kept: Vec<f32>,
}

/// Places of the codes of a block of rows.
struct Places<'a> {
    values: &'a mut [i8],
    norms: &'a mut [i32],
    errors: &'a mut [f32],
    guesses: &'a mut [i8],
}

impl Encoder {
    pub(crate) fn new(filter: Filter) -> Self {
        let product = (!filter.directions.is_empty()).then(|| Product::new(&filter.directions, filter.d));
        let length = |row: &[f32]| row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let longest = filter.directions.chunks_exact(filter.d).map(length).fold(0.0, f64::max);
        Self { filter, product, longest, guess: 0, spaces: Mutex::default() }
    }

    /// Makes guesses too, if it does not code the whole row.
    pub(crate) fn guessing(filter: Filter) -> Self {
        let guess = if filter.is_whole() { 0 } else { GUESS.min(filter.k()) };
        Self { guess, ..Self::new(filter) }
    }

    /// Values of a guess; 0 if there are none.
    pub(crate) fn guess(&self) -> usize {
        self.guess
    }

    /// The mean length of the rest, and the steps of codes and of guesses; `None` if rows cannot be told apart.
    pub(super) fn measure(&self, rows: &dyn PatchRows) -> Option<[f32; 3]> {
        let every = rows.len().div_ceil(SAMPLE);
        let sample = rows.select(&(0..rows.len()).step_by(every).collect::<Vec<_>>());
        let k = self.filter.k();
        let mut images = Images::default();
        self.image(sample.data(), &mut images);
        let mut images = images.values;
        let n = images.len() / k;
        let rest: f64 = images.chunks_exact(k).map(|image| f64::from(image[k - 1])).sum();
        let centre = if self.product.is_some() { (rest / n as f64) as f32 } else { 0.0 };
        let isa = Isa::best();
        let mut short = Vec::with_capacity(n * GUESS.min(k));
        for image in images.chunks_exact_mut(k) {
            short.extend_from_slice(&image[..GUESS.min(k)]);
            image[k - 1] -= centre;
            turn(isa, image);
        }
        short.chunks_exact_mut(GUESS.min(k)).for_each(|guess| turn(isa, guess));
        let steps = [centre, best_step(&images, k)?, best_step(&short, GUESS.min(k))?];
        steps.iter().all(|v| v.is_finite()).then_some(steps)
    }

    /// The codes of rows that lie one after the other.
    pub(crate) fn encode(&self, rows: &[f32]) -> Codes {
        let mut codes = Codes::default();
        self.encode_into(rows, &mut codes);
        codes
    }

    /// The codes of all rows; `done` hears of every few.
    pub(crate) fn encode_telling(&self, rows: &dyn PatchRows, done: impl Fn(usize) + Sync) -> Codes {
        let mut codes = Codes::default();
        self.encode_blocks(Source::Kept(rows), rows.len(), &mut codes, done);
        codes
    }

    /// As [`encode`](Self::encode), into the memory of earlier codes.
    pub(crate) fn encode_into(&self, rows: &[f32], codes: &mut Codes) {
        self.encode_blocks(Source::Values(rows), rows.len() / self.filter.d, codes, |_| {});
    }

    /// As [`encode_into`](Self::encode_into), on this thread, with the memory of earlier images.
    pub(crate) fn encode_few(&self, rows: &[f32], codes: &mut Codes, images: &mut Images) {
        codes.resize(rows.len() / self.filter.d, self.filter.k(), self.guess);
        let Codes { values, norms, errors, guesses } = codes;
        self.block(rows, images, Places { values, norms, errors, guesses });
    }

    fn encode_blocks(&self, source: Source, n: usize, codes: &mut Codes, done: impl Fn(usize) + Sync) {
        let (d, k) = (self.filter.d, self.filter.k());
        codes.resize(n, k, self.guess);
        let Codes { values, norms, errors, guesses } = codes;
        // Where there are none, every block gets none.
        let mut guesses = guesses.chunks_mut((BLOCK * self.guess).max(1));
        let guesses: Vec<&mut [i8]> =
            norms.chunks(BLOCK).map(|_| guesses.next().unwrap_or_default()).collect();
        values
            .par_chunks_mut(BLOCK * k)
            .zip(norms.par_chunks_mut(BLOCK).zip(errors.par_chunks_mut(BLOCK)))
            .zip(guesses)
            .enumerate()
            .for_each(|(block, ((values, (norms, errors)), guesses))| {
                let spaces = || self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
                let mut images = spaces().pop().unwrap_or_default();
                let mut kept = std::mem::take(&mut images.kept);
                let (first, n) = (block * BLOCK, norms.len());
                let rows = source.values(first * d..(first + n) * d, &mut kept);
                self.block(rows, &mut images, Places { values, norms, errors, guesses });
                images.kept = kept;
                spaces().push(images);
                done(n);
            });
    }

    fn block(&self, rows: &[f32], images: &mut Images, places: Places) {
        let (isa, k) = (Isa::best(), self.filter.k());
        let Parts { centre, step, guess_step, .. } = self.filter.parts;
        self.image(rows, images);
        let Places { values, norms, errors, guesses } = places;
        if self.guess > 0 {
            for (image, guess) in images.values.chunks_exact(k).zip(guesses.chunks_exact_mut(self.guess)) {
                let mut leading = [0.0; GUESS];
                let leading = &mut leading[..guess.len()];
                leading.copy_from_slice(&image[..guess.len()]);
                turn(isa, leading);
                quantise(isa, leading, guess_step, guess);
            }
        }
        let out = values.chunks_exact_mut(k).zip(norms.iter_mut().zip(errors));
        let from = images.values.chunks_exact_mut(k).zip(&images.errors);
        for ((image, &moved), (code, (norm, error))) in from.zip(out) {
            image[k - 1] -= centre;
            turn(isa, image);
            let rounded = quantise(isa, image, step, code);
            *norm = rounded.norm;
            *error = above(self.missed(rounded) + moved);
        }
    }

    /// An upper bound of the distance from an image, before it was turned, to its code; for whole rows, from the row less
    /// the mean.
    fn missed(&self, Rounded { missed, norm }: Rounded) -> f64 {
        let k = self.filter.k();
        let quotients = (f64::from(norm).sqrt() + f64::from(missed)) * (1.0 + 1e-3);
        let missed = f64::from(missed) * (1.0 + gamma(k / 16 + 16)) + 2.2 * UNIT * quotients + 1e-15;
        let before = f64::from(self.filter.parts.step) * quotients;
        let turning = gamma(k.ilog2() as usize + 3) * before;
        // Subtracting the mean rounds once.
        let subtracting = if self.product.is_none() { UNIT * before } else { 0.0 };
        f64::from(self.filter.parts.step) * missed + turning + subtracting + TINY
    }

    fn image(&self, rows: &[f32], images: &mut Images) {
        let Filter { d, parts: Parts { k, centre, .. }, ref mean, skew, stretch, .. } = self.filter;
        let Images { values, errors, centred, along, space, .. } = images;
        let isa = Isa::best();
        values.clear();
        errors.clear();
        let Some(product) = &self.product else {
            values.resize(rows.len() / d * k, 0.0);
            for (row, image) in rows.chunks_exact(d).zip(values.chunks_exact_mut(k)) {
                let (own, beyond) = image.split_at_mut(d);
                centre_row(isa, row, mean, own);
                beyond.fill(0.0);
            }
            errors.resize(rows.len() / d, 0.0);
            return;
        };
        centred.resize(rows.len(), 0.0);
        let pairs = rows.chunks_exact(d).zip(centred.chunks_exact_mut(d));
        pairs.for_each(|(row, centred)| centre_row(isa, row, mean, centred));
        along.resize(rows.len() / d * (k - 1), 0.0);
        product.block(centred, space, along);
        let per_length = ((k - 1) as f64).sqrt() * gamma(product.roundings()) * self.longest;
        for (along, centred) in along.chunks_exact(k - 1).zip(centred.chunks_exact(d)) {
            let squared = f64::from(squared_length(isa, centred));
            let along_squared = f64::from(squared_length(isa, along));
            let summing = gamma(d / 16 + 16) * squared + gamma(k / 16 + 16) * along_squared + 2.0 * TINY;
            let length = (squared + 2.0 * summing).sqrt();
            let slip = per_length * length + TINY;
            let a = (along_squared + 2.0 * summing).sqrt() + slip;
            let miss = slip * (2.0 * a + slip) + skew * a * a + 2.0 * summing;
            let rest = (squared - along_squared).max(0.0).sqrt();
            let rest_miss = miss.sqrt().min(miss / rest.max(f64::MIN_POSITIVE)) + UNIT * rest;
            values.extend_from_slice(along);
            values.push(rest as f32);
            // The last two terms: subtracting the mean and the centre. The factor covers this arithmetic in `f64`.
            let moved = (slip * slip + rest_miss * rest_miss).sqrt()
                + stretch * UNIT * length * 1.01
                + UNIT * f64::from(centre.abs());
            errors.push(moved * (1.0 + 1e-9));
        }
    }
}

/// The next `f32` above; infinite if not a number.
fn above(error: f64) -> f32 {
    let rounded = (error * (1.0 + 1e-6)) as f32;
    if rounded.is_nan() { f32::INFINITY } else { rounded.next_up() }
}

/// The step with which rows of `k` coordinates lose least on the average; `None` if there is nothing to tell apart.
fn best_step(images: &[f32], k: usize) -> Option<f32> {
    let largest = images.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let mut code = vec![0; k];
    let mut missed = |step: f32| -> f64 {
        images
            .chunks_exact(k)
            .map(|image| f64::from(quantise(Isa::best(), image, step, &mut code).missed))
            .sum()
    };
    let steps = REACHES.map(|reach| largest * reach / LARGEST as f32);
    let measured =
        steps.into_iter().filter(|step| *step > 0.0).map(|step| (missed(step) * f64::from(step), step));
    measured.reduce(|a, b| if b.0 < a.0 { b } else { a }).map(|(_, step)| step)
}

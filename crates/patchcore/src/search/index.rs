//! Exact nearest neighbours without looking at most of the bank.
//!
//! 1. Guess: short codes of the leading directions name a few likely rows, codes of whole rows the likeliest of them; their
//!    distances give each query a limit, the `k`-th of them.
//! 2. Filter: codes of some rows of the bank are compared with those of all queries; only rows within [`Filter::reach`] of
//!    the limit stay. Their codes of whole rows, still close, are compared next. Then the next rows of the bank.
//! 3. Decide: what stayed is measured, the likeliest first, until the falling limit excludes the rest.
//!
//! A row that a filter drops is farther than the limit, so the neighbours are those of [`nearest`](super::nearest), to
//! the bit, ties included.

use super::{Neighbours, nearest_into};
use crate::bank::{MemoryBank, Stretch};
use crate::filter::{Codes, Encoder, Filter, Whole, likeliest_first};
use patchcore_kernels::codes::{Columns, GROUP, Lanes, MARKED, NEVER, best_per_lane, mark, marked};
use patchcore_kernels::distance::squared_l2_to;
use patchcore_kernels::isa::Isa;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::{Add, Range};
use std::sync::{Mutex, PoisonError};

/// Rows beyond `k` that are guessed.
const SPARE: usize = 7;
/// Fewest and most queries of a task. What a task has to do depends on all its queries; so the few that are counted when a
/// filter is chosen are one task, for any number of threads.
const TASK: [usize; 2] = [48, 1008];
/// Bytes of codes of whole rows that stay close while all queries pass.
const CLOSE: usize = 512 << 10;
/// Rows that may be left for each query, on the average, before they are measured.
const LEFT: usize = 32;
/// Rows that are measured at once.
const LIKELY: usize = 4;
/// Share of the rows whose errors are covered by their common one.
const COVERED: f64 = 0.5;

/// The codes of a memory bank.
pub(crate) struct Index {
    encoder: Encoder,
    columns: Columns,
    /// The squared length and the error of each code.
    norms: Vec<i32>,
    errors: Vec<f32>,
    /// About the error of all codes; what some have beyond it their halves make up for.
    error: f32,
    /// Short codes to guess with; none if the codes themselves serve.
    guesses: Option<Columns>,
    /// Half the squared length of each code that is guessed with.
    guess_halves: Vec<i32>,
    /// Codes of whole rows; the same as the codes, where these are of whole rows.
    whole: Whole,
    /// Memory of earlier searches.
    spaces: Mutex<Vec<Space>>,
}

/// Memory of a task.
#[derive(Default)]
struct Space {
    codes: Codes,
    /// The queries' codes of their whole width, where the codes are shorter.
    whole: Codes,
    lanes: Vec<Lanes>,
    bounds: Vec<i32>,
    halves: Vec<i32>,
    /// What the filter leaves of some rows, for each query.
    marks: Vec<u64>,
    numbers: Vec<u32>,
    products: Vec<i32>,
    /// What is left for each query: a lower bound of the squared distance, and the row.
    left: Vec<Vec<(f32, u32)>>,
}

/// What a search had to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Work {
    /// Pairs whose codes of whole rows were compared one by one.
    pub(crate) listed: usize,
    /// Pairs whose distance was computed.
    pub(crate) measured: usize,
}

impl Add for Work {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { listed: self.listed + other.listed, measured: self.measured + other.measured }
    }
}

impl Index {
    /// `None` if the rows of the bank cannot be told apart by codes.
    pub(crate) fn new(bank: &MemoryBank, filter: Filter) -> Option<Self> {
        let is_whole = filter.is_whole();
        let encoder = Encoder::guessing(filter);
        let codes = encoder.encode(bank.rows.data());
        let k = encoder.filter.k();
        let error = codes.common_error(COVERED);
        let columns = in_groups(&codes.values, k);
        let guesses = (!is_whole).then(|| in_groups(&codes.guesses, encoder.guess()));
        let squared = |guess: &[i8]| guess.iter().map(|&v| i32::from(v).pow(2)).sum::<i32>();
        let mut guess_halves: Vec<i32> = if is_whole {
            codes.norms.iter().map(|norm| norm / 2).collect()
        } else {
            codes.guesses.chunks_exact(encoder.guess()).map(|guess| squared(guess) / 2).collect()
        };
        guess_halves.resize(columns.groups() * GROUP, NEVER);
        let whole = if is_whole { encoder.filter.clone() } else { Filter::whole(&bank.rows)? };
        let mut whole = Whole::with_room(whole, bank.len());
        let (norms, errors) = (codes.norms.clone(), codes.errors.clone());
        if is_whole {
            whole.add(codes);
        } else {
            whole.extend(bank.rows.data());
        }
        Some(Self {
            encoder,
            columns,
            norms,
            errors,
            error,
            guesses,
            guess_halves,
            whole,
            spaces: Mutex::default(),
        })
    }

    /// As [`nearest`](super::nearest); `bank` is the one that the index was made of.
    pub(crate) fn nearest_into(
        &self,
        bank: &MemoryBank,
        queries: &[f32],
        k: usize,
        without: Option<Stretch>,
        found: &mut Neighbours,
    ) -> Work {
        let (d, k) = (bank.rows.dim(), k.min(bank.len()));
        let n = queries.len() / d;
        found.clear(n, k);
        let mut guess_halves = Cow::Borrowed(&self.guess_halves[..]);
        if let Some(left_out) = without {
            let own = bank.origins.iter().enumerate().filter(|(_, origin)| left_out.holds(origin.picture));
            own.for_each(|(i, _)| guess_halves.to_mut()[i] = NEVER);
        }
        let task = n.div_ceil(rayon::current_num_threads()).clamp(TASK[0], TASK[1]);
        let out = found.squared.par_chunks_mut(task * k).zip(found.index.par_chunks_mut(task * k));
        let work = out.zip(queries.par_chunks(task * d)).map(|((squared, index), queries)| {
            let spaces = || self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
            let mut space = spaces().pop().unwrap_or_default();
            let guess_halves = &guess_halves[..];
            let mut task = Task { index: self, bank, queries, squared, neighbours: index, k, guess_halves };
            let work = task.run(&mut space);
            task.settle_broken(&space.codes, without);
            spaces().push(space);
            work
        });
        work.reduce(Work::default, Work::add)
    }
}

/// Codes in groups.
fn in_groups(codes: &[i8], k: usize) -> Columns {
    let mut columns = Columns::with_room(k, codes.len() / k);
    codes.chunks_exact(k).for_each(|code| columns.push(code));
    columns
}

/// The nearest rows of a query so far, nearest first.
struct Best<'a> {
    squared: &'a mut [f32],
    index: &'a mut [u32],
}

impl Best<'_> {
    /// Takes a row that is not among them.
    fn add(&mut self, distance: f32, index: u32) {
        let before = |i: usize| (self.squared[i], self.index[i]) <= (distance, index);
        let last = self.squared.len() - 1;
        if !distance.is_finite() || before(last) {
            return;
        }
        let place = (0..last).take_while(|&i| before(i)).count();
        self.squared[place..].rotate_right(1);
        self.index[place..].rotate_right(1);
        (self.squared[place], self.index[place]) = (distance, index);
    }
}

/// Some queries on one thread.
struct Task<'a> {
    index: &'a Index,
    bank: &'a MemoryBank,
    queries: &'a [f32],
    squared: &'a mut [f32],
    neighbours: &'a mut [u32],
    k: usize,
    /// Half the squared length of each code that is guessed with; [`NEVER`] where a row is left out.
    guess_halves: &'a [i32],
}

impl Task<'_> {
    fn run(&mut self, space: &mut Space) -> Work {
        self.index.encoder.encode_into(self.queries, &mut space.codes);
        if !self.index.encoder.filter.is_whole() {
            self.index.whole.encoder.encode_into(self.queries, &mut space.whole);
        }
        space.left.iter_mut().for_each(Vec::clear);
        space.left.resize_with(self.len(), Vec::new);
        let mut work = self.guess(space);
        work.measured += self.settle(&mut space.left, self.k);
        work + self.decide(space)
    }

    /// The queries' codes of their whole width, which may be the codes that are filtered with.
    fn whole_codes<'a>(&self, codes: &'a Codes, whole: &'a Codes) -> &'a Codes {
        if self.index.encoder.filter.is_whole() { codes } else { whole }
    }

    fn len(&self) -> usize {
        self.squared.len() / self.k
    }

    fn query(&self, i: usize) -> &[f32] {
        let d = self.bank.rows.dim();
        &self.queries[i * d..][..d]
    }

    fn best(&mut self, query: usize) -> Best<'_> {
        let own = query * self.k..(query + 1) * self.k;
        Best { squared: &mut self.squared[own.clone()], index: &mut self.neighbours[own] }
    }

    /// What a row must not exceed to matter to a query.
    fn limit(&self, query: usize) -> f32 {
        self.squared[(query + 1) * self.k - 1]
    }

    fn measure(&mut self, query: usize, numbers: &[u32]) {
        let mut distances = [0.0; GROUP];
        let distances = &mut distances[..numbers.len()];
        squared_l2_to(Isa::best(), self.query(query), self.bank.rows.data(), numbers, distances);
        let mut best = self.best(query);
        distances.iter().zip(numbers).for_each(|(&distance, &number)| best.add(distance, number));
    }

    /// Measures the rows whose guesses are nearest: the best of each place of a group, in as many parts of the bank as
    /// needed for `k` rows. Codes of whole rows choose `k` among them.
    fn guess(&mut self, space: &mut Space) -> Work {
        let Space { codes, whole, lanes, numbers, products, left, .. } = space;
        let own = self.whole_codes(codes, whole);
        let (columns, codes) = match &self.index.guesses {
            Some(columns) => (columns, &codes.guesses),
            None => (&self.index.columns, &codes.values),
        };
        let all = columns.groups();
        let wanted = self.k + SPARE;
        let parts = wanted.div_ceil(GROUP).min(all);
        let per_part = wanted.div_ceil(parts).min(GROUP);
        let mut work = Work::default();
        for part in 0..parts {
            let groups = part * all / parts..(part + 1) * all / parts;
            lanes.clear();
            lanes.resize(self.len(), Lanes::NONE);
            best_per_lane(Isa::best(), codes, columns, self.guess_halves, groups, lanes);
            for (query, lanes) in lanes.iter().enumerate() {
                let mut order: [usize; GROUP] = std::array::from_fn(|lane| lane);
                order.sort_unstable_by_key(|&lane| std::cmp::Reverse(lanes.excess[lane]));
                let likely = order[..per_part].iter().filter(|&&lane| lanes.excess[lane] > -NEVER / 2);
                numbers.clear();
                numbers.extend(likely.map(|&lane| lanes.group[lane] as u32 * GROUP as u32 + lane as u32));
                let limit = self.limit(query);
                self.index.whole.within(own.of(query), numbers, limit, products, &mut left[query]);
                work.listed += numbers.len();
            }
        }
        work
    }

    /// What the excess of a row must reach to stay.
    fn bound(&self, codes: &Codes, query: usize) -> i32 {
        let Index { encoder, error, .. } = self.index;
        encoder.filter.asked(codes.norms[query], codes.errors[query], self.limit(query), *error)
    }

    fn bounds(&self, codes: &Codes, bounds: &mut Vec<i32>) {
        let broken = |query: usize| codes.errors[query].is_infinite();
        let bound = |query| if broken(query) { NEVER } else { self.bound(codes, query) };
        bounds.clear();
        bounds.extend((0..self.len()).map(bound));
    }

    /// The halves that the codes of the bank are compared by, for these queries.
    fn halves(&self, codes: &Codes, halves: &mut Vec<i32>) {
        let Index { encoder, norms, errors, error, .. } = self.index;
        let broken = |query: &usize| codes.errors[*query].is_infinite();
        let span = |query| encoder.filter.span(self.limit(query), codes.errors[query]);
        let span = (0..self.len()).filter(|query| !broken(query)).map(span).fold(0.0, f64::max);
        let half = |i: usize| encoder.filter.half(norms[i], errors[i], *error, span);
        halves.clear();
        halves.extend(
            self.guess_halves.iter().enumerate().map(|(i, &out)| if out == NEVER { NEVER } else { half(i) }),
        );
    }

    /// Filters the bank, some rows after the other, and measures what stays.
    fn decide(&mut self, space: &mut Space) -> Work {
        self.bounds(&space.codes, &mut space.bounds);
        self.halves(&space.codes, &mut space.halves);
        let columns = &self.index.columns;
        let close = (CLOSE / (MARKED * self.index.whole.encoder.filter.k())).max(1) * MARKED / GROUP;
        let mut work = Work::default();
        for first in (0..columns.groups()).step_by(close) {
            self.filter(first..columns.groups().min(first + close), space, &mut work);
            if space.left.iter().map(Vec::len).sum::<usize>() > LEFT * self.len() {
                work.measured += self.settle(&mut space.left, usize::MAX);
                self.bounds(&space.codes, &mut space.bounds);
            }
        }
        work.measured += self.settle(&mut space.left, usize::MAX);
        work
    }

    /// Finds which of the rows of these groups are left for each query.
    fn filter(&self, groups: Range<usize>, space: &mut Space, work: &mut Work) {
        let Index { columns, whole, .. } = self.index;
        let Space { codes, whole: long, bounds, halves, marks, numbers, products, left, .. } = space;
        let own = self.whole_codes(codes, long);
        let (first, words) = (groups.start * GROUP, (groups.len() * GROUP).div_ceil(MARKED));
        mark(Isa::best(), &codes.values, bounds, columns, halves, groups, marks);
        for (query, (left, marks)) in left.iter_mut().zip(marks.chunks_exact(words)).enumerate() {
            numbers.clear();
            numbers.extend(marked(marks).map(|column| (first + column) as u32));
            if !numbers.is_empty() {
                whole.within(own.of(query), numbers, self.limit(query), products, left);
                work.listed += numbers.len();
            }
        }
    }

    /// Measures what is left, the likeliest first, until the limit excludes the rest, but no more than `most` rows for a
    /// query; then nothing is left. Gives how many it measured.
    fn settle(&mut self, left: &mut [Vec<(f32, u32)>], most: usize) -> usize {
        let mut measured = 0;
        for (query, left) in left.iter_mut().enumerate() {
            let found = self.best(query).index;
            left.retain(|(_, row)| !found.contains(row));
            likeliest_first(left);
            left.truncate(most);
            for some in left.chunks(LIKELY) {
                if some[0].0 > self.limit(query) {
                    break;
                }
                let numbers: [u32; LIKELY] = std::array::from_fn(|i| some.get(i).map_or(0, |&(_, row)| row));
                self.measure(query, &numbers[..some.len()]);
                measured += some.len();
            }
            left.clear();
        }
        measured
    }

    /// Queries that are not finite have no code.
    fn settle_broken(&mut self, codes: &Codes, without: Option<Stretch>) {
        for query in (0..self.len()).filter(|&query| codes.errors[query].is_infinite()) {
            let mut found = Neighbours::default();
            nearest_into(self.bank, self.query(query), self.k, without, &mut found);
            let best = self.best(query);
            best.squared.copy_from_slice(&found.squared);
            best.index.copy_from_slice(&found.index);
        }
    }
}

//! Exact nearest neighbours without looking at most of the bank.
//!
//! 1. Guess: short codes of the leading directions name a few likely rows; their distances give each query a limit, the
//!    `k`-th of them.
//! 2. Filter: codes of all rows are compared with the query's; only rows within [`Filter::reach`] of the limit stay.
//! 3. Decide: the likeliest are measured, and the limit falls. The others are compared by codes of their whole width;
//!    those that still stay are measured, the likeliest first, until the limit excludes the rest.
//!
//! A row that the filter drops is farther than the limit, so the neighbours are those of [`nearest`](super::nearest), to
//! the bit, ties included.

use super::{Neighbours, nearest_into};
use crate::bank::MemoryBank;
use crate::filter::{Codes, Encoder, Filter, GUESS, likely, sort_by_row};
use patchcore_kernels::codes::{Columns, GROUP, Hit, Lanes, NEVER, best_per_lane, dots, hits};
use patchcore_kernels::distance::squared_l2_to;
use patchcore_kernels::isa::Isa;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Add;
use std::sync::{Mutex, PoisonError};

/// Rows beyond `k` that are guessed.
const SPARE: usize = 2;
/// Fewest and most queries of a task.
const TASK: [usize; 2] = [48, 1008];
/// Most pairs of a task, for the memory of those that stay.
const PAIRS: usize = 4 << 20;
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
    /// Codes of whole rows, where the codes are shorter.
    whole: Option<Whole>,
    /// Memory of earlier searches.
    spaces: Mutex<Vec<Space>>,
}

/// Memory of a task.
#[derive(Default)]
struct Space {
    codes: Codes,
    /// The queries' codes of their whole width.
    whole: Codes,
    lanes: Vec<Lanes>,
    bounds: Vec<i32>,
    halves: Vec<i32>,
    /// What the filter left, as it was found.
    found: Vec<Hit>,
    /// The same, query by query.
    stay: Vec<Hit>,
    /// Where each query's share of them starts.
    starts: Vec<usize>,
    columns: Vec<u32>,
    products: Vec<i32>,
    order: Vec<(f32, u32)>,
}

/// Codes of whole rows.
struct Whole {
    encoder: Encoder,
    codes: Codes,
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
    pub(crate) fn new(bank: &MemoryBank, filter: Filter) -> Self {
        let is_whole = filter.is_whole();
        let encoder = Encoder::new(filter);
        let codes = encoder.encode(bank.rows.data());
        let k = encoder.filter.k();
        let error = codes.common_error(COVERED);
        let columns = in_groups(&codes.values, k);
        let guesses = (!is_whole).then(|| in_groups(&codes.guesses, GUESS.min(k)));
        let squared = |guess: &[i8]| guess.iter().map(|&v| i32::from(v).pow(2)).sum::<i32>();
        let mut guess_halves: Vec<i32> = if is_whole {
            codes.norms.iter().map(|norm| norm / 2).collect()
        } else {
            codes.guesses.chunks_exact(GUESS.min(k)).map(|guess| squared(guess) / 2).collect()
        };
        guess_halves.resize(columns.groups() * GROUP, NEVER);
        let whole = if is_whole { None } else { Whole::new(bank, k) };
        let Codes { norms, errors, .. } = codes;
        Self {
            encoder,
            columns,
            norms,
            errors,
            error,
            guesses,
            guess_halves,
            whole,
            spaces: Mutex::default(),
        }
    }

    /// As [`nearest`](super::nearest); `bank` is the one that the index was made of.
    pub(crate) fn nearest_into(
        &self,
        bank: &MemoryBank,
        queries: &[f32],
        k: usize,
        without: Option<u32>,
        found: &mut Neighbours,
    ) -> Work {
        let (d, k) = (bank.rows.dim(), k.min(bank.len()));
        let n = queries.len() / d;
        found.clear(n, k);
        let mut guess_halves = Cow::Borrowed(&self.guess_halves[..]);
        if let Some(picture) = without {
            let own = bank.origins.iter().enumerate().filter(|(_, origin)| origin.picture == picture);
            own.for_each(|(i, _)| guess_halves.to_mut()[i] = NEVER);
        }
        let most = (PAIRS / bank.len()).clamp(TASK[0], TASK[1]);
        let task = n.div_ceil(rayon::current_num_threads()).clamp(TASK[0], most);
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

impl Whole {
    /// Codes of whole rows, if they say more than codes of `k` values.
    fn new(bank: &MemoryBank, k: usize) -> Option<Self> {
        let filter = Filter::whole(&bank.rows).filter(|whole| whole.k() >= 2 * k)?;
        let encoder = Encoder::new(filter);
        let codes = encoder.encode(bank.rows.data());
        Some(Self { encoder, codes })
    }
}

/// Codes in groups.
fn in_groups(codes: &[i8], k: usize) -> Columns {
    let mut columns = Columns::new(k);
    codes.chunks_exact(k).for_each(|code| columns.push(code));
    columns
}

/// The nearest rows of a query so far, nearest first.
struct Best<'a> {
    squared: &'a mut [f32],
    index: &'a mut [u32],
}

impl Best<'_> {
    fn add(&mut self, distance: f32, index: u32) {
        let before = |i: usize| (self.squared[i], self.index[i]) <= (distance, index);
        let last = self.squared.len() - 1;
        if !distance.is_finite() || before(last) || self.index.contains(&index) {
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
        if let Some(whole) = &self.index.whole {
            whole.encoder.encode_into(self.queries, &mut space.whole);
        }
        self.guess(space) + self.decide(space)
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
    /// needed for `k` rows.
    fn guess(&mut self, space: &mut Space) -> Work {
        let (columns, codes) = match &self.index.guesses {
            Some(columns) => (columns, &space.codes.guesses),
            None => (&self.index.columns, &space.codes.values),
        };
        let all = columns.groups();
        let wanted = self.k + SPARE;
        let parts = wanted.div_ceil(GROUP).min(all);
        let per_part = wanted.div_ceil(parts).min(GROUP);
        let mut measured = 0;
        for part in 0..parts {
            let groups = part * all / parts..(part + 1) * all / parts;
            space.lanes.clear();
            space.lanes.resize(self.len(), Lanes::NONE);
            best_per_lane(Isa::best(), codes, columns, self.guess_halves, groups, &mut space.lanes);
            for (query, lanes) in space.lanes.iter().enumerate() {
                let mut order: [usize; GROUP] = std::array::from_fn(|lane| lane);
                order.sort_unstable_by_key(|&lane| std::cmp::Reverse(lanes.excess[lane]));
                let mut numbers = [0; GROUP];
                let mut count = 0;
                for &lane in order[..per_part].iter().filter(|&&lane| lanes.excess[lane] > -NEVER / 2) {
                    numbers[count] = lanes.group[lane] as u32 * GROUP as u32 + lane as u32;
                    count += 1;
                }
                self.measure(query, &numbers[..count]);
                measured += count;
            }
        }
        Work { listed: 0, measured }
    }

    /// What the excess of a row must reach to stay.
    fn bound(&self, codes: &Codes, query: usize) -> i32 {
        let Index { encoder, error, .. } = self.index;
        encoder.filter.asked(codes.norms[query], codes.errors[query], self.limit(query), *error)
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

    /// Filters the bank and measures what stays.
    fn decide(&mut self, space: &mut Space) -> Work {
        let codes = &space.codes;
        space.bounds.clear();
        space.bounds.extend(
            (0..self.len()).map(|query| {
                if codes.errors[query].is_infinite() { NEVER } else { self.bound(codes, query) }
            }),
        );
        self.halves(codes, &mut space.halves);
        space.found.clear();
        let columns = &self.index.columns;
        let groups = 0..columns.groups();
        hits(Isa::best(), &codes.values, &space.bounds, columns, &space.halves, groups, &mut space.found);
        sort_by_row(&space.found, self.len(), &mut space.starts, &mut space.stay);
        let mut stay = std::mem::take(&mut space.stay);
        let mut work = Work::default();
        for query in 0..self.len() {
            let mut own = &mut stay[space.starts[query]..space.starts[query + 1]];
            if own.len() > LIKELY {
                own.select_nth_unstable_by_key(LIKELY, |hit| std::cmp::Reverse(likely(hit)));
                let first: [u32; LIKELY] = std::array::from_fn(|i| own[i].column);
                self.measure(query, &first);
                work.measured += LIKELY;
                own = &mut own[LIKELY..];
            }
            work = work
                + match &self.index.whole {
                    Some(whole) => self.settle(query, own, whole, space),
                    None => self.settle_by_codes(query, own, &space.codes),
                };
        }
        space.stay = stay;
        work
    }

    /// Measures what stayed, as far as the falling limit does not exclude it.
    fn settle_by_codes(&mut self, query: usize, stay: &[Hit], codes: &Codes) -> Work {
        let mut measured = 0;
        let mut bound = self.bound(codes, query);
        let (mut numbers, mut count) = ([0; LIKELY], 0);
        for (i, hit) in stay.iter().enumerate() {
            if hit.excess >= bound {
                numbers[count] = hit.column;
                count += 1;
            }
            if count == LIKELY || i + 1 == stay.len() {
                let before = self.limit(query);
                self.measure(query, &numbers[..count]);
                measured += std::mem::take(&mut count);
                if self.limit(query) < before {
                    bound = self.bound(codes, query);
                }
            }
        }
        Work { listed: 0, measured }
    }

    /// Compares codes of whole rows with those that stayed, then measures what is left, the likeliest first.
    fn settle(&mut self, query: usize, stay: &[Hit], whole: &Whole, space: &mut Space) -> Work {
        let bound = self.bound(&space.codes, query);
        let Space { whole: own, columns, products, order, .. } = space;
        columns.clear();
        columns.extend(stay.iter().filter(|hit| hit.excess >= bound).map(|hit| hit.column));
        products.resize(columns.len(), 0);
        let filter = &whole.encoder.filter;
        let code = &own.values[query * filter.k()..][..filter.k()];
        dots(Isa::best(), code, &whole.codes.values, columns, products);
        let span = filter.span(self.limit(query), own.errors[query]);
        order.clear();
        for (&column, &product) in columns.iter().zip(&*products) {
            let (norm, error) = (whole.codes.norms[column as usize], whole.codes.errors[column as usize]);
            let steps = own.norms[query] + norm - 2 * product;
            if steps <= filter.reach(span, error) {
                order.push((filter.at_least(steps, own.errors[query], error), column));
            }
        }
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut measured = 0;
        for some in order.chunks(LIKELY) {
            if some[0].0 > self.limit(query) {
                break;
            }
            let numbers: [u32; LIKELY] =
                std::array::from_fn(|i| some.get(i).map_or(0, |&(_, column)| column));
            self.measure(query, &numbers[..some.len()]);
            measured += some.len();
        }
        Work { listed: columns.len(), measured }
    }

    /// Queries that are not finite have no code.
    fn settle_broken(&mut self, codes: &Codes, without: Option<u32>) {
        for query in (0..self.len()).filter(|&query| codes.errors[query].is_infinite()) {
            let mut found = Neighbours::default();
            nearest_into(self.bank, self.query(query), self.k, without, &mut found);
            let best = self.best(query);
            best.squared.copy_from_slice(&found.squared);
            best.index.copy_from_slice(&found.index);
        }
    }
}

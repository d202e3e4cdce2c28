//! Picks the row with the largest value again and again, each pick lowering the values of the rows near it.
//!
//! This is the loop of every greedy sampler, done lazily. A value can only fall, so an old one is an upper bound.
//!
//! 1. The rows whose bounds lie above a level are brought up to date: each takes the picks that it has not seen, and drops
//!    out as soon as it is at or below the level. What is left above it is the pool.
//! 2. While the largest value of the pool lies above the level, it is the largest of all, for every other row is at or
//!    below it. So picks are made from the pool, and only the pool takes them; a row that falls to the level leaves.
//! 3. When nothing above the level is left, a lower one is found.
//!
//! Most rows stay below the level most of the time and later take many picks at once. In both steps a filter tells which
//! distances can matter (see the filter's page). A row that catches up is measured to the likeliest picks first; where many
//! remain within what its value has fallen to, codes of whole rows are asked about them. The picks are those of the plain
//! loop, ties to the lowest index included.

use super::effort::Effort;
use crate::filter::{Codes, Directions, Encoder, Filter, Images, Whole, likeliest_first};
use crate::{PatchRows, Progress};
use patchcore_kernels::codes::{Columns, GROUP, MARKED, NEVER, dots, mark, marked};
use patchcore_kernels::isa::Isa;
use rayon::prelude::*;

/// About how many rows a pool starts with.
const POOL: usize = 16384;
/// Rows of a task that catches up.
const ROWS: usize = 64;
/// Picks that a row takes before it is asked again whether it may stop; whole groups.
const PICKS: usize = 64 * MARKED;
/// Picks that a row is measured to at once.
const LIKELY: usize = 4;
/// Picks that a row is measured to before its limit is asked for again.
const FIRST: usize = 2;
/// Picks that a row is measured to without asking codes of whole rows first.
const FEW: usize = 8;
/// Values of a code, where rows are at least twice as wide.
const WIDTHS: [usize; 3] = [256, 128, 64];
/// Share of the rows whose errors are covered by their common one.
const COVERED: f64 = 0.5;
/// Rows below which codes are not worth their making.
const FEWEST: usize = 1000;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A squared distance.
    Squared,
    /// A distance.
    Plain,
}

impl Unit {
    fn value(self, squared: f32) -> f32 {
        match self {
            Self::Squared => squared,
            Self::Plain => squared.sqrt(),
        }
    }

    /// A squared distance above which no distance lowers the value.
    fn limit(self, value: f32) -> f32 {
        match self {
            Self::Squared => value,
            Self::Plain => (value * value).next_up().next_up(),
        }
    }
}

/// Rows with a value each.
pub(super) struct Farthest<'a> {
    rows: &'a dyn PatchRows,
    unit: Unit,
    /// Upper bounds; those of the pool's rows are in the pool.
    values: Vec<f32>,
    /// Picks that each value knows of.
    seen: Vec<u32>,
    picks: Vec<u32>,
    coded: Option<Coded>,
    pool: Pool,
    effort: Effort<'a>,
}

/// About how many bytes it takes, beyond the rows, to make `picks` of `n` rows of `d` values.
pub(super) fn working_memory(n: usize, d: usize, picks: usize) -> usize {
    // Values, picks seen, a copy of the values to find a level in, and the rows that catch up with what they become.
    let values = n * 28;
    let Some(k) = Coded::width(n, d) else { return values };
    // With each code its length and its error; the errors once more, to find the common one. Of each pick two copies of its
    // code and one of the whole row.
    let codes = n * (k + 12) + POOL * (k + 16) + picks * (2 * k + d + 28);
    // To find the directions: a sample, turned and centred, and the covariance.
    codes + values.max(3 * 2048 * d * 4 + 2 * d * d * 4)
}

/// The codes of all rows, and of the picks.
struct Coded {
    filter: Filter,
    codes: Codes,
    /// About every pick's error; what some have beyond it their halves make up for.
    error: f32,
    /// The largest error of a row.
    largest_error: f32,
    /// Every row lies within this span of the picks that may matter to it.
    span: f64,
    picks: Columns,
    /// Half the squared length of each pick's code.
    halves: Vec<i32>,
    /// The picks' codes once more, close together to be picked out by number, and those of their whole width.
    listed: Vec<i8>,
    whole: Whole,
}

/// The rows that may be picked next, all up to date.
#[derive(Default)]
struct Pool {
    /// Values at or below it are not the pool's matter; none if the pool holds every row.
    level: Option<f32>,
    /// Row numbers, ascending.
    rows: Vec<u32>,
    /// Their values; minus infinity for a row that has left.
    values: Vec<f32>,
    left: usize,
    columns: Option<Columns>,
    /// What the product of a pick's and a row's code must reach, less the pick's half, for their distance to matter.
    asked: Vec<i32>,
}

impl<'a> Farthest<'a> {
    /// Starts with these values; a pick lowers the value of each row to its distance to the pick, in this unit. About
    /// `expected` picks will be made.
    pub(super) fn new(
        rows: &'a dyn PatchRows,
        values: Vec<f32>,
        unit: Unit,
        expected: usize,
        progress: &'a dyn Progress,
    ) -> Self {
        let seen = vec![0; values.len()];
        let filters = Coded::filters(rows);
        let width = filters.as_ref().map(|(filter, _)| filter.k());
        let effort = Effort::begin(rows.len(), expected, width, progress);
        let coded = filters.map(|filters| Coded::new(filters, rows, expected.min(rows.len()), &effort));
        Self { rows, unit, values, seen, picks: Vec::new(), coded, pool: Pool::default(), effort }
    }

    /// The picks so far.
    pub(super) fn into_picks(mut self) -> Vec<usize> {
        self.effort.end();
        self.picks.into_iter().map(|pick| pick as usize).collect()
    }

    /// The row with the largest value, the lowest index among equals; `None` if there are no rows.
    pub(super) fn largest(&mut self) -> Option<(usize, f32)> {
        loop {
            let best = self.pool.largest();
            if let Some((place, value)) = best {
                return Some((self.pool.rows[place] as usize, value));
            }
            self.refill();
            if self.pool.level.is_none() && self.pool.largest().is_none() {
                return None;
            }
        }
    }

    /// Picks a row.
    pub(super) fn pick(&mut self, index: usize) {
        self.picks.push(index as u32);
        if let Some(coded) = &mut self.coded {
            coded.pick(index, self.rows.row(index, &mut Vec::new()));
        }
        self.lower_pool(index);
        self.effort.picked();
    }

    /// The pool takes a pick.
    fn lower_pool(&mut self, index: usize) {
        let (pool, seen) = (&mut self.pool, self.picks.len() as u32);
        let places: Vec<u32> = match (&self.coded, &pool.columns) {
            (Some(coded), Some(columns)) => {
                let (code, half, groups) = (coded.code(index), [coded.half(index)], 0..columns.groups());
                let mut marks = Vec::new();
                mark(Isa::best(), code, &half, columns, &pool.asked, groups, &mut marks);
                marked(&marks).map(|place| place as u32).collect()
            }
            _ => {
                (0..pool.rows.len() as u32).filter(|&p| pool.values[p as usize] > f32::NEG_INFINITY).collect()
            }
        };
        let numbers: Vec<u32> = places.iter().map(|&place| pool.rows[place as usize]).collect();
        let mut squared = vec![0.0; numbers.len()];
        self.rows.squared_l2_to(self.rows.row(index, &mut Vec::new()), &numbers, &mut squared);
        for ((&place, &row), &squared) in places.iter().zip(&numbers).zip(&squared) {
            let (place, row, value) = (place as usize, row as usize, self.unit.value(squared));
            if value >= pool.values[place] {
                continue;
            }
            if pool.level.is_some_and(|level| value <= level) {
                (self.values[row], self.seen[row]) = (value, seen);
                pool.drop(place);
            } else {
                pool.values[place] = value;
                if let Some(coded) = &self.coded {
                    pool.asked[place] = coded.asked(row, self.unit.limit(value));
                }
            }
        }
        if pool.left * 2 < pool.rows.len() && pool.rows.len() > 4 * GROUP {
            self.shrink_pool();
        }
    }

    /// Gives the rows that are still in the pool back to the others, with their values.
    fn empty_pool(&mut self) {
        let seen = self.picks.len() as u32;
        let pool = std::mem::take(&mut self.pool);
        for (&row, &value) in pool.rows.iter().zip(&pool.values).filter(|(_, v)| **v > f32::NEG_INFINITY) {
            (self.values[row as usize], self.seen[row as usize]) = (value, seen);
        }
    }

    fn shrink_pool(&mut self) {
        let level = self.pool.level;
        let old = std::mem::take(&mut self.pool);
        let stay = old.rows.iter().zip(&old.values).filter(|(_, v)| **v > f32::NEG_INFINITY);
        let (rows, values) = stay.map(|(&row, &value)| (row, value)).unzip();
        self.pool = Pool::new(level, rows, values, self.coded.as_ref(), self.unit);
    }

    fn refill(&mut self) {
        self.empty_pool();
        let largest = self.values.iter().copied().fold(0.0, f32::max);
        if let Some(coded) = &mut self.coded {
            coded.falls_to(self.unit.limit(largest), &self.picks);
        }
        let level = level(&self.values);
        let above = |value: f32| level.is_none_or(|level| value > level);
        let now = self.picks.len() as u32;
        let mut late: Vec<u32> = (0..self.values.len() as u32)
            .filter(|&i| above(self.values[i as usize]) && self.seen[i as usize] < now)
            .collect();
        // The first pick is no matter of catching up: all rows take it at once.
        let fresh = late.iter().filter(|&&i| self.seen[i as usize] <= 1).count();
        // Rows that have seen equally much go together.
        late.sort_by_key(|&i| self.seen[i as usize]);
        let caught: Vec<Vec<(f32, u32)>> = late
            .par_chunks(ROWS)
            .map_init(Space::default, |space, rows| {
                self.catch_up(rows, level.unwrap_or(f32::NEG_INFINITY), space)
            })
            .collect();
        for (&row, (value, seen)) in late.iter().zip(caught.into_iter().flatten()) {
            (self.values[row as usize], self.seen[row as usize]) = (value, seen);
        }
        self.effort.caught_up(fresh);
        let rows: Vec<u32> =
            (0..self.values.len() as u32).filter(|&i| above(self.values[i as usize])).collect();
        let values = rows.iter().map(|&i| self.values[i as usize]).collect();
        self.pool = Pool::new(level, rows, values, self.coded.as_ref(), self.unit);
    }

    /// Values of some rows after the picks that they had not seen, as far as they stay above `level`, and how many picks
    /// they know then.
    fn catch_up(&self, rows: &[u32], level: f32, space: &mut Space) -> Vec<(f32, u32)> {
        let mut out: Vec<(f32, u32)> =
            rows.iter().map(|&i| (self.values[i as usize], self.seen[i as usize])).collect();
        let mut first = out[0].1 as usize / MARKED * MARKED;
        let mut open: Vec<usize> = (0..rows.len()).collect();
        while first < self.picks.len() && !open.is_empty() {
            let end = self.picks.len().min(first + PICKS);
            match &self.coded {
                Some(coded) => self.take_likely(coded, rows, &open, first..end, &mut out, space),
                None => {
                    for &i in &open {
                        let value = &mut out[i].0;
                        self.take(rows[i], &self.picks[first..end], value, &mut space.row);
                    }
                }
            }
            open.retain(|&i| {
                out[i].1 = end as u32;
                out[i].0 > level
            });
            first = end;
        }
        out
    }

    /// A row takes these picks.
    fn take(&self, row: u32, picks: &[u32], value: &mut f32, space: &mut Vec<f32>) {
        let (row, mut squared) = (self.rows.row(row as usize, space), [0.0; GROUP]);
        for picks in picks.chunks(GROUP) {
            let squared = &mut squared[..picks.len()];
            self.rows.squared_l2_to(row, picks, squared);
            *value = squared.iter().fold(*value, |v, &s| v.min(self.unit.value(s)));
        }
    }

    /// Rows take those of these picks that the filter does not exclude, the likeliest first.
    fn take_likely(
        &self,
        coded: &Coded,
        rows: &[u32],
        open: &[usize],
        picks: std::ops::Range<usize>,
        out: &mut [(f32, u32)],
        space: &mut Space,
    ) {
        let asked = |i: usize, value: f32| coded.asked(rows[i] as usize, self.unit.limit(value));
        let Space { codes, bounds, marks, numbers, likely, products, asking, row } = space;
        codes.clear();
        for &i in open {
            codes.extend_from_slice(coded.code(rows[i] as usize));
        }
        bounds.clear();
        bounds.extend(open.iter().map(|&i| asked(i, out[i].0)));
        let groups = picks.start / GROUP..picks.end.div_ceil(GROUP);
        let words = (groups.len() * GROUP).div_ceil(MARKED);
        mark(Isa::best(), codes, bounds, &coded.picks, &coded.halves, groups, marks);
        for (&i, marks) in open.iter().zip(marks.chunks_exact(words)) {
            numbers.clear();
            numbers.extend(marked(marks).map(|column| (picks.start + column) as u32));
            let value = &mut out[i].0;
            if numbers.len() > FIRST {
                coded.excess(rows[i] as usize, numbers, products, likely);
                likely.select_nth_unstable_by(FIRST - 1, |a, b| b.cmp(a));
                let first: [u32; FIRST] = std::array::from_fn(|j| self.picks[likely[j].1 as usize]);
                self.take(rows[i], &first, value, row);
                let bound = asked(i, *value);
                numbers.clear();
                numbers.extend(likely[FIRST..].iter().filter(|l| l.0 >= bound).map(|l| l.1));
            }
            if numbers.len() <= FEW {
                for pick in &mut *numbers {
                    *pick = self.picks[*pick as usize];
                }
                self.take(rows[i], numbers, value, row);
                continue;
            }
            self.ask_whole(coded, rows[i], numbers, value, asking, row);
        }
    }

    /// A row takes those of these picks, numbered in the order of picking, that codes of whole rows do not exclude.
    fn ask_whole(
        &self,
        coded: &Coded,
        row: u32,
        picks: &[u32],
        value: &mut f32,
        asking: &mut Asking,
        space: &mut Vec<f32>,
    ) {
        let Asking { code, images, products, within } = asking;
        coded.whole.encoder.encode_few(self.rows.row(row as usize, space), code, images);
        within.clear();
        coded.whole.within(code.of(0), picks, self.unit.limit(*value), products, within);
        likeliest_first(within);
        for some in within.chunks(LIKELY) {
            if some[0].0 > self.unit.limit(*value) {
                break;
            }
            let numbers: [u32; LIKELY] =
                std::array::from_fn(|j| some.get(j).map_or(0, |&(_, pick)| self.picks[pick as usize]));
            self.take(row, &numbers[..some.len()], value, space);
        }
    }
}

/// Memory of a task that catches up.
#[derive(Default)]
struct Space {
    codes: Vec<i8>,
    bounds: Vec<i32>,
    /// What the filter leaves of some picks, for each row.
    marks: Vec<u64>,
    numbers: Vec<u32>,
    /// By how much picks exceed what was asked of them.
    likely: Vec<(i32, u32)>,
    products: Vec<i32>,
    asking: Asking,
    /// A row, where rows are not kept as `f32`.
    row: Vec<f32>,
}

/// Memory for asking codes of whole rows.
#[derive(Default)]
struct Asking {
    /// The code of the row that asks.
    code: Codes,
    images: Images,
    products: Vec<i32>,
    /// Lower bounds of squared distances, and the picks.
    within: Vec<(f32, u32)>,
}

/// A level with about [`POOL`] values above it; none if there are not more rows than that.
fn level(values: &[f32]) -> Option<f32> {
    if values.len() <= POOL {
        return None;
    }
    let mut values = values.to_vec();
    let (above, &mut level, _) = values.select_nth_unstable_by(POOL, |a, b| b.total_cmp(a));
    // Where all of them are equal, they all belong into the pool.
    if above.iter().any(|&v| v > level) { Some(level) } else { Some(level.next_down()) }
}

impl Pool {
    fn new(level: Option<f32>, rows: Vec<u32>, values: Vec<f32>, coded: Option<&Coded>, unit: Unit) -> Self {
        let mut asked = Vec::new();
        let columns = coded.map(|coded| {
            let mut columns = Columns::with_room(coded.filter.k(), rows.len());
            for (&row, &value) in rows.iter().zip(&values) {
                columns.push(coded.code(row as usize));
                asked.push(coded.asked(row as usize, unit.limit(value)));
            }
            asked.resize(columns.groups() * GROUP, NEVER);
            columns
        });
        let left = rows.len();
        Self { level, rows, values, left, columns, asked }
    }

    /// The place of the largest value, the first among equals.
    fn largest(&self) -> Option<(usize, f32)> {
        let largest = self.values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if largest == f32::NEG_INFINITY {
            return None;
        }
        self.values.iter().position(|&v| v == largest).map(|place| (place, largest))
    }

    /// A row leaves.
    fn drop(&mut self, place: usize) {
        self.values[place] = f32::NEG_INFINITY;
        self.left -= 1;
        if let Some(asked) = self.asked.get_mut(place) {
            *asked = NEVER;
        }
    }
}

impl Coded {
    /// Values of a code; none if codes would not pay.
    fn width(n: usize, d: usize) -> Option<usize> {
        WIDTHS.into_iter().find(|k| 2 * k <= d && n >= FEWEST)
    }

    /// Filters of short codes and of whole rows; none if codes would not pay.
    fn filters(rows: &dyn PatchRows) -> Option<(Filter, Filter)> {
        let k = Self::width(rows.len(), rows.dim())?;
        Some((Filter::new(rows, &Directions::new(rows, k), k)?, Filter::whole(rows)?))
    }

    fn new(
        (filter, whole): (Filter, Filter),
        rows: &dyn PatchRows,
        expected: usize,
        effort: &Effort,
    ) -> Self {
        let k = filter.k();
        let codes = Encoder::new(filter.clone()).encode_telling(rows, |n| effort.coded(n));
        let error = codes.common_error(COVERED);
        // Rows without a finite error are never excluded from anything.
        let largest_error = codes.errors.iter().copied().filter(|e| e.is_finite()).fold(0.0, f32::max);
        Self {
            filter,
            codes,
            error,
            largest_error,
            span: f64::INFINITY,
            picks: Columns::with_room(k, expected),
            halves: Vec::new(),
            listed: Vec::with_capacity(expected * k),
            whole: Whole::with_room(whole, expected),
        }
    }

    /// No limit will be asked for above this one.
    fn falls_to(&mut self, limit: f32, picks: &[u32]) {
        self.span = self.filter.span(limit, self.largest_error);
        for (i, &pick) in picks.iter().enumerate() {
            self.halves[i] = self.half(pick as usize);
        }
    }

    fn code(&self, row: usize) -> &[i8] {
        let k = self.filter.k();
        &self.codes.values[row * k..][..k]
    }

    /// Half the squared length of a code, for a pick.
    fn half(&self, row: usize) -> i32 {
        self.filter.half(self.codes.norms[row], self.codes.errors[row], self.error, self.span)
    }

    /// What the product of a row's code with a pick's, less the pick's half, must reach for their distance to lie within a
    /// limit.
    fn asked(&self, row: usize, limit: f32) -> i32 {
        self.filter.asked(self.codes.norms[row], self.codes.errors[row], limit, self.error)
    }

    /// By how much the products of a row's code with those of these picks exceed the picks' halves: the more, the likelier.
    fn excess(&self, row: usize, picks: &[u32], products: &mut Vec<i32>, excess: &mut Vec<(i32, u32)>) {
        products.resize(picks.len(), 0);
        dots(Isa::best(), self.code(row), &self.listed, picks, products);
        excess.clear();
        let beyond = |(&pick, &product): (&u32, &i32)| (product - self.halves[pick as usize], pick);
        excess.extend(picks.iter().zip(&*products).map(beyond));
    }

    fn pick(&mut self, row: usize, values: &[f32]) {
        let k = self.filter.k();
        if self.picks.len().is_multiple_of(GROUP) {
            self.halves.resize(self.halves.len() + GROUP, NEVER);
        }
        self.halves[self.picks.len()] = self.half(row);
        self.picks.push(&self.codes.values[row * k..][..k]);
        self.listed.extend_from_slice(&self.codes.values[row * k..][..k]);
        self.whole.extend(values);
    }
}

//! Dot products of rows of small integers: how a search passes over most of what it need not look at.
//!
//! A code is a row of `k` values in -127..=127, `k` a multiple of four. One side of a comparison lies in [`Columns`]:
//! sixteen codes make a group, and a group holds the first four values of all its codes, then the next four, so that one
//! register meets sixteen codes at once. Values are kept as `value + 128`, for the instructions of x86-64 multiply
//! unsigned by signed bytes.
//!
//! ```text
//! group 0: [ code 0: v0 v1 v2 v3 | code 1: v0 v1 v2 v3 | ... | code 15 ] [ code 0: v4 v5 v6 v7 | ... ] ...
//! group 1: [ code 16 ...
//! ```
//!
//! Sums are exact in 32 bits up to `k` = 32768, so every instruction set finds the same.

mod listed;
mod quantise;
mod sums;
#[cfg(test)]
mod tests;

pub use listed::dots;
pub use quantise::{Rounded, centre, quantise, squared_length, turn};

use crate::isa::{Isa, Kind};
use std::ops::Range;
#[cfg(target_arch = "x86_64")]
use sums::{Avx2Sums, VnniSums};
use sums::{PortableSums, Sums};

/// Codes of a group.
pub const GROUP: usize = 16;
/// The largest value of a code.
pub const LARGEST: i32 = 127;
const OFFSET: i32 = 128;
/// Bytes of columns that stay in a level-1 cache while rows pass.
const CLOSE: usize = 24 << 10;

/// Codes in groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    k: usize,
    n: usize,
    data: Vec<u8>,
}

impl Columns {
    /// No codes yet, of `k` values each, with room for `n`.
    ///
    /// # Panics
    /// If `k` is no multiple of four, or too large for exact sums.
    pub fn with_room(k: usize, n: usize) -> Self {
        assert!(k.is_multiple_of(4) && k <= 32768, "codes of {k} values");
        Self { k, n: 0, data: Vec::with_capacity(n.next_multiple_of(GROUP) * k) }
    }

    /// Adds a code at the end.
    ///
    /// # Panics
    /// If it has not `k` values.
    pub fn push(&mut self, code: &[i8]) {
        assert_eq!(code.len(), self.k, "length of a code");
        let (group, column) = (self.n / GROUP, self.n % GROUP);
        if column == 0 {
            self.data.resize(self.data.len() + GROUP * self.k, OFFSET as u8);
        }
        let own = &mut self.data[group * GROUP * self.k..];
        for (four, values) in own.as_chunks_mut::<{ 4 * GROUP }>().0.iter_mut().zip(code.as_chunks::<4>().0) {
            for (place, &value) in four[column * 4..][..4].iter_mut().zip(values) {
                *place = (i32::from(value) + OFFSET) as u8;
            }
        }
        self.n += 1;
    }

    /// Forgets all codes and keeps their memory.
    pub fn clear(&mut self) {
        self.n = 0;
        self.data.clear();
    }

    /// Number of codes.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Number of groups; the last one may have room.
    pub fn groups(&self) -> usize {
        self.n.div_ceil(GROUP)
    }
}

/// Columns that a word of marks speaks of.
pub const MARKED: usize = 64;

/// Marks all pairs of a row and a column, the latter out of these groups, with
/// `row · column >= of_row[row] + of_column[column]`: a bit per pair, `[rows, words]`, [`MARKED`] columns a word, the first
/// group's first column at the lowest bit of a row's first word.
///
/// `rows` holds a code per value of `of_row`; `of_column` has a value for every place of every group, which for places
/// without a code must be [`NEVER`].
///
/// # Panics
/// If a length does not fit.
pub fn mark(
    isa: Isa,
    rows: &[i8],
    of_row: &[i32],
    columns: &Columns,
    of_column: &[i32],
    groups: Range<usize>,
    marks: &mut Vec<u64>,
) {
    check(rows, of_row.len(), columns, of_column, &groups);
    let words = groups.len().div_ceil(TOGETHER);
    marks.clear();
    marks.resize(of_row.len() * words, 0);
    let first = groups.start;
    let scan = Scan { rows, columns, of_column, groups, offsets: Vec::new() };
    scan.dispatch(isa, Marks { of_row, first, words, out: marks });
}

/// The columns that a row's words mark, counted from the first group's first column.
///
/// ```
/// use patchcore_kernels::codes::marked;
/// assert_eq!(marked(&[0b101, 1 << 63]).collect::<Vec<_>>(), [0, 2, 127]);
/// ```
pub fn marked(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(i, &word)| {
        std::iter::successors((word != 0).then_some(word), |word| Some(word & (word - 1)).filter(|w| *w != 0))
            .map(move |word| i * MARKED + word.trailing_zeros() as usize)
    })
}

/// As a value of a column, and the largest that either side may have: its place is never marked, nor the best of its lane.
pub const NEVER: i32 = 1 << 30;

/// For each row and each of the sixteen places of these groups, the largest `row · column - of_column[column]` and the group
/// where it is found, the first among equals.
///
/// # Panics
/// If a length does not fit.
pub fn best_per_lane(
    isa: Isa,
    rows: &[i8],
    columns: &Columns,
    of_column: &[i32],
    groups: Range<usize>,
    best: &mut [Lanes],
) {
    check(rows, best.len(), columns, of_column, &groups);
    let scan = Scan { rows, columns, of_column, groups, offsets: Vec::new() };
    scan.dispatch(isa, Best(best));
}

/// The best column at each of the sixteen places of all groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// `row · column - of_column[column]`.
    pub excess: [i32; GROUP],
    /// The group.
    pub group: [i32; GROUP],
}

impl Lanes {
    /// Nothing found yet.
    pub const NONE: Self = Self { excess: [i32::MIN; GROUP], group: [0; GROUP] };
}

fn check(rows: &[i8], n: usize, columns: &Columns, of_column: &[i32], groups: &Range<usize>) {
    assert!(groups.end <= columns.groups(), "{groups:?} of {} groups", columns.groups());
    assert_eq!(rows.len(), n * columns.k, "codes of {} values", columns.k);
    assert_eq!(of_column.len(), columns.groups() * GROUP, "a value per place of a group");
}

/// All rows against some groups of columns.
struct Scan<'a> {
    rows: &'a [i8],
    columns: &'a Columns,
    of_column: &'a [i32],
    groups: Range<usize>,
    /// What the columns' offset adds to the products with each row.
    offsets: Vec<i32>,
}

/// What is done with `R` neighbouring rows and some groups.
trait Tile {
    /// # Safety
    /// There are `R` rows from `row` on, and these groups; the processor has the instruction set of `S`.
    unsafe fn tile<S: Sums, const R: usize, const C: usize>(
        &mut self,
        scan: &Scan<'_>,
        row: usize,
        groups: Range<usize>,
    );
}

/// Groups that a word of marks speaks of.
const TOGETHER: usize = MARKED / GROUP;

struct Marks<'a> {
    of_row: &'a [i32],
    /// The first group that is marked.
    first: usize,
    words: usize,
    out: &'a mut [u64],
}

impl Marks<'_> {
    /// # Safety
    /// As for [`Tile::tile`]; `C` groups, none of another word.
    #[inline(always)]
    unsafe fn groups<S: Sums, const R: usize, const C: usize>(
        &mut self,
        scan: &Scan<'_>,
        row: usize,
        group: usize,
    ) {
        let (word, place) = ((group - self.first) / TOGETHER, (group - self.first) % TOGETHER);
        // SAFETY: the same contract.
        unsafe {
            let sums = scan.sums::<S, R, C>(row, group);
            for (i, of_groups) in sums.into_iter().enumerate() {
                let bound = self.of_row[row + i] + scan.offsets[row + i];
                let mut marks = 0;
                for (j, sums) in of_groups.into_iter().enumerate() {
                    marks |= u64::from(sums.at_least(bound)) << (GROUP * (place + j));
                }
                self.out[(row + i) * self.words + word] |= marks;
            }
        }
    }
}

impl Tile for Marks<'_> {
    #[inline(always)]
    unsafe fn tile<S: Sums, const R: usize, const C: usize>(
        &mut self,
        scan: &Scan<'_>,
        row: usize,
        groups: Range<usize>,
    ) {
        const { assert!(TOGETHER.is_multiple_of(C)) };
        let mut group = groups.start;
        while group < groups.end {
            // SAFETY: the same contract; the groups end where they should, and `run` steps by whole words.
            unsafe {
                if group + C <= groups.end {
                    self.groups::<S, R, C>(scan, row, group);
                    group += C;
                } else {
                    self.groups::<S, R, 1>(scan, row, group);
                    group += 1;
                }
            }
        }
    }
}

struct Best<'a>(&'a mut [Lanes]);

impl Tile for Best<'_> {
    #[inline(always)]
    unsafe fn tile<S: Sums, const R: usize, const C: usize>(
        &mut self,
        scan: &Scan<'_>,
        row: usize,
        groups: Range<usize>,
    ) {
        // SAFETY: the same contract.
        unsafe {
            let own = &mut self.0[row..row + R];
            let mut best = [S::start(&[0; GROUP]); R];
            let mut at = best;
            for (i, lanes) in own.iter().enumerate() {
                (best[i], at[i]) = (S::load(&lanes.excess), S::load(&lanes.group));
            }
            for group in groups {
                let number = S::load(&[group as i32; GROUP]);
                for (i, [sums]) in scan.sums::<S, R, 1>(row, group).into_iter().enumerate() {
                    let excess = sums.minus(scan.offsets[row + i]);
                    (best[i], at[i]) = excess.or_larger(number, best[i], at[i]);
                }
            }
            for (i, lanes) in own.iter_mut().enumerate() {
                (lanes.excess, lanes.group) = (best[i].lanes(), at[i].lanes());
            }
        }
    }
}

impl Scan<'_> {
    fn dispatch(self, isa: Isa, tile: impl Tile) {
        match isa.0 {
            // SAFETY: the lengths were checked; the portable sums need no instruction set.
            Kind::Portable => unsafe { self.run::<PortableSums, 4, 1>(tile) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, and the processor was asked.
            Kind::Avx512 if isa.has_vnni() => unsafe { vnni(self, tile) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above; a `Kind` with AVX-512 has AVX2 too.
            Kind::Avx2 | Kind::Avx512 => unsafe { avx2(self, tile) },
        }
    }

    /// A few groups at a time stay close while all rows pass, `R` rows and up to `C` groups at a time.
    ///
    /// # Safety
    /// The lengths are checked; the processor has the instruction set of `S`.
    #[inline(always)]
    unsafe fn run<S: Sums, const R: usize, const C: usize>(mut self, mut tile: impl Tile) {
        let k = self.columns.k;
        let sum = |row: &[i8]| row.iter().map(|&v| i32::from(v)).sum::<i32>();
        self.offsets.extend(self.rows.chunks_exact(k.max(1)).map(|row| OFFSET * sum(row)));
        let close = (CLOSE / (GROUP * k).max(1)).next_multiple_of(C).max(C);
        let n = self.rows.len() / k.max(1);
        let mut first = self.groups.start;
        while first < self.groups.end {
            let end = self.groups.end.min(first + close);
            let mut row = 0;
            while row < n {
                // SAFETY: `row + R <= n` or `row + 1 <= n`, and the groups are the columns'.
                unsafe {
                    if row + R <= n {
                        tile.tile::<S, R, C>(&self, row, first..end);
                        row += R;
                    } else {
                        tile.tile::<S, 1, C>(&self, row, first..end);
                        row += 1;
                    }
                }
            }
            first = end;
        }
    }

    /// The products of `R` rows with `C` groups, less what the columns ask; what the columns' offset adds is still in them.
    ///
    /// # Safety
    /// As for [`Tile::tile`].
    #[inline(always)]
    unsafe fn sums<S: Sums, const R: usize, const C: usize>(&self, row: usize, group: usize) -> [[S; C]; R] {
        let k = self.columns.k;
        let of_group = |j: usize| &self.of_column[(group + j) * GROUP..][..GROUP];
        // SAFETY: a group has `GROUP * k` bytes, a row `k`.
        unsafe {
            let columns = self.columns.data.as_ptr().add(group * GROUP * k);
            let rows = self.rows.as_ptr().add(row * k);
            let start: [S; C] = std::array::from_fn(|j| S::start(of_group(j)));
            let mut sums = [start; R];
            for at in (0..k).step_by(4) {
                S::dot::<R, C>(&mut sums, columns.add(at * GROUP), GROUP * k, rows.add(at), k);
            }
            for sums in &mut sums {
                for (j, sums) in sums.iter_mut().enumerate() {
                    *sums = sums.finish(of_group(j));
                }
            }
            sums
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(scan: Scan<'_>, tile: impl Tile) {
    // SAFETY: the instructions are this function's, the rest is the caller's promise.
    unsafe { scan.run::<Avx2Sums, 2, 1>(tile) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn vnni(scan: Scan<'_>, tile: impl Tile) {
    // SAFETY: as in `avx2`.
    unsafe { scan.run::<VnniSums, 6, 4>(tile) }
}

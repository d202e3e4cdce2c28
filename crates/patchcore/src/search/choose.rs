//! Which filter a memory bank is searched with.
//!
//! A few training patches, each without the rows of its own picture, show how much work every width leaves; work is
//! counted, not timed, so that equal patches give equal models.

use super::{Index, Neighbours, Work};
use crate::bank::{MemoryBank, Stretch};
use crate::filter::{Directions, Filter};

/// Widths of codes that are tried.
const WIDTHS: [usize; 3] = [64, 128, 256];
/// Banks below this size are searched without a filter.
const FEWEST_ROWS: usize = 64;

/// What steps cost, in products of sixteen columns with four values each. Measured once; only their ratios matter.
mod cost {
    /// To compute a distance within a block of them, per value.
    pub(super) const BLOCK: f64 = 0.11;
    /// To compute the distance to a row picked out of many, per value.
    pub(super) const MEASURED: f64 = 0.35;
    /// To compare with a code of a whole row that is close, per value.
    pub(super) const LISTED: f64 = 0.045;
    /// How much more a row picked out of many costs where they do not stay in a cache.
    pub(super) const FAR: f64 = 3.0;
    /// Bytes that stay.
    pub(super) const CLOSE: usize = 8 << 20;

    /// The factor for picking out of so many bytes.
    pub(super) fn reach(bytes: usize) -> f64 {
        if bytes > CLOSE { FAR } else { 1.0 }
    }

    /// To turn and quantise, per value.
    pub(super) const QUANTISED: f64 = 2.0;
    /// To multiply with a direction, per value.
    pub(super) const PROJECTED: f64 = 0.07;
}

/// The cheapest filter; `None` if comparing with every row is.
///
/// `patches` are rows of training pictures with the picture's number.
pub(crate) fn choose(bank: &MemoryBank, patches: &[(u32, Vec<f32>)], k: usize) -> Option<Filter> {
    let (n, d) = (bank.len(), bank.rows.dim());
    let queries: usize = patches.iter().map(|(_, rows)| rows.len() / d.max(1)).sum();
    if n < FEWEST_ROWS || queries == 0 {
        return None;
    }
    let per_query = |filter: &Filter| {
        let index = Index::new(bank, filter.clone())?;
        let mut found = Neighbours::default();
        let search = |(picture, rows): &(u32, Vec<f32>)| {
            index.nearest_into(bank, rows, k, Some(Stretch::of(*picture)), &mut found)
        };
        let Work { listed, measured } = patches.iter().map(search).fold(Work::default(), std::ops::Add::add);
        let (width, d) = (filter.k() as f64, d as f64);
        let groups = n as f64 / 16.0;
        let encode = if filter.is_whole() {
            // The codes serve twice: to guess and to filter.
            cost::QUANTISED * d + groups * width / 4.0
        } else {
            cost::QUANTISED * (d + width) + cost::PROJECTED * d * width + groups * 10.0
        };
        let listed = cost::LISTED * listed as f64;
        let measured = cost::MEASURED * cost::reach(4 * bank.rows.data().len()) * measured as f64;
        let settle = d * (listed + measured) / queries as f64;
        Some(encode + groups * width / 4.0 + settle)
    };
    let widest = WIDTHS.into_iter().filter(|&width| 2 * width <= d && width <= n).max();
    let directions = widest.map(|widest| Directions::new(&bank.rows, widest));
    let narrow = WIDTHS.into_iter().filter_map(|width| Filter::new(&bank.rows, directions.as_ref()?, width));
    let all_rows = cost::BLOCK * (n * d) as f64;
    let candidates =
        narrow.chain(Filter::whole(&bank.rows)).filter_map(|filter| Some((per_query(&filter)?, filter)));
    let best = candidates.reduce(|a, b| if b.0 < a.0 { b } else { a });
    best.filter(|(cost, _)| *cost < all_rows).map(|(_, filter)| filter)
}

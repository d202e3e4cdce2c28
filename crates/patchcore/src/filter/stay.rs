//! What a filter leaves, in the order in which it is looked at.

use super::ALWAYS;
use patchcore_kernels::codes::Hit;

/// The larger, the nearer the row, as far as its code tells.
pub(crate) fn likely(hit: &Hit) -> i32 {
    if hit.excess > -ALWAYS / 2 { i32::MIN } else { hit.excess }
}

/// Brings hits into the order of their rows; those of row `i` then lie at `starts[i]..starts[i + 1]`.
pub(crate) fn sort_by_row(hits: &[Hit], rows: usize, starts: &mut Vec<usize>, sorted: &mut Vec<Hit>) {
    starts.clear();
    starts.resize(rows + 2, 0);
    // Shifted by two while counting, by one while placing.
    for hit in hits {
        starts[hit.row as usize + 2] += 1;
    }
    (1..rows + 2).for_each(|i| starts[i] += starts[i - 1]);
    sorted.clear();
    sorted.resize(hits.len(), Hit { row: 0, column: 0, excess: 0 });
    for hit in hits {
        let place = &mut starts[hit.row as usize + 1];
        sorted[*place] = *hit;
        *place += 1;
    }
}

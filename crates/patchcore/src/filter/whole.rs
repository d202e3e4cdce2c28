//! Codes of whole rows: a byte for every value, the last question before a distance is measured.

use super::{Code, Codes, Encoder, Filter};
use patchcore_kernels::codes::dots;
use patchcore_kernels::isa::Isa;

/// The codes of some rows, to be picked out by number.
pub(crate) struct Whole {
    pub(crate) encoder: Encoder,
    codes: Vec<i8>,
    norms: Vec<i32>,
    errors: Vec<f32>,
    largest_error: f32,
}

impl Whole {
    /// No codes yet, with room for `n`; the filter is one of whole rows.
    pub(crate) fn with_room(filter: Filter, n: usize) -> Self {
        let codes = Vec::with_capacity(n * filter.k());
        let encoder = Encoder::new(filter);
        Self { encoder, codes, norms: Vec::new(), errors: Vec::new(), largest_error: 0.0 }
    }

    /// Adds rows at the end.
    pub(crate) fn extend(&mut self, rows: &[f32]) {
        self.add(self.encoder.encode(rows));
    }

    /// Adds rows at the end that have these codes.
    pub(crate) fn add(&mut self, codes: Codes) {
        self.codes.extend(codes.values);
        self.norms.extend(codes.norms);
        self.largest_error = codes.errors.iter().copied().fold(self.largest_error, f32::max);
        self.errors.extend(codes.errors);
    }

    /// Adds to `within` those of the rows with these numbers whose computed squared distance to a row with this code may be
    /// at most `limit`, each with a lower bound of it.
    pub(crate) fn within(
        &self,
        code: Code,
        numbers: &[u32],
        limit: f32,
        products: &mut Vec<i32>,
        within: &mut Vec<(f32, u32)>,
    ) {
        products.resize(numbers.len(), 0);
        dots(Isa::best(), code.values, &self.codes, numbers, products);
        let filter = &self.encoder.filter;
        let span = filter.span(limit, code.error);
        let farthest = filter.reach(span, self.largest_error);
        for (&number, &product) in numbers.iter().zip(&*products) {
            let (norm, error) = (self.norms[number as usize], self.errors[number as usize]);
            let steps = code.norm + norm - 2 * product;
            if steps <= farthest && steps <= filter.reach(span, error) {
                within.push((filter.at_least(steps, code.error, error), number));
            }
        }
    }
}

/// Brings rows with their lower bounds into the order in which they are measured: the likeliest first.
pub(crate) fn likeliest_first(within: &mut [(f32, u32)]) {
    within.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
}

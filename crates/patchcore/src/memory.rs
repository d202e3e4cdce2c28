//! How much memory `fit` will hold at most, told before the long part of it begins.

use crate::coreset::working_memory;
use crate::{Error, FeaturePrecision, Params};

/// What searching the bank takes beside the codes, at most: the rows that the filter leaves for each query.
const LISTS: u64 = 16 << 20;

/// What `fit` is expected to hold, foretold once the first pictures are embedded, as if all pictures were as large.
///
/// ```
/// use patchcore::{Expected, FeaturePrecision, Params};
/// let expected = Expected::of(&Params::default(), 100_000, 152, 50 << 20);
/// assert_eq!(expected.features, 100_000 * 152 * 4);
/// let half = Expected::of(
///     &Params { feature_precision: FeaturePrecision::F16, ..Params::default() }, 100_000, 152, 50 << 20
/// );
/// assert_eq!(expected.peak() - half.peak(), 100_000 * 152 * 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Patches of all pictures.
    pub patches: usize,
    /// Values of an embedding.
    pub dim: usize,
    /// What the program holds already: the network, its feature maps, the pictures at hand.
    pub program: u64,
    /// The embeddings of all patches.
    pub features: u64,
    /// What comes on top of both: the sampler's, later the bank's with its codes, later the model file's.
    pub beyond: u64,
}

impl Expected {
    /// What these parameters need for so many patches of `dim` values, where the program holds `program` bytes.
    pub fn of(params: &Params, patches: usize, dim: usize, program: u64) -> Self {
        // A size that does not fit is an error once the patches are counted.
        let rows = params.sampler.rows(patches, dim).unwrap_or(patches);
        let features = patches as u64 * dim as u64 * params.feature_precision.bytes() as u64;
        let bank = rows as u64 * dim as u64 * 4;
        // A byte of code for each value and again for the shorter codes, with what belongs to each.
        let codes = rows as u64 * (2 * dim as u64 + 64);
        let choosing = working_memory(params.sampler.kind, patches, dim, rows) as u64;
        // The file is put together in memory, beside the bank, when the features are gone.
        let saving = (3 * bank + codes).saturating_sub(features);
        let searching = bank + codes + LISTS.min(features + bank);
        let beyond = choosing.max(searching).max(saving);
        Self { patches, dim, program, features, beyond }
    }

    /// The most that will be held at once, in bytes.
    pub fn peak(&self) -> u64 {
        self.program + self.features + self.beyond
    }

    /// Fails if that is more than allowed.
    pub(crate) fn check(self, params: &Params, most: Option<u64>) -> Result<(), Error> {
        let Some(most) = most.filter(|&most| self.peak() > most) else { return Ok(()) };
        let half = Self { features: self.features / 2, ..self }.peak();
        let halving_helps = params.feature_precision == FeaturePrecision::F32 && half <= most;
        Err(Error::Memory { expected: self.peak(), most, halved: halving_helps.then_some(half) })
    }
}

/// The most memory that this process held so far, in bytes, where the system tells (Linux).
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

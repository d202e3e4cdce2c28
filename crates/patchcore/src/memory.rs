//! How much memory `fit` will hold at most, and a model that is read, told before the long part begins.

use crate::coreset::working_memory;
use crate::machine::{held_memory, in_kib};
use crate::{Error, FeaturePrecision, Left, Params};

/// What searching the bank takes beside the codes, at most: the rows that the filter leaves for each query.
const LISTS: u64 = 16 << 20;

/// Patches that one member will hold, all pictures together.
#[derive(Debug, Clone, Copy)]
pub struct MemberPatches<'a> {
    /// The member's parameters.
    pub params: &'a Params,
    /// Patches of all pictures.
    pub patches: usize,
    /// Values of an embedding.
    pub dim: usize,
}

impl MemberPatches<'_> {
    /// Rows of the memory bank.
    fn rows(&self) -> usize {
        // A size that does not fit is an error once the patches are counted.
        self.params.sampler.rows(self.patches, self.dim).unwrap_or(self.patches)
    }

    fn features(&self, precision: FeaturePrecision) -> u64 {
        self.patches as u64 * self.dim as u64 * precision.bytes() as u64
    }

    fn bank(&self) -> u64 {
        self.rows() as u64 * self.dim as u64 * 4
    }

    /// A byte of code for each value and again for the shorter codes, with what belongs to each.
    fn codes(&self) -> u64 {
        self.rows() as u64 * (2 * self.dim as u64 + 64)
    }

    fn choosing(&self) -> u64 {
        working_memory(self.params.sampler.kind, self.patches, self.dim, self.rows()) as u64
    }
}

/// What `fit` is expected to hold, foretold once the first pictures are embedded, as if all pictures were as large.
///
/// ```
/// use patchcore::{Expected, FeaturePrecision, MemberPatches, Params};
/// let params = Params::default();
/// let whole = MemberPatches { params: &params, patches: 100_000, dim: 152 };
/// let expected = Expected::of(&[whole], 50 << 20);
/// assert_eq!(expected.features, 100_000 * 152 * 4);
/// let params = Params { feature_precision: FeaturePrecision::F16, ..Params::default() };
/// let half = Expected::of(&[MemberPatches { params: &params, ..whole }], 50 << 20);
/// assert_eq!(expected.peak() - half.peak(), 100_000 * 152 * 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Patches of all pictures and values of an embedding, for each member.
    pub patches: Vec<[usize; 2]>,
    /// What the program holds already: the networks, their feature maps, the pictures at hand.
    pub program: u64,
    /// The embeddings of all patches.
    pub features: u64,
    /// What comes on top of both: the samplers', later the banks' with their codes, later the model file's.
    pub beyond: u64,
    /// What the embeddings would take less if they were kept as `f16`.
    halved: u64,
}

impl Expected {
    /// What members need for their patches, where the program holds `program` bytes.
    pub fn of(members: &[MemberPatches<'_>], program: u64) -> Self {
        let features: u64 =
            members.iter().map(|member| member.features(member.params.feature_precision)).sum();
        let bank: u64 = members.iter().map(MemberPatches::bank).sum();
        let codes: u64 = members.iter().map(MemberPatches::codes).sum();
        // One member after the other chooses, beside the banks of those before.
        let banks_before = bank - members.first().map_or(0, MemberPatches::bank);
        let choosing = members.iter().map(MemberPatches::choosing).max().unwrap_or(0) + banks_before;
        // The file is put together in memory, beside the banks, when the features are gone.
        let saving = (3 * bank + codes).saturating_sub(features);
        let searching = bank + codes + LISTS.min(features + bank);
        let beyond = choosing.max(searching).max(saving);
        let halved = members.iter().map(|member| member.features(FeaturePrecision::F16)).sum::<u64>();
        let halved = features - halved;
        let patches = members.iter().map(|member| [member.patches, member.dim]).collect();
        Self { patches, program, features, beyond, halved }
    }

    /// The most that will be held at once, in bytes.
    pub fn peak(&self) -> u64 {
        self.program + self.features + self.beyond
    }

    /// Fails if that is more than allowed, or more than there is.
    pub(crate) fn check(&self, allowed: Option<u64>) -> Result<(), Error> {
        let limits = [allowed.map(|most| (most, "allowed are")), most_here(allowed.is_some())];
        let Some((most, has)) = limits.into_iter().flatten().find(|&(most, _)| self.peak() > most) else {
            return Ok(());
        };
        let half = self.peak() - self.halved;
        let halved = (self.halved > 0 && half <= most).then_some(half);
        Err(Error::Memory { what: "fitting", expected: self.peak(), has, most, halved })
    }
}

/// Fails if a model file of this length cannot be held: the file and its bank, later the bank and its codes.
pub(crate) fn check_model(file: u64) -> Result<(), Error> {
    let needed = file.saturating_mul(9) / 4;
    let expected = held_memory().unwrap_or(0).saturating_add(needed);
    match most_here(false) {
        Some((most, has)) if expected > most => {
            Err(Error::Memory { what: "the model", expected, has, most, halved: None })
        }
        _ => Ok(()),
    }
}

/// The most that this process can hold in all, with the words for whose limit that is.
fn most_here(trusted: bool) -> Option<(u64, &'static str)> {
    let left = Left::now(trusted)?;
    Some((held_memory()?.saturating_add(left.bytes), left.of))
}

/// The most memory that this process held so far, in bytes, where the system tells (Linux).
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    in_kib(&status, "VmHWM:")
}

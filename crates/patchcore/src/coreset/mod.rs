//! Coreset subsampling: which patches become the memory bank.
//!
//! | sampler | picks | source |
//! |---|---|---|
//! | [`Greedy`](SamplerKind::Greedy) | exact greedy k-center at the full width of the embedding | Roth et al. 2022, algorithm 1 |
//! | [`Reference`](SamplerKind::Reference) | the original's approximate greedy: projection to 128, ten start points | its code |
//! | [`ReferenceGreedy`](SamplerKind::ReferenceGreedy) | the original's exact variant, without its n x n matrix | its code |
//! | [`Anomalib`](SamplerKind::Anomalib) | greedy on a sparse random projection, from a random first patch | anomalib's code |
//! | [`Random`](SamplerKind::Random) | a random subset | |
//! | [`Identity`](SamplerKind::Identity) | everything | |

mod anomalib;
mod effort;
mod farthest;
mod greedy;
mod projection;
mod reference;
mod replay;

pub use anomalib::sparse_greedy;
pub use greedy::greedy;
pub use projection::Projection;
pub use reference::{approximate_greedy, exact_greedy};
pub use replay::replay;

use crate::mt19937::Mt19937;
use crate::{Error, PatchRows, Progress};
use patchcore_tensor::Embeddings;
use serde::{Deserialize, Serialize};

/// Width to which the original's samplers project.
const REFERENCE_WIDTH: usize = 128;
/// Start points of the original's approximate sampler.
const START_POINTS: usize = 10;
/// Words that the original's data loader draws before its sampler starts.
const LOADER_WORDS: usize = 2;

/// How patches are chosen, and how many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampler {
    /// The rule.
    pub kind: SamplerKind,
    /// The size of the bank.
    pub size: BankSize,
    /// Seed of the rules that draw numbers.
    pub seed: u32,
}

/// The rule by which patches are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SamplerKind {
    /// Exact greedy k-center.
    Greedy,
    /// The original's approximate greedy sampler.
    Reference,
    /// The original's exact greedy sampler.
    ReferenceGreedy,
    /// anomalib's greedy sampler.
    Anomalib,
    /// A random subset.
    Random,
    /// Everything.
    Identity,
}

/// How many patches are kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BankSize {
    /// This share of the patches, rounded down: the sampling ratio.
    Ratio(f64),
    /// This share of the patches, but at least this many rows (or all patches if there are fewer).
    RatioAtLeast(f64, usize),
    /// Exactly this many rows.
    Rows(usize),
    /// As many rows as fit into this many bytes of a model file, at most all patches.
    Bytes(u64),
}

/// Bytes of a row's origin in a model file.
const ORIGIN: usize = 12;

impl BankSize {
    /// The number of rows out of `n` patches of `d` values.
    ///
    /// ```
    /// use patchcore::BankSize;
    /// assert_eq!(BankSize::Ratio(0.1).rows(784, 384)?, 78);
    /// // Four bytes a value, and twelve for where the patch came from.
    /// assert_eq!(BankSize::Bytes(2 << 20).rows(100_000, 1024)?, 510);
    /// # Ok::<(), patchcore::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::EmptyBank`] or [`Error::BankTooSmall`] if that is none, [`Error::BankTooLarge`] if it is more than `n`.
    pub fn rows(self, n: usize, d: usize) -> Result<usize, Error> {
        let share = |percentage: f64| (n as f64 * percentage) as usize;
        let (rows, percentage) = match self {
            Self::Ratio(p) => (share(p), p),
            Self::RatioAtLeast(p, least) => (share(p).max(least.min(n)), p),
            Self::Rows(rows) => (rows, 0.0),
            Self::Bytes(bytes) => {
                let row = d * size_of::<f32>() + ORIGIN;
                let rows = usize::try_from(bytes / row as u64).unwrap_or(usize::MAX).min(n);
                if rows == 0 {
                    return Err(Error::BankTooSmall { bytes, row });
                }
                (rows, 0.0)
            }
        };
        match rows {
            0 => Err(Error::EmptyBank { percentage, patches: n }),
            rows if rows > n => Err(Error::BankTooLarge { asked: rows, patches: n }),
            rows => Ok(rows),
        }
    }

    pub(crate) fn check(self) -> Result<(), Error> {
        let ratio = |p: f64| {
            let ok = p > 0.0 && p < 1.0;
            ok.then_some(()).ok_or_else(|| Error::Parameter {
                name: "percentage",
                got: p.to_string(),
                must: "above 0 and below 1".into(),
            })
        };
        match self {
            Self::Ratio(p) | Self::RatioAtLeast(p, _) => ratio(p),
            Self::Rows(0) => {
                Err(Error::Parameter { name: "bank rows", got: "0".into(), must: "at least 1".into() })
            }
            // How much a row takes is not known yet.
            Self::Rows(_) | Self::Bytes(_) => Ok(()),
        }
    }
}

/// About how many bytes a sampler holds beyond the embeddings.
pub(crate) fn working_memory(kind: SamplerKind, n: usize, d: usize, rows: usize) -> usize {
    let projected = |width: usize| if width == d { 0 } else { n * width * size_of::<f32>() };
    match kind {
        SamplerKind::Greedy => farthest::working_memory(n, d, rows),
        SamplerKind::Reference | SamplerKind::ReferenceGreedy => {
            projected(REFERENCE_WIDTH) + farthest::working_memory(n, REFERENCE_WIDTH, rows)
        }
        SamplerKind::Anomalib => {
            let width = anomalib::width(n);
            n * width * size_of::<f32>() + farthest::working_memory(n, width, rows)
        }
        SamplerKind::Random | SamplerKind::Identity => n * size_of::<usize>(),
    }
}

/// The chosen patches.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Coreset {
    /// Row numbers in the order in which they were chosen.
    pub indices: Vec<usize>,
    /// The largest L2 distance of any patch to its nearest chosen one, where the sampler knows it.
    pub covering_radius: Option<f32>,
}

impl Sampler {
    /// How many of `n` patches of `d` values are kept.
    ///
    /// # Errors
    /// As [`BankSize::rows`].
    pub fn rows(&self, n: usize, d: usize) -> Result<usize, Error> {
        if self.kind == SamplerKind::Identity { Ok(n) } else { self.size.rows(n, d) }
    }

    /// Chooses rows of `embeddings`.
    ///
    /// # Errors
    /// As [`BankSize::rows`].
    pub fn select(&self, embeddings: &dyn PatchRows, progress: &dyn Progress) -> Result<Coreset, Error> {
        let n = embeddings.len();
        if self.kind == SamplerKind::Identity {
            return Ok(Coreset { indices: (0..n).collect(), covering_radius: Some(0.0) });
        }
        let rows = self.rows(n, embeddings.dim())?;
        Ok(match self.kind {
            SamplerKind::Greedy => greedy(embeddings, rows, progress),
            SamplerKind::Reference => {
                let start =
                    Mt19937::new(self.seed).permutation(n).into_iter().take(START_POINTS).collect::<Vec<_>>();
                let projected = self.project(embeddings);
                let reduced = projected.as_ref().map_or(embeddings, |rows| rows);
                Coreset {
                    indices: approximate_greedy(reduced, &start, rows, progress),
                    covering_radius: None,
                }
            }
            SamplerKind::ReferenceGreedy => {
                let projected = self.project(embeddings);
                let reduced = projected.as_ref().map_or(embeddings, |rows| rows);
                Coreset { indices: exact_greedy(reduced, rows, progress), covering_radius: None }
            }
            SamplerKind::Anomalib => {
                let indices = sparse_greedy(embeddings, rows, self.seed, progress);
                Coreset { indices, covering_radius: None }
            }
            SamplerKind::Random => {
                let mut order = Mt19937::new(self.seed).permutation(n);
                order.truncate(rows);
                Coreset { indices: order, covering_radius: None }
            }
            SamplerKind::Identity => unreachable!("returned above"),
        })
    }

    /// The original's projection; none if the embedding has the width already.
    fn project(&self, embeddings: &dyn PatchRows) -> Option<Embeddings> {
        let d = embeddings.dim();
        (d != REFERENCE_WIDTH).then(|| {
            let mut words = Mt19937::new(self.seed);
            (0..LOADER_WORDS).for_each(|_| {
                words.word();
            });
            Projection::from_stream(&mut words, d, REFERENCE_WIDTH).apply(embeddings)
        })
    }
}

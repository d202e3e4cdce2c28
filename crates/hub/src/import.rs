//! A file that someone downloaded by other means, taken into the cache.

use crate::looks::looks;
use crate::part::Turn;
use crate::{Cache, HubError, Pretrained, Stored, digest};
use patchcore_backbone::networks::architecture;
use patchcore_backbone::weights::Weights;
use patchcore_backbone::{Backbone, BackboneError, Precision};
use patchcore_files::{RegularFile, shown};
use std::path::Path;

/// Takes the file at `path` into the cache: as the weights `named`, else as those of `table` whose file name or whose hash
/// it has. The network is built from it once, with its usual taps, before it is taken. Gives what it was taken as.
///
/// # Errors
/// [`HubError::Unrecognised`], [`HubError::WrongHash`], [`HubError::DoesNotLoad`], [`HubError::File`]. The cache is as it
/// was then.
pub fn import<'a>(
    path: &Path,
    named: Option<&'a Pretrained>,
    table: &'a [Pretrained],
    cache: &Cache,
) -> Result<(&'a Pretrained, Stored), HubError> {
    let got = digest::of_file(path)?;
    let by_name = || table.iter().find(|p| path.file_name().is_some_and(|name| name == p.file()));
    let by_hash = || table.iter().find(|p| got.starts_with(p.sha256_start));
    let Some(weights) = named.or_else(by_name).or_else(by_hash) else {
        return Err(HubError::Unrecognised { path: path.into(), got, looks: looks(path) });
    };
    digest::check(weights, None, &got, shown(path)).map_err(|error| match error {
        HubError::WrongHash { file, expected, got, .. } => {
            HubError::WrongHash { file, expected, got, looks: looks(path) }
        }
        other => other,
    })?;
    loads(path, weights.name).map_err(|source| HubError::DoesNotLoad {
        path: path.into(),
        name: weights.name,
        source: Box::new(source),
    })?;
    let turn = Turn::take(cache, weights, &())?;
    if let Some(stored) = turn.stored(weights)? {
        return Ok((weights, stored));
    }
    Ok((weights, copy(path, weights, turn, &())?))
}

/// Copies a file into the cache, if it is the right one.
pub(crate) fn copy(
    from: &Path,
    weights: &Pretrained,
    turn: Turn,
    watch: &dyn crate::Watch,
) -> Result<Stored, HubError> {
    let file = RegularFile::open(from)?;
    if file.len() > weights.allowed() {
        return Err(HubError::TooLong { from: shown(from), allowed: weights.allowed() });
    }
    let mut part = turn.part(&shown(from))?;
    let copied = part.begin(None).and_then(|()| {
        digest::by_chunks(&file, |bytes| {
            part.append(bytes)?;
            watch.at(part.len(), Some(file.len()));
            Ok(())
        })?;
        part.finish(weights, &shown(from))
    });
    if copied.is_err() {
        part.discard()?;
    }
    copied
}

/// Builds the network with its usual taps.
fn loads(path: &Path, name: &str) -> Result<(), BackboneError> {
    let layers = architecture(name).map(|a| a.layers.map(String::from)).unwrap_or_default();
    let weights = Weights::read(path).map_err(BackboneError::WeightsFile)?;
    Backbone::load(name, &weights, &layers, Precision::F32).map(|_| ())
}

//! One picture's way from its file to its map, with the time of each stage.

use crate::backbone::Network;
use patchcore::{Model, Prediction, Workspace};
use patchcore_backbone::FeatureExtractor;
use patchcore_files::shown;
use patchcore_image::{Limits, decode_as};
use std::path::Path;
use std::time::Instant;

/// Decoding, then the steps of each member; their fusion counts with the maps.
pub(super) const STAGES: [&str; 6] = ["decode", "preprocess", "backbone", "embed", "search", "map"];
/// The networks' place among them.
pub(super) const BACKBONE: usize = 2;

/// What came of it.
pub(super) struct Walk {
    pub(super) prediction: Prediction,
    /// Of the networks, where all know it.
    pub(super) multiply_adds: Option<u64>,
    /// Seconds of each stage.
    pub(super) seconds: [f64; STAGES.len()],
}

/// Reads and judges one picture, with a space for each member; the error names it.
pub(super) fn walk(model: &Model<Network>, file: &Path, spaces: &mut Vec<Workspace>) -> Result<Walk, String> {
    let name = |error: patchcore::Error| format!("{}: {error}", shown(file));
    let mut seconds = [0.0; STAGES.len()];
    let mut last = Instant::now();
    let mut lap = |stage: usize| {
        let now = Instant::now();
        seconds[stage] += (now - last).as_secs_f64();
        last = now;
    };
    let picture = decode_as(file, &Limits::default(), model.fitted().training.intensity)
        .map_err(|error| error.to_string())?;
    lap(0);
    spaces.resize_with(model.members().len(), Workspace::default);
    let (mut members, mut multiply_adds) = (Vec::new(), Some(0));
    for (steps, space) in model.members().zip(spaces) {
        steps.preprocess(&picture, space);
        lap(1);
        steps.features(space).map_err(name)?;
        lap(BACKBONE);
        steps.embed(space).map_err(name)?;
        lap(3);
        steps.search(space).map_err(name)?;
        lap(4);
        members.push(steps.judge(space).map_err(name)?);
        lap(5);
        let [_, h, w, _] = space.input.shape();
        let more = steps.extractor().multiply_adds(h, w).map_err(|error| name(error.into()))?;
        multiply_adds = multiply_adds.zip(more).map(|(sum, more)| sum + more);
    }
    let prediction = model.fuse(members).map_err(name)?;
    lap(5);
    Ok(Walk { prediction, multiply_adds, seconds })
}

//! One picture's way from its file to its map, with the time of each stage.

use patchcore::{Model, Prediction, Workspace};
use patchcore_backbone::Backbone;
use patchcore_files::shown;
use patchcore_image::{Limits, decode};
use std::path::Path;
use std::time::Instant;

/// Decoding, then the steps of [`Model::predict`].
pub(super) const STAGES: [&str; 6] = ["decode", "preprocess", "backbone", "embed", "search", "map"];
/// The network's place among them.
pub(super) const BACKBONE: usize = 2;

/// What came of it.
pub(super) struct Walk {
    pub(super) prediction: Prediction,
    /// Height and width of the network's input.
    pub(super) input: [usize; 2],
    /// Seconds of each stage.
    pub(super) seconds: [f64; STAGES.len()],
}

/// Reads and judges one picture; the error names it.
pub(super) fn walk(model: &Model<Backbone>, file: &Path, space: &mut Workspace) -> Result<Walk, String> {
    let name = |error: patchcore::Error| format!("{}: {error}", shown(file));
    let mut seconds = [0.0; STAGES.len()];
    let mut last = Instant::now();
    let mut lap = |stage: usize| {
        let now = Instant::now();
        seconds[stage] = (now - last).as_secs_f64();
        last = now;
    };
    let picture = decode(file, &Limits::default()).map_err(|error| error.to_string())?;
    lap(0);
    model.preprocess(&picture, space);
    lap(1);
    model.features(space).map_err(name)?;
    lap(BACKBONE);
    model.embed(space).map_err(name)?;
    lap(3);
    model.search(space).map_err(name)?;
    lap(4);
    let prediction = model.judge(space).map_err(name)?;
    lap(5);
    let [_, h, w, _] = space.input.shape();
    Ok(Walk { prediction, input: [h, w], seconds })
}

//! One test picture: its name in results, and what the thresholds in use say to it.

use crate::evaluate::Options;
use crate::evaluation::Judged;
use crate::fusion::Fusion;
use patchcore::{Calibration, Model, Thresholds, Verdict};
use patchcore_backbone::FeatureExtractor;
use patchcore_image::Sample;
use std::path::Path;

/// The thresholds in use, or why there are none.
pub(crate) struct InUse {
    pub(crate) image: Result<Thresholds, String>,
    pub(crate) pixel: Result<f32, String>,
}

impl InUse {
    pub(crate) fn of<E: FeatureExtractor>(model: &Model<E>, options: &Options) -> Self {
        let own = match (options.fusion, &model.fitted().calibration) {
            (Fusion::Reference, _) => Err("scores on the test set's own scale have no threshold"),
            (Fusion::Calibrated, None) => Err("the model has no threshold"),
            (Fusion::Calibrated, Some(calibration)) => Ok(calibration),
        };
        let image = Thresholds::in_use(own.ok().map(Calibration::thresholds), options.threshold)
            .ok_or_else(|| own.err().unwrap_or_default().to_string());
        let pixel = match options.pixel_threshold {
            Some(asked) => Ok(asked),
            None => own.map(|c| c.pixel_threshold).map_err(str::to_string),
        };
        Self { image, pixel }
    }

    /// What the program says to a score.
    fn verdict(&self, score: f32) -> Option<Verdict> {
        self.image.as_ref().ok().map(|&thresholds| Verdict::of(score, thresholds))
    }
}

impl Judged {
    pub(crate) fn new(sample: &Sample, options: &Options, in_use: &InUse, image_score: f32) -> Self {
        let name = name_below(&options.root, &sample.path);
        Self { sample: sample.clone(), name, image_score, verdict: in_use.verdict(image_score) }
    }
}

/// A picture's path below the data set's root, with `/` between its parts; the whole path where it lies elsewhere.
fn name_below(root: &Path, path: &Path) -> String {
    let folder = if root.is_file() { root.parent().unwrap_or(root) } else { root };
    let below = path.strip_prefix(folder).unwrap_or(path).to_string_lossy();
    below.replace(std::path::MAIN_SEPARATOR, "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_below_the_root() {
        let name = |root: &str, path: &str| name_below(Path::new(root), Path::new(path));
        assert_eq!(name("set", "set/bolt/test/good/000.png"), "bolt/test/good/000.png");
        assert_eq!(name("set/", "set/kos01/Part0.jpg"), "kos01/Part0.jpg");
        assert_eq!(name("set", "/elsewhere/1.png"), "/elsewhere/1.png");
        // A manifest's pictures lie beside it, or below.
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("m.csv");
        std::fs::write(&manifest, "").unwrap();
        assert_eq!(name_below(&manifest, &folder.path().join("a/1.png")), "a/1.png");
    }
}

//! What fitting found: all that a model file holds.

use crate::calibration::Calibration;
use crate::extent::Extent;
use crate::member::Member;
use patchcore_files::shown;
use patchcore_image::{Fingerprint, Fingerprints, Intensity, Likeness};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// Everything that fitting found, apart from the networks: what a model file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// One, or the several of an ensemble; the first one's geometry is that of the model's maps.
    pub members: Vec<Member>,
    /// What it was fitted on.
    pub training: Training,
    /// Thresholds from the good pictures alone; none if there were too few.
    pub calibration: Option<Calibration>,
}

/// What a model was fitted on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Training {
    /// Names of the pictures, by number.
    pub pictures: Vec<String>,
    /// Names of the pictures that could not be read and were left out.
    pub skipped: Vec<String>,
    /// Names of the pictures with values outside the intensity window.
    pub clipped: Vec<String>,
    /// What became of samples of other depths than 8 bits; the same for every picture that the model judges.
    pub intensity: Intensity,
    /// Names of the pictures that were left out because it was asked for.
    pub dropped: Vec<String>,
    /// Sizes and kinds of the pictures; files of programs that did not look have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extent: Option<Extent>,
    /// Version of the program that fitted.
    pub version: String,
    /// What tells each picture again, in the order of the names; none if the pictures are not known.
    #[serde(skip)]
    pub fingerprints: Vec<Fingerprint>,
}

/// The pictures that a model was fitted on, to look others up in.
///
/// ```
/// # use patchcore::{Params, PatchCore, Quiet};
/// # use patchcore_backbone::Backbone;
/// # use patchcore_image::{Fingerprint, Likeness, Picture};
/// let picture = |step: usize| Picture::from_rgb(32, 32, (0..3072).map(|i| (i * step % 256) as u8).collect());
/// let pictures = vec![("a.png".to_string(), picture(3)?), ("b.png".to_string(), picture(7)?)];
/// let model = PatchCore::load(Params::default(), Backbone::embedded()?)?.fit(&pictures, &Quiet)?;
/// let known = model.fitted().training.known();
/// let leak = known.leak("new/7.png", &Fingerprint::of(&picture(7)?)).unwrap();
/// assert_eq!(leak.to_string(), "new/7.png is b.png, which was trained on");
/// assert_eq!(leak.kind, Likeness::Exact);
/// assert_eq!(known.leak("new/5.png", &Fingerprint::of(&picture(5)?)), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Known<'a> {
    names: &'a [String],
    fingerprints: Fingerprints<'a>,
}

impl Training {
    /// The pictures, to look others up in.
    pub fn known(&self) -> Known<'_> {
        Known { names: &self.pictures, fingerprints: Fingerprints::new(&self.fingerprints) }
    }
}

impl Known<'_> {
    /// The picture of this name, if it is one of the training pictures.
    pub fn leak(&self, name: &str, given: &Fingerprint) -> Option<Leak> {
        let (number, kind) = self.fingerprints.find(given)?;
        Some(Leak { picture: name.to_string(), trained: self.names.get(number)?.clone(), kind })
    }
}

/// A picture that should be new to a model, and is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leak {
    /// Its name.
    pub picture: String,
    /// The training picture that it is.
    pub trained: String,
    /// How it is the same.
    pub kind: Likeness,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let likeness = match self.kind {
            Likeness::Exact => "is",
            Likeness::Near => "is nearly",
        };
        let [picture, trained] = [&self.picture, &self.trained].map(|name| shown(Path::new(name)));
        write!(f, "{picture} {likeness} {trained}, which was trained on")
    }
}

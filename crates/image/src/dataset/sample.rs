//! What every layout becomes: a category of samples.

use crate::error::ImageError;
use crate::limits::Limits;
use crate::mask::{Mask, read_mask};
use serde::Serialize;
use std::path::PathBuf;

/// The defect of pictures without one.
pub(super) const GOOD: &str = "good";

/// What a picture of a data set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To fit on.
    Train,
    /// Good pictures that are not trained on: for thresholds.
    Validation,
    /// To evaluate on.
    Test,
    /// Pictures whose labels are kept by their publisher.
    Unlabelled,
}

/// Whether a picture shows a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// It shows none.
    Normal,
    /// It shows one.
    Anomaly,
    /// Nobody told.
    Unknown,
}

/// One picture of a data set, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The picture's file.
    pub path: PathBuf,
    /// The kind of defect: in most layouts its folder's name; `good` for normal.
    pub defect: String,
    /// Whether it shows a defect.
    pub label: Label,
    /// Its ground-truth masks, sorted; a pixel is defective where one of them is not zero. None for normal pictures and
    /// for kinds of defect without masks.
    pub masks: Vec<PathBuf>,
}

/// One category (product) of a data set. Every split is sorted by defect, then path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Category {
    /// Its name; in most layouts its folder's.
    pub name: String,
    /// Pictures to fit on.
    pub train: Vec<Sample>,
    /// Good pictures that are not trained on; empty in most data sets.
    pub validation: Vec<Sample>,
    /// Labelled pictures to evaluate on; may be empty.
    pub test: Vec<Sample>,
    /// Pictures without labels.
    pub unlabelled: Vec<Sample>,
}

impl Split {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Train, Self::Validation, Self::Test, Self::Unlabelled];

    /// Its name in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Unlabelled => "unlabelled",
        }
    }
}

impl Label {
    /// Its name in a manifest; empty if unknown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Anomaly => "anomaly",
            Self::Unknown => "",
        }
    }
}

impl Sample {
    /// Whether it is known to show a defect.
    pub fn is_anomalous(&self) -> bool {
        self.label == Label::Anomaly
    }

    /// Its mask, read: several files become one by their largest value at every pixel. `None` if it has none.
    ///
    /// # Errors
    /// [`ImageError`] as for [`read_mask`], and for masks of different sizes.
    pub fn mask(&self, limits: &Limits) -> Result<Option<Mask>, ImageError> {
        let mut joined: Option<Mask> = None;
        for path in &self.masks {
            let mask = read_mask(path, limits)?;
            let size = [mask.width(), mask.height()];
            joined = match joined {
                None => Some(mask),
                Some(so_far) => {
                    let first_size = [so_far.width(), so_far.height()];
                    let both = so_far.join(&mask).ok_or_else(|| ImageError::MaskSizes {
                        path: path.clone(),
                        size,
                        first: self.masks.first().cloned().unwrap_or_default(),
                        first_size,
                    });
                    Some(both?)
                }
            };
        }
        Ok(joined)
    }
}

impl Category {
    /// The pictures of a split.
    pub fn split(&self, split: Split) -> &[Sample] {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
            Split::Unlabelled => &self.unlabelled,
        }
    }

    /// The pictures of a split, to be changed.
    pub(super) fn split_mut(&mut self, split: Split) -> &mut Vec<Sample> {
        match split {
            Split::Train => &mut self.train,
            Split::Validation => &mut self.validation,
            Split::Test => &mut self.test,
            Split::Unlabelled => &mut self.unlabelled,
        }
    }

    /// All pictures with their splits, in order.
    pub fn samples(&self) -> impl Iterator<Item = (Split, &Sample)> {
        Split::ALL.into_iter().flat_map(|split| self.split(split).iter().map(move |sample| (split, sample)))
    }

    /// The order that every category has.
    pub(super) fn sort(&mut self) {
        for split in Split::ALL {
            let samples = self.split_mut(split);
            for sample in &mut *samples {
                sample.masks.sort();
            }
            samples.sort_by(|a, b| (&a.defect, &a.path).cmp(&(&b.defect, &b.path)));
        }
    }
}

//! What a model did on labelled pictures.

use super::Thumbnail;
use serde::Serialize;

/// What a model did on labelled pictures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestPart {
    /// Every test picture, in the data set's order.
    pub pictures: Vec<TestPicture>,
    /// Counts at the deployed threshold; none without one.
    pub outcome: Option<Outcome>,
    /// All metrics, in the order in which they are shown.
    pub metrics: Vec<MetricRow>,
    /// Each kind of defect.
    pub kinds: Vec<KindRow>,
    /// Curves over all thresholds.
    pub curves: Curves,
    /// Defects with the lowest scores, the lowest first.
    pub lowest_defects: Vec<Example>,
    /// Good pictures with the highest scores, the highest first.
    pub highest_good: Vec<Example>,
}

/// What a score means at the deployed thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Below all thresholds.
    Ok,
    /// For a person to look at.
    Review,
    /// At or above the image threshold.
    Defect,
}

/// One test picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestPicture {
    /// Its name within the data set.
    pub name: String,
    /// Its kind of defect, or what good pictures are called.
    pub kind: String,
    /// Whether it is labelled as a defect.
    pub anomalous: bool,
    /// Its image score.
    pub score: f32,
    /// What the model says; none without a threshold.
    pub verdict: Option<Verdict>,
}

/// How many pictures of each label were called what.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Outcome {
    /// Pictures labelled good.
    pub good: Calls,
    /// Pictures labelled as a defect.
    pub defects: Calls,
    /// Good pictures that were called defective; none if there are no good ones.
    pub false_alarm_rate: Option<Rate>,
    /// Defects that were called ok; none if there are no defects.
    pub escape_rate: Option<Rate>,
}

/// How many pictures were called what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// At or above the image threshold.
    pub defect: u64,
    /// For a person to look at.
    pub review: u64,
    /// Below all thresholds.
    pub ok: u64,
}

/// A share of counted things with its 95 % Clopper-Pearson bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// Of how many; at least 1.
    pub of: u64,
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
}

/// One metric: a value, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricRow {
    /// Its name for programs.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// What it is of, such as `pixels, over all thresholds`; rows of a group stand together.
    pub group: String,
    /// The value; a share unless the name says otherwise.
    pub value: Option<f64>,
    /// A 95 % interval, if there is one.
    pub interval: Option<[f64; 2]>,
    /// Why there is no value.
    pub undefined: Option<String>,
    /// Whether a threshold was chosen by looking at labels, which no deployed model can do.
    pub oracle: bool,
}

/// One kind of defect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindRow {
    /// Its name.
    pub name: String,
    /// Its pictures.
    pub pictures: usize,
    /// How many were called ok at the deployed threshold; none without one.
    pub escapes: Option<Rate>,
    /// Area under the ROC curve of this kind against all good pictures.
    pub auroc: Option<f64>,
    /// Why there is no area.
    pub undefined: Option<String>,
}

/// Curves over all thresholds, each drawn if it is defined.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Curves {
    /// Share of defects found over share of false alarms.
    pub roc: Option<Curve>,
    /// Precision over recall.
    pub precision_recall: Option<Curve>,
    /// Mean overlap with defective regions over the share of false pixels.
    pub pro: Option<Curve>,
}

/// A curve as points, and where the deployed threshold lies on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// Points `[x, y]`, each in `[0, 1]`; enough to draw it.
    pub points: Vec<[f64; 2]>,
    /// The area under it that the metrics table gives.
    pub area: Option<f64>,
    /// The point of the deployed threshold.
    pub deployed: Option<[f64; 2]>,
}

/// A picture that is shown, with what the model saw in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// The picture.
    pub picture: TestPicture,
    /// Its width and height in pixels, which the regions refer to.
    pub size: [usize; 2],
    /// The picture, made small.
    pub thumbnail: Thumbnail,
    /// The picture under its anomaly map, made small.
    pub overlay: Thumbnail,
    /// Boxes around what the labels mark as defective, `[x, y, width, height]` in the picture's pixels; the first few.
    pub truth: Vec<[usize; 4]>,
    /// Regions at or above the pixel threshold, the highest peak first; the first few.
    pub regions: Vec<RegionRow>,
    /// How many regions there are; none without a pixel threshold.
    pub n_regions: Option<usize>,
    /// The normal patch that is nearest to the worst region; none if the model does not know.
    pub nearest: Option<Nearest>,
}

/// A connected region at or above the pixel threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegionRow {
    /// `[x, y, width, height]` in the picture's pixels.
    pub bounds: [usize; 4],
    /// Its pixels.
    pub area: usize,
    /// Its largest map value.
    pub peak: f32,
}

/// The normal patch that comes nearest to a region's peak.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Nearest {
    /// The training picture.
    pub picture: String,
    /// Row and column on that picture's patch grid.
    pub patch: [u32; 2],
    /// That picture made small, if it is at hand.
    pub thumbnail: Option<Thumbnail>,
    /// The patch in shares of the thumbnail's width and height: `[x, y, width, height]`.
    pub place: Option<[f64; 4]>,
}

impl Calls {
    /// All of them.
    pub fn all(&self) -> u64 {
        self.defect + self.review + self.ok
    }
}

impl Rate {
    /// The share, in `[0, 1]`.
    pub fn value(&self) -> f64 {
        self.count as f64 / self.of as f64
    }
}

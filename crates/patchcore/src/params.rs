//! What a member of a model is made of.

use crate::anomaly_map::MapStyle;
use crate::coreset::{BankSize, Sampler, SamplerKind};
use crate::embedding::{PatchEmbedding, Reduction};
use crate::patch::PatchShape;
use crate::score::{ImageScore, PatchDistance};
use crate::{Error, FeaturePrecision};
use patchcore_backbone::Precision;
use patchcore_backbone::networks::{ARCHITECTURES, Architecture};
use patchcore_image::{Geometry, Preprocess};
use serde::{Deserialize, Serialize};

/// Side and step of a patch: no feature map is larger.
const MOST_POSITIONS: usize = 1024;
/// Neighbours of a patch that are looked at.
const MOST_NEIGHBOURS: usize = 1024;
/// Layers that are tapped.
const MOST_LAYERS: usize = 64;
/// Values of a layer or an embedding after the original's poolings.
const WIDEST: usize = 1 << 16;

/// All parameters of a member, apart from the weights of its backbone.
///
/// The default is our own configuration on the built-in backbone; [`Params::reference`] is the original's.
///
/// ```
/// use patchcore::{BankSize, Params, Reduction};
/// let ours = Params::default();
/// assert_eq!(ours.embedding.reduction, Reduction::Raw);
/// assert_eq!(ours.sampler.size, BankSize::RatioAtLeast(0.01, 2000));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Params {
    /// How a picture becomes the network's input.
    pub preprocess: Preprocess,
    /// Name of the backbone.
    pub backbone: String,
    /// `layers_to_extract_from`: the tapped layers; the first gives the patch grid.
    pub layers: Vec<String>,
    /// How the layers of a network from an ONNX file are read; none for a network that runs natively.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onnx: Option<OnnxTaps>,
    /// In which numbers the backbone computes.
    #[serde(default)]
    pub precision: Precision,
    /// In which numbers `fit` keeps the embeddings of all training patches.
    #[serde(default)]
    pub feature_precision: FeaturePrecision,
    /// How feature maps become embeddings.
    pub embedding: PatchEmbedding,
    /// How the memory bank is chosen.
    pub sampler: Sampler,
    /// `anomaly_score_num_nn`: neighbours that a patch score averages over.
    pub num_nn: usize,
    /// The distance that it averages.
    pub patch_distance: PatchDistance,
    /// How patch scores become the image score.
    pub image_score: ImageScore,
    /// Sigma of the anomaly map's blur, in pixels of the network's input.
    pub map_sigma: f64,
    /// How patch scores become pixels.
    #[serde(default)]
    pub map_style: MapStyle,
}

/// How the layers of a network from an ONNX file are read; what is left open is recognised from the file and the picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxTaps {
    /// The order of axes: `nchw`, `nhwc` or `tokens`.
    pub layout: Option<String>,
    /// Tokens before those of the patches.
    pub prefix_tokens: Option<usize>,
}

/// Rules by which distances become scores, by the name of who uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scoring {
    /// Ours: L2 distances, the image score from the blurred patch scores, maps with sigma 6.
    Blurred,
    /// The original: squared L2 distances, the image score is the largest, maps with sigma 4.
    Reference,
    /// The paper: L2 distances, the largest [weighed](crate::reweighted) by this many rows around its match.
    Paper {
        /// Rows, the match included.
        support: usize,
    },
    /// anomalib: as the paper, but with a single row the largest distance as it is; its own style of maps.
    Anomalib {
        /// `num_neighbors`, the match included.
        support: usize,
    },
}

impl Scoring {
    fn parts(self) -> (PatchDistance, ImageScore, f64, MapStyle) {
        use MapStyle::{Bilinear, Nearest};
        use PatchDistance::{L2, SquaredL2};
        match self {
            Self::Blurred => (L2, ImageScore::BlurredMax { sigma_share: 0.035 }, 6.0, Bilinear),
            Self::Reference => (SquaredL2, ImageScore::Max, 4.0, Bilinear),
            Self::Paper { support } => (L2, ImageScore::Paper { neighbours: support }, 4.0, Bilinear),
            Self::Anomalib { support } => (L2, ImageScore::Anomalib { neighbours: support }, 4.0, Nearest),
        }
    }
}

impl Default for Params {
    fn default() -> Self {
        Self::ours(&ARCHITECTURES[0])
    }
}

impl Params {
    /// Our own configuration: the whole picture with its aspect kept, raw concatenation of the taps, exact greedy, image
    /// score from the blurred patch scores.
    pub fn ours(backbone: &Architecture) -> Self {
        let (patch_distance, image_score, map_sigma, map_style) = Scoring::Blurred.parts();
        Self {
            preprocess: preprocess(backbone, Geometry::Whole { area_side: 224, multiple: 16 }),
            backbone: backbone.name.to_string(),
            layers: backbone.layers.map(String::from).to_vec(),
            onnx: None,
            precision: Precision::F32,
            feature_precision: FeaturePrecision::F32,
            embedding: PatchEmbedding { patch: PatchShape { size: 3, stride: 1 }, reduction: Reduction::Raw },
            sampler: Sampler { kind: SamplerKind::Greedy, size: BankSize::RatioAtLeast(0.01, 2000), seed: 0 },
            num_nn: 1,
            patch_distance,
            image_score,
            map_sigma,
            map_style,
        }
    }

    /// These parameters with another rule of scoring; neighbours that patch scores average over stay as they are.
    ///
    /// ```
    /// use patchcore::{ImageScore, Params, PatchDistance, Scoring};
    /// let params = Params::default().scored_by(Scoring::Paper { support: 9 });
    /// assert_eq!(params.image_score, ImageScore::Paper { neighbours: 9 });
    /// assert_eq!(params.patch_distance, PatchDistance::L2);
    /// ```
    #[must_use]
    pub fn scored_by(self, rule: Scoring) -> Self {
        let (patch_distance, image_score, map_sigma, map_style) = rule.parts();
        Self { patch_distance, image_score, map_sigma, map_style, ..self }
    }

    /// The original's configuration: shorter side `resize`, centre crop `image_size`, sampling ratio `percentage`.
    ///
    /// `IM224` is `(256, 224, 0.1)`, `IM320` is `(366, 320, 0.01)`. Layers are those that the original really takes: see
    /// [`Architecture::overwritten_taps`], which other layers need too.
    pub fn reference(backbone: &Architecture, resize: usize, image_size: usize, percentage: f64) -> Self {
        let (patch_distance, image_score, map_sigma, map_style) = Scoring::Reference.parts();
        Self {
            preprocess: preprocess(backbone, Geometry::ResizeCrop { resize, crop: [image_size; 2] }),
            backbone: backbone.name.to_string(),
            layers: backbone.overwritten_taps(&backbone.layers.map(String::from)),
            onnx: None,
            precision: Precision::F32,
            feature_precision: FeaturePrecision::F32,
            embedding: PatchEmbedding {
                patch: PatchShape { size: 3, stride: 1 },
                reduction: Reduction::Pooled { pretrain: 1024, target: 1024 },
            },
            sampler: Sampler { kind: SamplerKind::Reference, size: BankSize::Ratio(percentage), seed: 0 },
            num_nn: 1,
            patch_distance,
            image_score,
            map_sigma,
            map_style,
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// [`Error::Parameter`] with the first parameter outside its range.
    pub fn check(&self) -> Result<(), Error> {
        let up_to = |name, value: usize, most: usize| {
            let ok = (1..=most).contains(&value);
            ok.then_some(()).ok_or_else(|| parameter(name, value, &format!("between 1 and {most}")))
        };
        up_to("patchsize", self.embedding.patch.size, MOST_POSITIONS)?;
        up_to("patchstride", self.embedding.patch.stride, MOST_POSITIONS)?;
        up_to("anomaly_score_num_nn", self.num_nn, MOST_NEIGHBOURS)?;
        up_to("layers_to_extract_from", self.layers.len(), MOST_LAYERS)?;
        if let Reduction::Pooled { pretrain, target } = self.embedding.reduction {
            up_to("pretrain_embed_dimension", pretrain, WIDEST)?;
            up_to("target_embed_dimension", target, WIDEST)?;
        }
        if self.sampler.kind != SamplerKind::Identity {
            self.sampler.size.check()?;
        }
        if !(0.0..=1000.0).contains(&self.map_sigma) {
            return Err(parameter("map_sigma", self.map_sigma, "between 0 and 1000"));
        }
        if let ImageScore::BlurredMax { sigma_share } = self.image_score
            && !(0.0..=1.0).contains(&sigma_share)
        {
            return Err(parameter("sigma_share", sigma_share, "between 0 and 1"));
        }
        self.check_weighing()?;
        self.preprocess.check().map_err(|e| parameter("preprocess", e, "a usable geometry"))
    }

    /// A weight is defined for the distance to one neighbour.
    fn check_weighing(&self) -> Result<(), Error> {
        let least = match self.image_score {
            ImageScore::Max | ImageScore::BlurredMax { .. } => return Ok(()),
            // The match alone would weigh every picture with zero.
            ImageScore::Paper { .. } => 2,
            ImageScore::Anomalib { .. } => 1,
        };
        let support = self.image_score.support();
        if !(least..=MOST_NEIGHBOURS).contains(&support) {
            return Err(parameter("support", support, &format!("between {least} and {MOST_NEIGHBOURS}")));
        }
        if self.num_nn != 1 {
            return Err(parameter("anomaly_score_num_nn", self.num_nn, "1 where the image score is weighed"));
        }
        if self.patch_distance != PatchDistance::L2 {
            return Err(parameter("patch_distance", "squared_l2", "l2 where the image score is weighed"));
        }
        Ok(())
    }
}

fn preprocess(backbone: &Architecture, geometry: Geometry) -> Preprocess {
    Preprocess { geometry, mean: backbone.mean, std: backbone.std }
}

fn parameter(name: &'static str, got: impl std::fmt::Display, must: &str) -> Error {
    Error::Parameter { name, got: got.to_string(), must: must.to_string() }
}

//! The options of a model: the original's parameters under their own names, and ours.

use super::numbers::{bytes, share, side, sides, whole, window};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as Group, ValueEnum};
use patchcore::presets::{PRESETS, Preset, preset};
use patchcore_image::Intensity;
use std::path::PathBuf;

/// The parameters of the original under their own names, and ours.
#[derive(Group, Clone, Default, PartialEq)]
pub(crate) struct ModelOptions {
    /// Configuration to start from; the options below change it
    #[arg(
        long,
        value_parser = presets(),
        default_value = PRESETS[0].name,
        value_name = "NAME",
        help_heading = "Model"
    )]
    pub(crate) preset: PresetChoice,

    /// Network, or an .onnx file; repeat it for an ensemble [default: the built-in efficientnet_lite0; for reference
    /// presets wide_resnet50_2]. NAME.seed-N gives one its own seed
    #[arg(short, long, value_name = "NAME", alias = "backbone-names", help_heading = "Model")]
    pub(crate) backbone: Vec<String>,

    /// Weights of the network: .safetensors, or .pth as torchvision has them; repeat it in the order of the networks
    #[arg(long, value_name = "FILE", help_heading = "Model")]
    pub(crate) weights: Vec<PathBuf>,

    /// In which numbers the backbone computes; judging follows the model
    #[arg(long, value_enum, default_value_t = PrecisionName::F32, help_heading = "Model")]
    pub(crate) precision: PrecisionName,

    /// In which numbers fit keeps the embeddings of all training patches
    #[arg(long, value_enum, default_value_t = FeaturePrecisionName::F32, help_heading = "Model")]
    pub(crate) feature_precision: FeaturePrecisionName,

    /// Layers to tap, the one with the finest grid first [default: the two at strides 8 and 16]; with several networks
    /// I.NAME, where I counts them from 0
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        visible_alias = "layers-to-extract-from",
        help_heading = "Model"
    )]
    pub(crate) layers: Vec<String>,

    /// Order of axes in the layers of an .onnx file: nchw, nhwc or tokens [default: recognised]
    #[arg(long, value_name = "LAYOUT", value_parser = ["nchw", "nhwc", "tokens"], help_heading = "Model")]
    pub(crate) onnx_layout: Option<String>,

    /// Tokens before those of the patches, in the layers of an .onnx file [default: recognised]
    #[arg(long, value_name = "N", value_parser = whole(0usize..=65_536), help_heading = "Model")]
    pub(crate) prefix_tokens: Option<usize>,

    /// Values per layer and patch; with either dimension, layers are pooled as in the original [reference: 1024]
    #[arg(long, value_name = "D", value_parser = whole(1usize..=65_536), help_heading = "Model")]
    pub(crate) pretrain_embed_dimension: Option<usize>,

    /// Values per embedding [reference: 1024]
    #[arg(long, value_name = "T", value_parser = whole(1usize..=65_536), help_heading = "Model")]
    pub(crate) target_embed_dimension: Option<usize>,

    /// Side of a patch, in positions of the feature map [default: 3]
    #[arg(long, value_name = "P", value_parser = whole(1usize..=1024), help_heading = "Model")]
    pub(crate) patchsize: Option<usize>,

    /// Step between patches, in positions of the feature map [default: 1]
    #[arg(long, value_name = "S", value_parser = whole(1usize..=1024), help_heading = "Model")]
    pub(crate) patchstride: Option<usize>,

    /// Neighbours that a patch score averages over [default: 1]
    #[arg(long, value_name = "K", value_parser = whole(1usize..=1024), visible_alias = "anomaly-scorer-num-nn", help_heading = "Model")]
    pub(crate) anomaly_score_num_nn: Option<usize>,

    /// How distances become scores [default: blurred; for reference presets: reference]
    #[arg(long, value_enum, help_heading = "Model")]
    pub(crate) scoring: Option<ScoringName>,

    /// Bank rows around the match that weigh the image score, the match included [default: 9]
    #[arg(
        long,
        value_parser = whole(1usize..=1024),
        value_name = "B",
        visible_alias = "num-neighbors",
        requires = "scoring",
        help_heading = "Model"
    )]
    pub(crate) support: Option<usize>,

    /// How the memory bank is chosen [default: greedy; for reference presets: reference]
    #[arg(long, value_enum, help_heading = "Model")]
    pub(crate) sampler: Option<SamplerName>,

    /// Share of the patches that the bank keeps [default: 0.01, at least 2000 rows; reference-224: 0.1]
    #[arg(
        short,
        long,
        value_parser = share,
        value_name = "SHARE",
        conflicts_with_all = ["bank_rows", "bank_size"],
        help_heading = "Model"
    )]
    pub(crate) percentage: Option<f64>,

    /// Rows that the bank keeps, instead of a share
    #[arg(long, value_name = "N", value_parser = whole(1usize..=u32::MAX as usize), help_heading = "Model")]
    pub(crate) bank_rows: Option<usize>,

    /// Bytes that the bank may take in the model file, such as 500kB, 2MiB; instead of a share
    #[arg(long, value_name = "BYTES", value_parser = bytes, conflicts_with = "bank_rows", help_heading = "Model")]
    pub(crate) bank_size: Option<u64>,

    /// What is black and what is white in pictures of other depths than 8 bits, as in 0..4095; kept in the model [default:
    /// they are refused; for reference presets as the original has them: grey of 16 bits cut off at 255]
    #[arg(long, value_name = "LOW..HIGH", value_parser = window, help_heading = "Model")]
    pub(crate) window: Option<Intensity>,

    /// Shorter side before a centre crop; without it, and without a reference preset, the whole picture is used
    #[arg(long, value_name = "PIXELS", value_parser = side, help_heading = "Model")]
    pub(crate) resize: Option<usize>,

    /// Side of the crop, or height and width as in 192x256; for whole pictures, side of the square of equal area [default: 224]
    #[arg(long, value_name = "PIXELS", value_parser = sides, help_heading = "Model")]
    pub(crate) imagesize: Option<[usize; 2]>,

    /// Seed of the samplers that draw numbers [default: 0; for published presets theirs]
    #[arg(long, value_name = "N", value_parser = whole(0u32..=u32::MAX), help_heading = "Model")]
    pub(crate) seed: Option<u32>,
}

/// A preset by its name.
#[derive(Clone, Copy)]
pub(crate) struct PresetChoice(pub(crate) &'static Preset);

impl Default for PresetChoice {
    fn default() -> Self {
        Self(&PRESETS[0])
    }
}

impl PartialEq for PresetChoice {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

fn presets() -> impl TypedValueParser<Value = PresetChoice> {
    let names = PRESETS.iter().map(|preset| PossibleValue::new(preset.name).help(preset.about));
    PossibleValuesParser::new(names)
        .try_map(|name| preset(&name).map(PresetChoice).ok_or_else(|| format!("unknown preset {name}")))
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(crate) enum PrecisionName {
    /// As exact as other engines
    #[default]
    F32,
    /// Fewer multiplications, about three times the rounding error
    Fast,
    /// Half the memory and 8 bits of precision, only on processors that multiply bf16
    Bf16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub(crate) enum FeaturePrecisionName {
    /// As they were computed
    #[default]
    F32,
    /// Half the memory and 11 bits of precision
    F16,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScoringName {
    /// Image score from the blurred patch scores, distances as they are
    Blurred,
    /// The original: squared distances, the image score is the largest
    Reference,
    /// Equation 7 of the paper: the largest distance, weighed by how lonely its match is
    Paper,
    /// anomalib: as paper, and the largest distance as it is with --support 1
    Anomalib,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SamplerName {
    /// Exact greedy k-center at full width
    Greedy,
    /// The original's approximate greedy
    #[value(alias = "approx_greedy_coreset")]
    Reference,
    /// The original's exact greedy on the projection
    #[value(alias = "greedy_coreset")]
    ReferenceGreedy,
    /// anomalib's greedy: sparse random projection, random first patch
    Anomalib,
    /// A random subset
    Random,
    /// Every patch
    Identity,
}

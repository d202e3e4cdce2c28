//! From what was typed to what may run.

use crate::args::{FeaturePrecisionName, ModelOptions, PrecisionName, Preset, SamplerName, ScoringName};
use crate::exit::Failure;
use patchcore::{BankSize, FeaturePrecision, Params, Reduction, SamplerKind, Scoring};
use patchcore_backbone::Precision;
use patchcore_backbone::networks::{ARCHITECTURES, architecture};
use patchcore_image::Geometry;
use patchcore_kernels::isa::{Isa, VARIABLE};

/// More threads than this are a mistake.
const MOST_THREADS: usize = 1024;
/// Rows that weigh an image score unless told: anomalib's.
const SUPPORT: usize = 9;
/// Values per layer and per embedding when one of the two is left out.
const REFERENCE_WIDTH: usize = 1024;

/// Sets the number of threads, and refuses a wish for an instruction set that cannot be granted.
pub(crate) fn set_processor(threads: Option<usize>) -> Result<(), Failure> {
    if let Ok(name) = std::env::var(VARIABLE)
        && Isa::by_name(&name).is_none()
    {
        let known: Vec<&str> = Isa::available().iter().map(|isa| isa.name()).collect();
        return Err(Failure::usage(format!("{VARIABLE}={name}: this processor has {}", known.join(", "))));
    }
    let Some(threads) = threads else { return Ok(()) };
    if threads == 0 || threads > MOST_THREADS {
        return Err(Failure::usage(format!("--threads {threads}: must be between 1 and {MOST_THREADS}")));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    pool.map_err(|e| Failure::new(crate::exit::Code::Io, format!("cannot start {threads} threads: {e}")))
}

/// The parameters that the options ask for.
pub(crate) fn params(options: &ModelOptions) -> Result<Params, Failure> {
    let default = if options.preset == Preset::Default { ARCHITECTURES[0].name } else { "wide_resnet50_2" };
    let name = options.backbone.as_deref().unwrap_or(default);
    let backbone = architecture(name).ok_or_else(|| {
        let known: Vec<&str> = ARCHITECTURES.iter().map(|a| a.name).collect();
        Failure::usage(format!("unknown backbone {name}; known: {}", known.join(", ")))
    })?;
    let mut params = match options.preset {
        Preset::Default => Params::ours(backbone),
        Preset::Reference224 => Params::reference(backbone, 256, 224, 0.1),
        Preset::Reference320 => Params::reference(backbone, 366, 320, 0.01),
    };
    if !options.layers.is_empty() {
        params.layers.clone_from(&options.layers);
    }
    params.precision = precision(options.precision);
    params.feature_precision = match options.feature_precision {
        FeaturePrecisionName::F32 => FeaturePrecision::F32,
        FeaturePrecisionName::F16 => FeaturePrecision::F16,
    };
    params.embedding.patch.size = options.patchsize.unwrap_or(params.embedding.patch.size);
    params.num_nn = options.anomaly_score_num_nn.unwrap_or(params.num_nn);
    params.embedding.reduction = reduction(options, params.embedding.reduction);
    params.preprocess.geometry = geometry(options, params.preprocess.geometry);
    params.sampler.seed = options.seed;
    // At most one of them is given.
    let asked = [
        options.percentage.map(BankSize::Ratio),
        options.bank_rows.map(BankSize::Rows),
        options.bank_size.map(BankSize::Bytes),
    ];
    params.sampler.size = asked.into_iter().flatten().next().unwrap_or(params.sampler.size);
    if let Some(sampler) = options.sampler {
        params.sampler.kind = match sampler {
            SamplerName::Greedy => SamplerKind::Greedy,
            SamplerName::Reference => SamplerKind::Reference,
            SamplerName::ReferenceGreedy => SamplerKind::ReferenceGreedy,
            SamplerName::Anomalib => SamplerKind::Anomalib,
            SamplerName::Random => SamplerKind::Random,
            SamplerName::Identity => SamplerKind::Identity,
        };
    }
    if let Some(scoring) = options.scoring {
        let support = options.support.unwrap_or(SUPPORT);
        params = params.scored_by(match scoring {
            ScoringName::Blurred => Scoring::Blurred,
            ScoringName::Reference => Scoring::Reference,
            ScoringName::Paper => Scoring::Paper { support },
            ScoringName::Anomalib => Scoring::Anomalib { support },
        });
    }
    params.check()?;
    Ok(params)
}

/// The precision that a name on the command line means.
pub(crate) fn precision(name: PrecisionName) -> Precision {
    match name {
        PrecisionName::F32 => Precision::F32,
        PrecisionName::Fast => Precision::Fast,
        PrecisionName::Bf16 => Precision::Bf16,
    }
}

fn reduction(options: &ModelOptions, preset: Reduction) -> Reduction {
    let (pretrain, target) = (options.pretrain_embed_dimension, options.target_embed_dimension);
    if pretrain.is_none() && target.is_none() {
        return preset;
    }
    Reduction::Pooled {
        pretrain: pretrain.unwrap_or(REFERENCE_WIDTH),
        target: target.unwrap_or(REFERENCE_WIDTH),
    }
}

fn geometry(options: &ModelOptions, preset: Geometry) -> Geometry {
    match (preset, options.resize, options.imagesize) {
        (Geometry::Whole { multiple, .. }, None, Some(side)) => Geometry::Whole { area_side: side, multiple },
        (Geometry::Whole { .. }, Some(resize), side) => {
            Geometry::ResizeCrop { resize, crop: [side.unwrap_or(224); 2] }
        }
        (Geometry::ResizeCrop { resize, crop }, new_resize, side) => {
            Geometry::ResizeCrop { resize: new_resize.unwrap_or(resize), crop: side.map_or(crop, |s| [s; 2]) }
        }
        (whole, None, None) => whole,
    }
}

//! From what was typed to what may run.

use crate::args::{FeaturePrecisionName, ModelOptions, PrecisionName, SamplerName, ScoringName};
use crate::exit::Failure;
use crate::workers;
use patchcore::presets::Preset;
use patchcore::{BankSize, FeaturePrecision, OnnxTaps, Params, Reduction, SamplerKind, Scoring};
use patchcore_backbone::Precision;
use patchcore_image::{Geometry, Intensity};
use patchcore_kernels::isa::{Isa, VARIABLE};
use std::path::{Path, PathBuf};

/// More threads than this are of no use, whatever the environment says.
const MOST_THREADS: usize = 1024;
/// Rows that weigh an image score unless told: anomalib's.
const SUPPORT: usize = 9;
/// Values per layer and per embedding when one of the two is left out.
const REFERENCE_WIDTH: usize = 1024;

/// Starts the threads, and refuses a wish for an instruction set that cannot be granted.
pub(crate) fn set_processor(threads: Option<usize>) -> Result<(), Failure> {
    if let Ok(name) = std::env::var(VARIABLE)
        && Isa::by_name(&name).is_none()
    {
        let known: Vec<&str> = Isa::available().iter().map(|isa| isa.name()).collect();
        return Err(Failure::usage(format!("{VARIABLE}={name}: this processor has {}", known.join(", "))));
    }
    workers::start(threads.unwrap_or_else(usual_threads));
    Ok(())
}

/// As many threads as `RAYON_NUM_THREADS` says, else as the machine has cores.
fn usual_threads() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok());
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    asked.filter(|&threads| threads > 0).unwrap_or_else(cores).min(MOST_THREADS)
}

/// The parameters that the options ask for, of each member.
pub(crate) fn members(options: &ModelOptions) -> Result<Vec<Params>, Failure> {
    let preset = options.preset.0;
    if preset.fixed && !options.backbone.is_empty() {
        return Err(Failure::usage(format!("--preset {} names its own networks", preset.name)));
    }
    if preset.scales() > 1 && (options.imagesize.is_some() || options.resize.is_some()) {
        return Err(Failure::usage(format!("--preset {} has its own sizes", preset.name)));
    }
    let given: Vec<(&str, Option<u32>)> =
        options.backbone.iter().map(|name| seeded(name)).collect::<Result<_, _>>()?;
    let names: Vec<&str> = if given.is_empty() {
        preset.backbones.to_vec()
    } else {
        given.iter().map(|(name, _)| *name).collect()
    };
    let layers = layers_of(&options.layers, names.len())?;
    let mut members = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let own = match onnx_name(name) {
            Some(stem) => from_onnx(preset, name, &stem, &layers[i], options)?,
            None => native(preset, name, &layers[i])?,
        };
        for mut params in own {
            if let Some(seed) = given.get(i).and_then(|(_, seed)| *seed).or(options.seed) {
                params.sampler.seed = seed;
            }
            members.push(change(params, options)?);
        }
    }
    Ok(members)
}

/// How pictures of other depths than 8 bits are read.
pub(crate) fn intensity(options: &ModelOptions) -> Intensity {
    options.window.unwrap_or(options.preset.0.intensity())
}

/// The preset's parameters on a network of ours.
fn native(preset: &Preset, name: &str, layers: &[String]) -> Result<Vec<Params>, Failure> {
    let mut members = preset.members(&[name])?;
    for params in members.iter_mut().filter(|_| !layers.is_empty()) {
        params.layers = preset.taps(name, layers)?;
    }
    Ok(members)
}

/// The preset's parameters on the network of an ONNX file.
fn from_onnx(
    preset: &Preset,
    file: &str,
    stem: &str,
    layers: &[String],
    options: &ModelOptions,
) -> Result<Vec<Params>, Failure> {
    if layers.is_empty() {
        return Err(Failure::usage(format!("{file}: which layers? give --layers NAME,...")));
    }
    let taps = OnnxTaps { layout: options.onnx_layout.clone(), prefix_tokens: options.prefix_tokens };
    let onnx = |params: Params| Params {
        backbone: stem.to_string(),
        layers: layers.to_vec(),
        onnx: Some(taps.clone()),
        ..params
    };
    // Pictures are normalised as for torchvision's networks.
    Ok(preset.members(&["resnet50"])?.into_iter().map(onnx).collect())
}

/// The name of the network in an ONNX file; `None` if this is no such file's name.
fn onnx_name(backbone: &str) -> Option<String> {
    let path = Path::new(backbone);
    let is_onnx = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"));
    is_onnx.then(|| path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
}

/// The files that hold the weights: those given, with those of ONNX files in their places.
pub(crate) fn weights(options: &ModelOptions) -> Vec<PathBuf> {
    let mut names: Vec<&str> = Vec::new();
    for name in options.backbone.iter().map(|name| name.split(".seed-").next().unwrap_or(name)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if !names.iter().any(|name| onnx_name(name).is_some()) {
        return options.weights.clone();
    }
    let mut given = options.weights.iter().cloned();
    let file = |name: &&str| if onnx_name(name).is_some() { Some(PathBuf::from(name)) } else { given.next() };
    let mut files: Vec<PathBuf> = names.iter().filter_map(file).collect();
    files.extend(given);
    files
}

/// The parameters of a model with one member.
pub(crate) fn single(options: &ModelOptions, what: &str) -> Result<Params, Failure> {
    let mut members = members(options)?;
    match members.pop() {
        Some(params) if members.is_empty() => Ok(params),
        _ => Err(Failure::usage(format!("{what} takes one network at one scale"))),
    }
}

/// A name with its seed, as the original writes it: `resnet50.seed-7`.
fn seeded(name: &str) -> Result<(&str, Option<u32>), Failure> {
    let Some((name, seed)) = name.split_once(".seed-") else { return Ok((name, None)) };
    let number =
        seed.parse().map_err(|_| Failure::usage(format!("{name}.seed-{seed}: the seed is no number")))?;
    Ok((name, Some(number)))
}

/// The layers of each network. With several networks a layer is `I.NAME`, and either none or each has some.
fn layers_of(layers: &[String], networks: usize) -> Result<Vec<Vec<String>>, Failure> {
    if networks == 1 {
        return Ok(vec![layers.to_vec()]);
    }
    let mut out = vec![Vec::new(); networks];
    for layer in layers {
        let parts =
            layer.split_once('.').and_then(|(number, name)| Some((number.parse::<usize>().ok()?, name)));
        match parts {
            Some((number, name)) if number < networks => out[number].push(name.to_string()),
            _ => {
                let message = format!(
                    "layer {layer}: with {networks} networks a layer is I.NAME, I from 0 to {}",
                    networks - 1
                );
                return Err(Failure::usage(message));
            }
        }
    }
    match out.iter().position(Vec::is_empty) {
        Some(missing) if !layers.is_empty() => {
            Err(Failure::usage(format!("no layer of network {missing} is named: add {missing}.NAME")))
        }
        _ => Ok(out),
    }
}

/// The preset's parameters with what the options change.
fn change(mut params: Params, options: &ModelOptions) -> Result<Params, Failure> {
    params.precision = precision(options.precision);
    params.feature_precision = match options.feature_precision {
        FeaturePrecisionName::F32 => FeaturePrecision::F32,
        FeaturePrecisionName::F16 => FeaturePrecision::F16,
    };
    params.embedding.patch.size = options.patchsize.unwrap_or(params.embedding.patch.size);
    params.embedding.patch.stride = options.patchstride.unwrap_or(params.embedding.patch.stride);
    params.num_nn = options.anomaly_score_num_nn.unwrap_or(params.num_nn);
    params.embedding.reduction = reduction(options, params.embedding.reduction);
    params.preprocess.geometry = geometry(options, params.preprocess.geometry)?;
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

fn geometry(options: &ModelOptions, preset: Geometry) -> Result<Geometry, Failure> {
    Ok(match (preset, options.resize, options.imagesize) {
        (Geometry::Whole { multiple, .. }, None, Some([height, width])) => {
            if height != width {
                let message = format!("--imagesize {height}x{width}: only a crop has two sides");
                return Err(Failure::usage(message).hint("--resize PIXELS makes it one"));
            }
            Geometry::Whole { area_side: height, multiple }
        }
        (Geometry::Whole { .. }, Some(resize), crop) => {
            Geometry::ResizeCrop { resize, crop: crop.unwrap_or([224; 2]) }
        }
        (Geometry::ResizeCrop { resize, crop }, new_resize, new_crop) => {
            Geometry::ResizeCrop { resize: new_resize.unwrap_or(resize), crop: new_crop.unwrap_or(crop) }
        }
        (whole @ Geometry::Whole { .. }, None, None) => whole,
        // No preset stretches.
        (stretch @ Geometry::Stretch { .. }, ..) => stretch,
    })
}

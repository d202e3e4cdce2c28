//! `patchcore import`: a model of one that another program saved.

use crate::args::{Import, Shown};
use crate::commands::fit::good_pictures;
use crate::exit::{Code, Failure};
use crate::progress::Bars;
use crate::targets::{Sources, claim_file, may_write};
use crate::thresholds::{promises, thresholds_json};
use crate::{backbone, output};
use patchcore::{Files, Fitted, Member, Model, Params, Training};
use patchcore_backbone::{Backbone, FeatureExtractor};
use patchcore_files::{Claim, shown, write_atomic};
use patchcore_foreign::{AnomalibModel, SavedMember, read_anomalib, read_reference};
use patchcore_image::Geometry;
use patchcore_image::Intensity;
use patchcore_tensor::Embeddings;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;
use std::sync::Arc;

pub(crate) fn run(args: &Import, how: Shown) -> Result<Code, Failure> {
    let good = args
        .good
        .as_deref()
        .map(|folder| good_pictures(folder, Intensity::Original, args.pictures.limits()))
        .transpose()?;
    let _claims = claim(args, good.as_ref())?;
    let mut model = if args.saved.is_dir() { original(args)? } else { anomalib(args, how)? };
    if let Some(good) = &good {
        model.calibrate(good, args.rates.rates(), &Bars::new(how))?;
    }
    let fitted = model.fitted();
    fitted.save(&args.output, args.force)?;
    report(args, fitted, how)?;
    Ok(Code::Done)
}

/// Claims the files to be written before the work.
fn claim(args: &Import, good: Option<&Files>) -> Result<Vec<Claim>, Failure> {
    if args.save_weights.as_ref() == Some(&args.output) {
        return Err(Failure::usage(format!("{}: is the model file", shown(&args.output))));
    }
    let files = [Some(&args.output), args.save_weights.as_ref()].into_iter().flatten();
    let claims: Vec<Claim> = files.map(|file| claim_file(file)).collect::<Result<_, _>>()?;
    let saved = std::fs::read_dir(&args.saved).into_iter().flatten().flatten().map(|entry| entry.path());
    let pictures = good.into_iter().flat_map(|files| &files.paths);
    let sources = Sources::of(&args.weights).and([&args.saved]).and(saved).and(pictures);
    for claim in &claims {
        may_write(claim, args.force, &sources)?;
    }
    Ok(claims)
}

/// The original's saved model.
fn original(args: &Import) -> Result<Model<backbone::Network>, Failure> {
    let saved = read_reference(&args.saved)?.members;
    let Some(resize) = args.resize else {
        let [_, h, w] = saved[0].params.input_shape;
        let message = format!(
            "{}: the files do not say to which size pictures were resized before the crop of {h}x{w}",
            shown(&args.saved)
        );
        return Err(Failure::usage(message)
            .hint("give --resize PIXELS: the original's default is 256, with 320 mostly 366"));
    };
    let params: Vec<Params> =
        saved.iter().map(|member| member.to_params(resize)).collect::<Result<_, _>>()?;
    let params = params.into_iter().map(|params| with_neighbours(params, args));
    let params: Vec<Params> = params.collect::<Result<_, _>>()?;
    let networks = backbone::open(&params.iter().collect::<Vec<_>>(), &args.weights)?;
    let rows = saved.into_iter().map(|SavedMember { vectors, .. }| vectors);
    model(params, networks, rows)
}

/// anomalib's, whose network comes from the file itself unless other weights are given.
fn anomalib(args: &Import, how: Shown) -> Result<Model<backbone::Network>, Failure> {
    let saved = read_anomalib(&args.saved)?;
    let geometry = match (args.resize, args.imagesize) {
        (Some(resize), Some(crop)) => Some(Geometry::ResizeCrop { resize, crop }),
        _ => None,
    };
    let params = saved.to_params(geometry).map_err(|error| {
        Failure::from(error)
            .hint("--resize PIXELS and --imagesize PIXELS say how pictures become the network's input")
    })?;
    let params = with_neighbours(params, args)?;
    let network: backbone::Network = if args.weights.is_empty() {
        let loaded = Backbone::load(&params.backbone, &saved.weights, &params.layers, params.precision);
        Arc::new(loaded.map_err(|error| backbone::about(&args.saved, error))?)
    } else {
        backbone::open(&[&params], &args.weights)?.remove(0)
    };
    if let Some(path) = &args.save_weights {
        write_atomic(path, &weights_file(&saved)?, args.force)?;
    }
    if let Some(threshold) = saved.statistics.image_threshold.filter(|_| how.notes) {
        output::complain(&format!(
            "note: {}: its image threshold {threshold} was chosen on pictures with labels and is left out",
            shown(&args.saved)
        ));
    }
    model(vec![params], vec![network], std::iter::once(saved.memory_bank))
}

fn with_neighbours(params: Params, args: &Import) -> Result<Params, Failure> {
    let params = Params { num_nn: args.anomaly_score_num_nn.unwrap_or(params.num_nn), ..params };
    params.check()?;
    Ok(params)
}

fn model(
    params: Vec<Params>,
    networks: Vec<backbone::Network>,
    rows: impl Iterator<Item = Embeddings>,
) -> Result<Model<backbone::Network>, Failure> {
    let parts = params.into_iter().zip(&networks).zip(rows);
    let members = parts
        .map(|((params, network), rows)| Member::imported(params, network.fingerprint().to_string(), rows));
    let version = env!("CARGO_PKG_VERSION").to_string();
    let training = Training { version, intensity: Intensity::Original, ..Training::default() };
    let fitted = Fitted { members: members.collect(), training, calibration: None };
    Ok(Model::new(fitted, networks)?)
}

/// The floating-point tensors of the network as a `.safetensors` file.
fn weights_file(saved: &AnomalibModel) -> Result<Vec<u8>, Failure> {
    let internal = |e: safetensors::SafeTensorError| Failure::new(Code::Internal, e.to_string());
    let mut parts = Vec::new();
    // A counter of batches is an integer, and nobody needs it.
    for name in saved.weights.names().filter(|name| !name.ends_with(".num_batches_tracked")) {
        let tensor = saved.weights.tensor(name)?;
        let bytes: Vec<u8> = tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        parts.push((name.to_string(), tensor.shape, bytes));
    }
    let mut tensors = Vec::new();
    for (name, shape, bytes) in &parts {
        tensors.push((name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(internal)?));
    }
    safetensors::serialize(tensors, None).map_err(internal)
}

fn report(args: &Import, fitted: &Fitted, how: Shown) -> Result<(), Failure> {
    if how.json {
        let member = |member: &Member| {
            json!({
                "backbone": member.params.backbone,
                "bank_rows": member.bank.len(),
                "embedding_dimension": member.bank.rows.dim(),
                "anomaly_score_num_nn": member.params.num_nn,
            })
        };
        let summary = json!({
            "model": args.output.to_string_lossy(),
            "members": fitted.members.iter().map(member).collect::<Vec<_>>(),
            "thresholds": fitted.calibration.as_ref().map(thresholds_json),
        });
        return output::line(&summary.to_string());
    }
    output::line(&format!("imported {} as {}", shown(&args.saved), shown(&args.output)))?;
    for member in &fitted.members {
        let k = member.params.num_nn;
        output::line(&format!(
            "{}: a bank of {} rows, {} values each, {k} neighbour{} a patch",
            member.params.backbone,
            member.bank.len(),
            member.bank.rows.dim(),
            if k == 1 { "" } else { "s" },
        ))?;
    }
    match &fitted.calibration {
        Some(_) => promises(fitted, 9),
        None if fitted.members.len() > 1 => output::line(
            "not calibrated: evaluate --fusion reference works; import with --good DIR to judge single pictures",
        ),
        None => output::line("no threshold: import with --good DIR, or predict with --threshold"),
    }
}

//! `patchcore fit`: good pictures become a model file.

use crate::args::{Fit, Shown};
use crate::backbone::Network;
use crate::exit::{Code, Failure};
use crate::oddities::Watched;
use crate::progress::Bars;
use crate::report::TrainingFiles;
use crate::targets::{Sources, claim_file, may_write};
use crate::thresholds::{promises, thresholds_json};
use crate::{audit, backbone, config, dataset, output, report};
use patchcore::{Files, Fitted, Member, Model, OnBadPicture, peak_memory};
use patchcore_files::shown;
use patchcore_image::{Intensity, Limits, list_pictures};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) fn run(args: &Fit, how: Shown) -> Result<Code, Failure> {
    let output = claim_file(&args.output)?;
    let method = backbone::method(config::members(&args.model)?, &config::weights(&args.model))?;
    let files = training_pictures(args)?;
    let sources = Sources::of(&files.paths).and(&args.model.weights).and(&args.drop).and(&args.dataset);
    may_write(&output, args.force, &sources)?;
    let page = args.report.as_ref().map(|page| report::claim(page, args.force, &sources, &args.output));
    let _page = page.transpose()?;
    let left_out = args.drop.as_deref().map(audit::names).transpose()?.unwrap_or_default();
    let method = method.leave_out(left_out).drop_outliers(args.drop_outliers);
    let start = Instant::now();
    let choice = if args.skip_bad { OnBadPicture::Skip } else { OnBadPicture::Fail };
    let bars = Bars::telling(how);
    let method = args.held_out.apply(method)?.on_bad_picture(choice).max_memory(args.max_memory);
    let watched = Watched::new(&files);
    let model = method.fit(&watched, &bars)?;
    let oddities = watched.oddities();
    let fitted = model.fitted();
    fitted.save(&args.output, args.force)?;
    let reported = args.report.as_ref().map_or(Ok(()), |page| write_report(args, page, &model, &files));
    if how.json {
        let seconds = start.elapsed().as_secs_f64();
        let mut summary = summary(fitted, &args.output, seconds, bars.expected());
        summary["warnings"] = oddities.json();
        summary["audit"] = model.audit().map(audit::audit_json).transpose()?.into();
        output::line(&summary.to_string())?;
    } else {
        print(fitted, &args.output, start.elapsed().as_secs_f64())?;
        model.audit().map_or(Ok(()), |found| audit::print(found, fitted.training.pictures.len()))?;
    }
    if let Some(found) = model.audit().filter(|_| !how.json) {
        audit::warn_of_duplicates(found);
    }
    oddities.tell();
    for name in &fitted.training.clipped {
        let window = fitted.training.intensity;
        output::warn(&format!("{}: has values outside the {window}", shown(Path::new(name))));
    }
    for name in &fitted.training.skipped {
        output::warn(&format!("{}: cannot be read, left out", shown(Path::new(name))));
    }
    // The model is there, and that was said.
    reported?;
    Ok(if fitted.training.skipped.is_empty() { Code::Done } else { Code::SomeBad })
}

fn write_report(args: &Fit, page: &Path, model: &Model<Network>, files: &Files) -> Result<(), Failure> {
    let stem = args.output.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = args.category.as_deref().unwrap_or(&stem);
    let category = report::fitted(model, &args.output, name, &TrainingFiles::of_files(files))?;
    report::write(page, &format!("Model {}", shown(Path::new(&stem))), vec![category], args.force)
}

fn training_pictures(args: &Fit) -> Result<Files, Failure> {
    if let Some(good) = &args.good {
        return good_pictures(good, config::intensity(&args.model), args.pictures.limits());
    }
    let root = args.dataset.clone().unwrap_or_default();
    let category = dataset::one(&root, args.layout.name, args.category.as_deref())?;
    let paths: Vec<PathBuf> = category.train.into_iter().map(|sample| sample.path).collect();
    if paths.is_empty() {
        return Err(Failure::new(
            Code::Input,
            format!("{}: the category {:?} has no pictures to fit on", shown(&root), category.name),
        ));
    }
    Ok(Files { paths, root, limits: args.pictures.limits(), intensity: config::intensity(&args.model) })
}

/// The pictures in a folder of good ones.
pub(crate) fn good_pictures(folder: &Path, intensity: Intensity, limits: Limits) -> Result<Files, Failure> {
    let listing = list_pictures(folder)?;
    for skipped in &listing.skipped {
        output::warn(&skipped.to_string());
    }
    let (paths, root) = (listing.pictures, folder.to_path_buf());
    Ok(Files { paths, root, limits, intensity })
}

fn summary(fitted: &Fitted, path: &Path, seconds: f64, expected_memory: u64) -> Value {
    let (training, calibration) = (&fitted.training, fitted.calibration.as_ref());
    let mut summary = json!({
            "model": path.to_string_lossy(),
            "pictures": training.pictures.len(),
            "skipped": training.skipped,
            "clipped": training.clipped,
            "thresholds": calibration.map(thresholds_json),
            "expected_memory": expected_memory,
            "peak_memory": peak_memory(),
            "seconds": seconds,
    });
    let member = |member: &Member| {
        json!({
            "backbone": member.params.backbone,
            "patches": member.patches,
            "bank_rows": member.bank.len(),
            "embedding_dimension": member.bank.rows.dim(),
            "covering_radius": member.covering_radius.map(output::score_json),
        })
    };
    summary["members"] = fitted.members.iter().map(member).collect();
    summary
}

fn print(fitted: &Fitted, path: &Path, seconds: f64) -> Result<(), Failure> {
    let pictures = fitted.training.pictures.len();
    output::line(&format!("fitted {} on {pictures} pictures in {seconds:.1} s", shown(path)))?;
    for member in &fitted.members {
        let bank = &member.bank;
        let radius = member.covering_radius.map_or(String::new(), |radius| {
            format!("; covering radius {radius:.4}: no patch of theirs is farther from the memory bank")
        });
        output::line(&format!(
            "{}: {} of {} patches kept, {} values each{radius}",
            member.params.backbone,
            bank.len(),
            member.patches,
            bank.rows.dim(),
        ))?;
    }
    promises(fitted, 9)
}

//! One category measured, with a picture of every test picture for people.

use crate::args::{EvaluateOptions, FusionName, Rule, Shown};
use crate::backbone::Network;
use crate::exit::Failure;
use crate::output;
use crate::pictures::{Look, heat_map, overlay};
use crate::progress::Bars;
use patchcore::{Fitted, Model, Prediction};
use patchcore_evaluation::{Evaluation, Fusion, Options, PixelRule, evaluate};
use patchcore_files::write_atomic;
use patchcore_image::{Category, Limits, Mask, Picture, Sample};
use patchcore_report::{Tile, contact_sheet_png};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Evaluates one category; with a folder, a picture of every test picture goes there.
pub(crate) fn category_result(
    model: &Model<Network>,
    category: &Category,
    asked: &EvaluateOptions,
    folder: Option<&Path>,
    how: Shown,
) -> Result<Evaluation, Failure> {
    let fitted = model.fitted();
    let rule = match asked.pixel_rule {
        Some(Rule::Original) => PixelRule::ORIGINAL,
        Some(Rule::Reference) => PixelRule::REFERENCE,
        None => PixelRule::of(&fitted.members[0].params.preprocess),
    };
    let fusion = match asked.fusion {
        FusionName::Calibrated => Fusion::Calibrated,
        FusionName::Reference => Fusion::Reference,
    };
    let look = match fusion {
        Fusion::Calibrated => Look::Model,
        Fusion::Reference => Look::TestSet,
    };
    let mut failure = None;
    let names = names(category);
    let options = Options { rule, fusion, ..Options::default() };
    let result = evaluate(model, category, &options, &Bars::new(how), |sample, picture, prediction| {
        let Some(folder) = folder.filter(|_| failure.is_none()) else { return };
        let name = names.get(&sample.path).cloned().unwrap_or_default();
        let path = folder.join(&category.name).join(&sample.defect).join(name);
        let sheet = if asked.autoscale {
            autoscaled(fitted, sample, picture, prediction)
        } else {
            fixed(fitted, look, picture, prediction)
        };
        failure = sheet.and_then(|png| write(&path, &png)).err();
    })?;
    failure.map_or(Ok(result), Err)
}

/// The file of each test picture below its kind's folder; no two of a kind share one.
fn names(category: &Category) -> BTreeMap<PathBuf, PathBuf> {
    let mut kinds: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for sample in &category.test {
        kinds.entry(&sample.defect).or_default().push(sample.path.clone());
    }
    let with_ending = |mut stem: PathBuf| {
        stem.as_mut_os_string().push(".png");
        stem
    };
    let of_kind = |files: Vec<PathBuf>| {
        let stems = output::stems(&files);
        files.into_iter().zip(stems.into_iter().map(with_ending)).collect::<Vec<_>>()
    };
    kinds.into_values().flat_map(of_kind).collect()
}

fn write(path: &Path, png: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        output::make_folder(parent)?;
    }
    Ok(write_atomic(path, png, true)?)
}

/// Picture and overlay side by side, in colours that mean the same in every picture.
fn fixed(
    fitted: &Fitted,
    look: Look,
    picture: &Picture,
    prediction: &Prediction,
) -> Result<Vec<u8>, Failure> {
    let over = overlay(fitted, look, picture, prediction)?;
    let score = format!("score {:.3}", prediction.image_score);
    let tile = |rgb, caption| Tile { rgb, width: picture.width(), height: picture.height(), caption };
    Ok(contact_sheet_png(&[tile(picture.rgb(), ""), tile(&over, &score)], 2)?)
}

/// Picture, mask and map side by side, the map on its own scale: the original's look, in which good pictures look
/// anomalous too.
fn autoscaled(
    fitted: &Fitted,
    sample: &Sample,
    picture: &Picture,
    prediction: &Prediction,
) -> Result<Vec<u8>, Failure> {
    let mask = sample.mask(&Limits::default())?;
    let mask = mask_rgb(mask.as_ref(), picture);
    let map = heat_map(fitted, Look::Picture, picture, prediction)?;
    let tile = |rgb, caption| Tile { rgb, width: picture.width(), height: picture.height(), caption };
    let tiles = [tile(picture.rgb(), ""), tile(&mask, "mask"), tile(&map, "own scale")];
    Ok(contact_sheet_png(&tiles, 3)?)
}

/// A mask in white on black; without one, nothing is marked.
pub(crate) fn mask_rgb(mask: Option<&Mask>, picture: &Picture) -> Vec<u8> {
    match mask {
        Some(mask) => mask.binary().iter().flat_map(|&on| [if on { 255 } else { 0 }; 3]).collect(),
        None => vec![0; picture.rgb().len()],
    }
}

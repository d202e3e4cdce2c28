//! One category measured, with a picture of every test picture for people.

use crate::args::{EvaluateOptions, FusionName, MaskRuleName, Rule, Shown};
use crate::backbone::Network;
use crate::exit::Failure;
use crate::oddities::Oddities;
use crate::output;
use crate::pictures::{Look, heat_map, overlay, write_beneath};
use crate::progress::Bars;
use crate::report::Gallery;
use patchcore::{Fitted, Model, Prediction};
use patchcore_evaluation::{Evaluation, Fusion, Grid, MaskRule, Options, PixelRule, evaluate};
use patchcore_files::shown;
use patchcore_image::{Category, Dataset, Limits, Mask, Picture, Preprocess, Sample};
use patchcore_report::{Tile, contact_sheet_png};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How all categories of a data set are measured.
pub(crate) struct Measuring<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) asked: &'a EvaluateOptions,
    /// Of images and of pixels, instead of the models' own.
    pub(crate) thresholds: [Option<f32>; 2],
    /// For a picture of every test picture.
    pub(crate) folder: Option<&'a Path>,
    /// What is refused.
    pub(crate) limits: Limits,
    pub(crate) how: Shown,
}

impl Measuring<'_> {
    /// Evaluates one category; `gallery` sees every test picture, `faults` gets a line for each whose sheet could not be
    /// written.
    pub(crate) fn category(
        &self,
        model: &Model<Network>,
        category: &Category,
        mut gallery: Option<&mut Gallery<'_>>,
        faults: &mut Vec<String>,
    ) -> Result<Evaluation, Failure> {
        let fitted = model.fitted();
        let options = self.options(&fitted.members[0].params.preprocess, &category.name);
        let look = match options.fusion {
            Fusion::Calibrated => Look::Model,
            Fusion::Reference => Look::TestSet,
        };
        let mut failure = None;
        let sheets = self.folder.map(|folder| sheets(folder, category)).unwrap_or_default();
        let bars = Bars::new(self.how);
        let mut oddities = Oddities::default();
        let result = evaluate(model, category, &options, &bars, |sample, picture, prediction| {
            oddities.see(&sample.path, picture, fitted.training.extent.as_ref());
            if let Some(gallery) = gallery.as_mut().filter(|_| failure.is_none()) {
                failure = gallery.see(sample, picture, prediction).err();
            }
            let Some(path) = sheets.get(&sample.path).filter(|_| failure.is_none()) else { return };
            let sheet = if self.asked.autoscale {
                autoscaled(fitted, sample, picture, prediction, &self.limits)
            } else {
                fixed(fitted, look, picture, prediction)
            };
            match sheet.map(|png| write_beneath(path, &png)) {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => faults.push(format!("{}: {}", shown(&sample.path), fault.message)),
                Err(error) => failure = Some(error),
            }
        })?;
        oddities.tell();
        failure.map_or(Ok(result), Err)
    }

    fn options(&self, preprocess: &Preprocess, category: &str) -> Options {
        let fusion = match self.asked.fusion {
            FusionName::Calibrated => Fusion::Calibrated,
            FusionName::Reference => Fusion::Reference,
        };
        let mut options = Options {
            root: self.dataset.root().to_path_buf(),
            rule: self.rule(preprocess),
            fusion,
            threshold: self.thresholds[0],
            pixel_threshold: self.thresholds[1],
            limits: self.limits,
            saturations: self.dataset.saturations(category).map_err(|error| error.to_string()),
            ..Options::default()
        };
        for &limit in &self.asked.pro_limit {
            if !options.pro_limits.contains(&limit) {
                options.pro_limits.push(limit);
            }
        }
        options
    }

    /// The pixel rule's grid and mask rule, each replaced where another one was asked for.
    fn rule(&self, preprocess: &Preprocess) -> PixelRule {
        let rule = match self.asked.pixel_rule {
            Some(Rule::Original) => PixelRule::ORIGINAL,
            Some(Rule::Reference) => PixelRule::REFERENCE,
            None => PixelRule::of(preprocess),
        };
        PixelRule {
            grid: self.asked.metric_size.map_or(rule.grid, Grid::Size),
            mask: match self.asked.mask_rule {
                None => rule.mask,
                Some(MaskRuleName::Any) => MaskRule::Any,
                Some(MaskRuleName::Half) => MaskRule::Half,
                Some(MaskRuleName::One) => MaskRule::One,
            },
        }
    }
}

/// The file in `folder` for each test picture, below its kind's own folder; no two share one.
pub(crate) fn sheets(folder: &Path, category: &Category) -> BTreeMap<PathBuf, PathBuf> {
    let mut kinds: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for sample in &category.test {
        kinds.entry(&sample.defect).or_default().push(sample.path.clone());
    }
    let of_kind = |(kind, files): (&str, Vec<PathBuf>)| {
        let folder = folder.join(&category.name).join(kind);
        let sheet = |mut stem: PathBuf| {
            stem.as_mut_os_string().push(".png");
            folder.join(stem)
        };
        let sheets: Vec<PathBuf> = output::stems(&files).into_iter().map(sheet).collect();
        files.into_iter().zip(sheets)
    };
    kinds.into_iter().flat_map(of_kind).collect()
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
    limits: &Limits,
) -> Result<Vec<u8>, Failure> {
    let mask = sample.mask(limits)?;
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

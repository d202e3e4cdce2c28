//! `patchcore predict`: a model judges pictures.

use crate::args::{Format, Predict, Shown};
use crate::backbone::Network;
use crate::exit::{Code, Failure};
use crate::oddities::Oddities;
use crate::pictures::{Written, write};
use crate::progress::Bars;
use crate::regions::{Asked, Coco, Found, find};
use crate::{backbone, inputs, output};
use patchcore::{Calibration, Fitted, Model, Progress, Stage, Thresholds, Verdict, read_ahead};
use patchcore_files::shown;
use patchcore_image::{ImageError, Limits, Picture, decode_as};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is said about one picture.
#[derive(Serialize)]
struct Record {
    path: String,
    verdict: &'static str,
    image_score: Option<f32>,
    threshold: Option<f32>,
    review_threshold: Option<f32>,
    width: Option<usize>,
    height: Option<usize>,
    #[serde(flatten)]
    files: Option<Written>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regions: Option<Vec<Found>>,
    /// The share of its values that are outside the model's intensity window.
    #[serde(skip_serializing_if = "Option::is_none")]
    clipped: Option<f64>,
    /// What is odd about a picture that was judged all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(crate) fn run(args: &Predict, how: Shown) -> Result<Code, Failure> {
    if let Some(path) = &args.coco {
        output::check_file(path, args.force)?;
    }
    let model = backbone::open_model(&args.model, &args.weights)?;
    let thresholds = thresholds(args, model.fitted())?;
    if args.exit_code && thresholds.is_none() {
        return Err(
            Failure::usage("--exit-code needs a threshold, and this model has none").hint("give --threshold")
        );
    }
    let asked = asked(args, model.fitted())?;
    let inputs = inputs::expand(&args.paths, args.output.as_deref())?;
    if let Some(folder) = &args.output {
        output::claim_folder(folder, args.force)?;
    }
    for warning in &inputs.warnings {
        output::warn(warning);
    }
    let format = args.format.unwrap_or(if how.json { Format::Jsonl } else { Format::Text });
    let mut judge = Judge {
        model,
        thresholds,
        format,
        folder: args.output.clone(),
        asked,
        listed: args.regions,
        coco: Coco::default(),
        limits: args.pictures.limits(),
        oddities: Oddities::default(),
        not_ok: 0,
        faults: Vec::new(),
    };
    judge.all(&inputs.files, how)?;
    judge.oddities.tell();
    if let Some(path) = &args.coco {
        judge.coco.save(path, args.force)?;
    }
    judge.finish(args.exit_code, inputs.files.len())
}

/// The model's thresholds, or what was given instead.
fn thresholds(args: &Predict, fitted: &Fitted) -> Result<Option<Thresholds>, Failure> {
    let own = fitted.calibration.as_ref().map(Calibration::thresholds);
    match (args.review_threshold, Thresholds::in_use(own, args.threshold)) {
        (None, thresholds) => Ok(thresholds),
        (Some(review), Some(Thresholds { defect, .. })) if review <= defect => {
            Ok(Some(Thresholds { review, defect }))
        }
        (Some(review), Some(Thresholds { defect, .. })) => {
            let message = format!("--review-threshold {review} is above the threshold of a defect, {defect}");
            Err(Failure::usage(message))
        }
        (Some(_), None) => {
            Err(Failure::usage("--review-threshold needs the threshold of a defect, and this model has none")
                .hint("give --threshold too"))
        }
    }
}

/// Which regions are looked for, if any.
fn asked(args: &Predict, fitted: &Fitted) -> Result<Option<Asked>, Failure> {
    if !args.regions && args.coco.is_none() {
        return Ok(None);
    }
    let own = fitted.calibration.as_ref().map(|c| c.pixel_threshold);
    let threshold = args.pixel_threshold.or(own).ok_or_else(|| {
        Failure::usage("regions need a pixel threshold, and this model has none")
            .hint("give --pixel-threshold")
    })?;
    Ok(Some(Asked { threshold, least_area: args.min_area }))
}

struct Judge {
    model: Model<Network>,
    thresholds: Option<Thresholds>,
    format: Format,
    folder: Option<PathBuf>,
    /// Which regions are looked for, if any.
    asked: Option<Asked>,
    /// Whether they stand in the records.
    listed: bool,
    coco: Coco,
    limits: Limits,
    oddities: Oddities,
    not_ok: usize,
    /// One line for every picture without a verdict, and every file that could not be written.
    faults: Vec<String>,
}

impl Judge {
    fn all(&mut self, files: &[PathBuf], how: Shown) -> Result<(), Failure> {
        if self.format == Format::Csv {
            output::line(
                "path,verdict,image_score,threshold,review_threshold,width,height,overlay,heat_map,raw_map,error",
            )?;
        }
        let stems = output::stems(files);
        let bars = Bars::new(how);
        // Bars and lines on one terminal would tear each other apart.
        let bars = if std::io::IsTerminal::is_terminal(&std::io::stdout()) { None } else { Some(bars) };
        if let Some(bars) = &bars {
            bars.begin(Stage::Predict, files.len());
        }
        let (limits, intensity) = (self.limits, self.model.fitted().training.intensity);
        read_ahead(
            files.len(),
            |i| decode_as(&files[i], &limits, intensity),
            |numbers, loaded| {
                for (i, picture) in numbers.zip(loaded) {
                    let record = self.one(&files[i], &stems[i], picture);
                    self.print(&record)?;
                    if let Some(bars) = &bars {
                        bars.advance(1);
                    }
                }
                Ok::<(), Failure>(())
            },
        )?;
        if let Some(bars) = &bars {
            bars.end();
        }
        Ok(())
    }

    fn one(&mut self, file: &Path, stem: &Path, picture: Result<Picture, ImageError>) -> Record {
        let mut record = Record {
            path: file.to_string_lossy().into_owned(),
            verdict: "invalid",
            image_score: None,
            threshold: self.thresholds.map(|t| t.defect),
            review_threshold: self.thresholds.map(|t| t.review),
            width: None,
            height: None,
            files: None,
            regions: None,
            clipped: None,
            warning: None,
            error: None,
        };
        let judged = picture.map_err(|e| e.to_string()).and_then(|picture| {
            self.check_likeness(file, &picture)?;
            let prediction = self.model.predict(&picture).map_err(|e| format!("{}: {e}", shown(file)))?;
            Ok((picture, prediction))
        });
        let (picture, prediction) = match judged {
            Ok(judged) => judged,
            Err(reason) => {
                self.faults.push(reason.clone());
                record.error = Some(reason);
                return record;
            }
        };
        (record.width, record.height) = (Some(picture.width()), Some(picture.height()));
        if picture.clipped() > 0 {
            let share = picture.clipped() as f64 / picture.rgb().len() as f64;
            let window = self.model.fitted().training.intensity;
            output::warn(&format!(
                "{}: {:.1} % of its values are outside the {window}",
                shown(file),
                share * 100.0
            ));
            record.clipped = Some(share);
        }
        record.warning = self.oddities.see(file, &picture, self.model.fitted().training.extent.as_ref());
        record.image_score = Some(prediction.image_score);
        let verdict = self.thresholds.map(|t| Verdict::of(prediction.image_score, t));
        record.verdict = verdict.map_or("unknown", Verdict::name);
        self.not_ok += usize::from(verdict != Some(Verdict::Ok));
        if let Some(asked) = self.asked {
            let found = find(self.model.fitted(), &picture, &prediction, asked);
            self.coco.add(&record.path, &picture, &found);
            record.regions = self.listed.then_some(found);
        }
        if let Some(folder) = &self.folder {
            match write(folder, stem, self.model.fitted(), &picture, &prediction) {
                Ok(files) => record.files = Some(files),
                Err(failure) => {
                    self.faults.push(failure.message.clone());
                    record.error = Some(failure.message);
                }
            }
        }
        record
    }

    /// With the quality gate, a picture unlike all training pictures is not judged.
    fn check_likeness(&self, file: &Path, picture: &Picture) -> Result<(), String> {
        let trained = self.model.fitted().training.extent.as_ref().filter(|_| self.limits.quality_gate);
        match trained.and_then(|trained| trained.difference(picture)) {
            Some(difference) => Err(format!("{}: fails the quality gate: {difference}", shown(file))),
            None => Ok(()),
        }
    }

    fn print(&self, record: &Record) -> Result<(), Failure> {
        match self.format {
            Format::Jsonl => {
                let text =
                    serde_json::to_string(record).map_err(|e| Failure::new(Code::Internal, e.to_string()))?;
                output::line(&text)
            }
            Format::Csv => output::line(&csv_row(record)?),
            Format::Text => {
                let path = shown(Path::new(&record.path));
                match (&record.error, record.image_score) {
                    (Some(error), None) => {
                        output::line(&format!("{:8} {:>10}  {error}", record.verdict, "-"))
                    }
                    (_, score) => output::line(&format!(
                        "{:8} {:>10.4}  {path}",
                        record.verdict,
                        score.unwrap_or(f32::NAN)
                    )),
                }
            }
        }
    }

    fn finish(self, exit_code: bool, total: usize) -> Result<Code, Failure> {
        if !self.faults.is_empty() {
            let message = format!("{} of {total} pictures have no complete result", self.faults.len());
            return Err(Failure::new(Code::SomeBad, message).parts(self.faults));
        }
        Ok(if exit_code && self.not_ok > 0 { Code::Defect } else { Code::Done })
    }
}

fn csv_row(record: &Record) -> Result<String, Failure> {
    let number = |value: Option<f32>| value.map(|v| v.to_string()).unwrap_or_default();
    let size = |value: Option<usize>| value.map(|v| v.to_string()).unwrap_or_default();
    let file = |pick: fn(&Written) -> &String| record.files.as_ref().map_or("", |f| pick(f));
    output::csv_row([
        &record.path,
        record.verdict,
        &number(record.image_score),
        &number(record.threshold),
        &number(record.review_threshold),
        &size(record.width),
        &size(record.height),
        file(|f| &f.overlay),
        file(|f| &f.heat_map),
        file(|f| &f.raw_map),
        record.error.as_deref().unwrap_or_default(),
    ])
}

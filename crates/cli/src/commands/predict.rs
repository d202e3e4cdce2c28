//! `patchcore predict`: a model judges pictures.

use crate::args::{Format, Predict, Shown};
use crate::backbone::Network;
use crate::exit::{Code, Failure};
use crate::oddities::Oddities;
use crate::pictures::{Written, paths, write};
use crate::progress::Bars;
use crate::regions::{Asked, Coco, Found, find};
use crate::targets::{Sources, check_folder, claim_file, claim_folder, may_write};
use crate::{backbone, inputs, output};
use patchcore::{Calibration, Fitted, Model, Progress, Stage, Thresholds, Verdict, read_ahead};
use patchcore_files::shown;
use patchcore_image::{ImageError, Limits, Picture, decode_as};
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
    let coco = args.coco.as_deref().map(claim_file).transpose()?;
    if let Some(folder) = &args.output {
        Sources::of(&args.paths).spare(folder)?;
        check_folder(folder, true)?;
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
    let sources = Sources::of(&inputs.files).and(&args.weights).and([&args.model]);
    if let Some(claim) = &coco {
        may_write(claim, args.force, &sources)?;
    }
    let files = args.output.as_deref().map(|folder| files(folder, &inputs.files, &sources)).transpose()?;
    if let Some(folder) = &args.output {
        claim_folder(folder, args.force)?;
    }
    for warning in &inputs.warnings {
        output::warn(warning);
    }
    let format = args.format.unwrap_or(if how.json { Format::Jsonl } else { Format::Text });
    let mut judge = Judge {
        model,
        thresholds,
        format,
        files: files.unwrap_or_default(),
        asked,
        listed: args.regions,
        coco: Coco::default(),
        limits: args.pictures.limits(),
        oddities: Oddities::default(),
        not_ok: 0,
        faults: Vec::new(),
        ends_with: Code::SomeBad,
    };
    judge.all(&inputs.files, how)?;
    judge.oddities.tell();
    if let Some(path) = &args.coco {
        judge.coco.save(path, args.force)?;
    }
    judge.finish(args.exit_code, inputs.files.len())
}

/// Where the files of every picture go, which may take the place of no input.
fn files(folder: &Path, pictures: &[PathBuf], sources: &Sources) -> Result<Vec<[PathBuf; 3]>, Failure> {
    let files: Vec<_> = output::stems(pictures).iter().map(|stem| paths(folder, stem)).collect();
    files.iter().flatten().try_for_each(|file| sources.spare(file))?;
    Ok(files)
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
    /// Where the files of every picture go, if any are asked for.
    files: Vec<[PathBuf; 3]>,
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
    /// The exit code if there are faults.
    ends_with: Code,
}

impl Judge {
    fn all(&mut self, files: &[PathBuf], how: Shown) -> Result<(), Failure> {
        if self.format == Format::Csv {
            output::line(
                "path,verdict,image_score,threshold,review_threshold,width,height,overlay,heat_map,raw_map,error",
            )?;
        }
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
                    let judged = catch_unwind(AssertUnwindSafe(|| self.one(i, &files[i], picture)));
                    let record = judged.unwrap_or_else(|panic| self.broken(&files[i], panic.as_ref()));
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

    /// The record of a picture without a verdict.
    fn invalid(&self, file: &Path) -> Record {
        Record {
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
        }
    }

    /// A bug of ours met this picture: it has no verdict, and the others go on.
    fn broken(&mut self, file: &Path, panic: &(dyn std::any::Any + Send)) -> Record {
        let reason = format!("{}: {}", shown(file), Failure::internal(panic).message);
        self.ends_with = Code::Internal;
        self.faults.push(reason.clone());
        Record { error: Some(reason), ..self.invalid(file) }
    }

    fn one(&mut self, number: usize, file: &Path, picture: Result<Picture, ImageError>) -> Record {
        let mut record = self.invalid(file);
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
        if let Some(paths) = self.files.get(number) {
            let (files, faults) = write(paths, self.model.fitted(), &picture, &prediction)
                .unwrap_or_else(|failure| (Written::default(), vec![failure.message]));
            record.files = Some(files);
            self.flag(&mut record, &faults);
        }
        record
    }

    /// Says of a picture which of its files are missing; without them it is not ok.
    fn flag(&mut self, record: &mut Record, faults: &[String]) {
        if faults.is_empty() {
            return;
        }
        if record.verdict == Verdict::Ok.name() {
            record.verdict = "invalid";
        }
        let faults = faults.join("; ");
        self.faults.push(format!("{}: {faults}", shown(Path::new(&record.path))));
        record.error = Some(faults);
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
                    (error, score) => output::line(&format!(
                        "{:8} {:>10.4}  {path}{}",
                        record.verdict,
                        score.unwrap_or(f32::NAN),
                        error.as_ref().map(|error| format!(": {error}")).unwrap_or_default()
                    )),
                }
            }
        }
    }

    fn finish(self, exit_code: bool, total: usize) -> Result<Code, Failure> {
        Failure::of_faults(self.faults, total).map_err(|mut failure| {
            failure.code = self.ends_with;
            failure
        })?;
        Ok(if exit_code && self.not_ok > 0 { Code::Defect } else { Code::Done })
    }
}

fn csv_row(record: &Record) -> Result<String, Failure> {
    let number = |value: Option<f32>| value.map(|v| v.to_string()).unwrap_or_default();
    let size = |value: Option<usize>| value.map(|v| v.to_string()).unwrap_or_default();
    let file = |pick: fn(&Written) -> &Option<String>| {
        record.files.as_ref().and_then(|files| pick(files).as_deref()).unwrap_or_default()
    };
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

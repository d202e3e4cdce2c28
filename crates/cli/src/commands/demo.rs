//! `patchcore demo`: the whole way on a small made-up data set.

use crate::args::{Demo, EvaluateOptions, ModelOptions, Shown};
use crate::backbone::Network;
use crate::commands::evaluate::{Measuring, mask_rgb, print, write_tables};
use crate::exit::{Code, Failure};
use crate::pictures::{Look, overlay};
use crate::progress::Bars;
use crate::report::Gallery;
use crate::targets::claim_folder;
use crate::{backbone, config, output, report};
use patchcore::{Files, Model, Progress, Verdict};
use patchcore_demo::{DemoError, Options, generate};
use patchcore_files::{shown, write_atomic};
use patchcore_image::{Category, Dataset, Intensity, Layout, Limits, Picture, Sample, decode};
use patchcore_report::{Tile, contact_sheet_png};
use std::path::Path;
use std::time::Instant;

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        if let DemoError::File(error) = error {
            return error.into();
        }
        let cause = std::error::Error::source(&error).map(|c| format!(": {c}")).unwrap_or_default();
        Self::new(Code::Io, format!("{error}{cause}"))
    }
}

pub(crate) fn run(args: &Demo, how: Shown) -> Result<Code, Failure> {
    let start = Instant::now();
    let root = &args.folder;
    let bars = Bars::new(how);
    bars.begin_named("draw", 0);
    let tick = |done, total| bars.set(done, total);
    let summary = generate(
        root,
        &Options { seed: args.seed, train: args.train as usize, progress: Some(&tick), ..Options::default() },
    )?;
    bars.end();
    say(
        how,
        &format!(
            "drew {} pictures of {} products into {}",
            summary.n_pictures,
            summary.categories.len(),
            shown(root)
        ),
    )?;
    let results_folder = root.join("results");
    claim_folder(&results_folder, true)?;
    let dataset = Dataset::open(root, Some(Layout::Mvtec))?;
    let measuring = Measuring {
        dataset: &dataset,
        asked: &EvaluateOptions::default(),
        thresholds: [None; 2],
        folder: Some(&results_folder),
        limits: Limits::default(),
        how,
    };
    let (mut results, mut reports, mut leaks, mut faults) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for drawn in &summary.categories {
        let category = dataset.category(drawn.name)?;
        let fit_start = Instant::now();
        let model = fit(root, &category, how)?;
        let fitted = model.fitted();
        let path = root.join(format!("{}.patchcore", category.name));
        fitted.save(&path, true)?;
        let fit_seconds = fit_start.elapsed().as_secs_f64();
        let (n, rows) = (fitted.training.pictures.len(), fitted.members[0].bank.len());
        say(
            how,
            &format!(
                "fitted {} on {n} good pictures in {fit_seconds:.1} s ({rows} patches kept)",
                shown(&path)
            ),
        )?;
        let mut gallery = Gallery::new(fitted, &category, summary.categories.len(), &measuring);
        let evaluation = measuring.category(&model, &category, Some(&mut gallery), &mut faults)?;
        if fitted.calibration.is_some() {
            let verdicts = |anomalous: bool| {
                let of_kind = evaluation.pictures.iter().filter(|j| j.sample.is_anomalous() == anomalous);
                let verdicts: Vec<_> = of_kind.map(|j| j.verdict).collect();
                let [defect, review] = [Verdict::Defect, Verdict::Review]
                    .map(|verdict| verdicts.iter().filter(|&&v| v == Some(verdict)).count());
                format!("{defect} of {} called defective, {review} for review", verdicts.len())
            };
            let text = format!(
                "  at its thresholds: of defects {}; of good parts {}",
                verdicts(true),
                verdicts(false)
            );
            say(how, &text)?;
        }
        let sheet = results_folder.join(format!("{}.png", category.name));
        write_atomic(&sheet, &contact_sheet(&model, &category)?, true)?;
        let own = patchcore_evaluation::leaks(&fitted.training, &category, &Limits::default(), &bars)?;
        reports.push(report::evaluated(&model, &path, &category, &evaluation, gallery, &own)?);
        leaks.extend(own);
        results.push(evaluation);
    }
    write_tables(&results_folder, dataset.layout(), &results)?;
    report::write(&results_folder.join("report.html"), "Demo: drawn weaves and widgets", reports, true)?;
    say(how, "")?;
    print(&results, &leaks, how)?;
    say(how, &next_steps(root, start.elapsed().as_secs_f64()))?;
    let pictures = results.iter().map(|result| result.pictures.len()).sum();
    Failure::of_faults(faults, pictures).map(|()| Code::Done)
}

fn say(how: Shown, text: &str) -> Result<(), Failure> {
    if how.json { Ok(()) } else { output::line(text) }
}

fn fit(root: &Path, category: &Category, how: Shown) -> Result<Model<Network>, Failure> {
    let method = backbone::method(config::members(&ModelOptions::default())?, &[])?;
    let paths = category.train.iter().map(|sample| sample.path.clone()).collect();
    let files =
        Files { paths, root: root.to_path_buf(), limits: Limits::default(), intensity: Intensity::EightBit };
    Ok(method.fit(&files, &Bars::new(how))?)
}

/// One row per kind: picture, mask, what the model sees.
fn contact_sheet(model: &Model<Network>, category: &Category) -> Result<Vec<u8>, Failure> {
    let mut firsts: Vec<&Sample> = Vec::new();
    for sample in &category.test {
        if firsts.iter().all(|f| f.defect != sample.defect) {
            firsts.push(sample);
        }
    }
    let mut rows: Vec<Row> = Vec::new();
    for sample in firsts {
        let picture = decode(&sample.path, &Limits::default())?;
        let mask = sample.mask(&Limits::default())?;
        let prediction = model.predict(&picture)?;
        let over = overlay(model.fitted(), Look::Model, &picture, &prediction)?;
        let verdict = model.verdict(prediction.image_score).map_or("", Verdict::name);
        rows.push(Row {
            name: sample.defect.replace('_', " "),
            caption: format!("{:.2} {verdict}", prediction.image_score),
            mask: mask_rgb(mask.as_ref(), &picture),
            overlay: over,
            picture,
        });
    }
    let mut tiles = Vec::new();
    for row in &rows {
        let (width, height) = (row.picture.width(), row.picture.height());
        let tile = |rgb, caption| Tile { rgb, width, height, caption };
        tiles.extend([tile(row.picture.rgb(), row.name.as_str()), tile(&row.mask, "mask")]);
        tiles.push(tile(&row.overlay, row.caption.as_str()));
    }
    Ok(contact_sheet_png(&tiles, 6)?)
}

/// One kind of test picture on the contact sheet.
struct Row {
    name: String,
    caption: String,
    picture: Picture,
    mask: Vec<u8>,
    overlay: Vec<u8>,
}

fn next_steps(root: &Path, seconds: f64) -> String {
    // As the program was called, so that the lines can be copied.
    let program =
        std::env::args_os().next().map_or_else(|| "patchcore".into(), |name| shown(Path::new(&name)));
    let root = shown(root);
    format!(
        "\nDone in {seconds:.0} s. Open {root}/results/report.html first. In {root}/results/weave.png and\n\
         {root}/results/widget.png: for each kind of defect the picture, its mask, and what the model sees.\n\n\
         On your own pictures:\n  \
         {program} fit --good GOOD_PICTURES -o part.patchcore\n  \
         {program} predict part.patchcore NEW_PICTURES -o results\n\n\
         On this data set:\n  \
         {program} predict {root}/widget.patchcore {root}/widget/test/scratch\n  \
         {program} evaluate {root} --dataset {root}\n  \
         {program} inspect {root}/widget.patchcore"
    )
}

//! An evaluation as the report's part on labelled pictures.

use super::card;
use super::gallery::Gallery;
use patchcore::{Fitted, Leak, Verdict};
use patchcore_evaluation::{Decisions, DefectMetrics, Evaluation, Figure, Judged, Rate};
use patchcore_image::Likeness;
use patchcore_report::{
    Calls, Curve, Curves, Duplicate, KindRow, MetricRow, Outcome, TestPart, TestPicture, Threshold,
    Verdict as Said,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The thresholds in use: the model's own, or what was asked for instead.
pub(super) fn threshold(fitted: &Fitted, evaluation: &Evaluation) -> Option<Threshold> {
    let decisions = evaluation.image.at_threshold.as_ref().ok()?;
    let used = decisions.threshold;
    let pixel =
        evaluation.pixel.as_ref().ok().and_then(|p| p.at_threshold.as_ref().ok()).map(|p| p.threshold);
    let own = card::threshold(fitted).filter(|own| own.image == used);
    Some(match own {
        Some(own) => Threshold { pixel: pixel.or(own.pixel), ..own },
        None => Threshold {
            image: used,
            review: (decisions.review_threshold < used).then_some(decisions.review_threshold),
            pixel,
            source: "somebody gave it".into(),
            false_alarm_rate: None,
            review_rate: None,
            good_scores: Vec::new(),
        },
    })
}

pub(super) fn test_part(evaluation: &Evaluation, gallery: Gallery<'_>) -> TestPart {
    let by_path = by_path(evaluation);
    let [lowest_defects, highest_good] = gallery.examples(|path| Some(picture(by_path.get(path)?)));
    let decisions = evaluation.image.at_threshold.as_ref().ok();
    TestPart {
        pictures: evaluation.pictures.iter().map(picture).collect(),
        outcome: decisions.map(|decisions| outcome(evaluation, decisions)),
        metrics: evaluation.figures().into_iter().map(metric).collect(),
        kinds: evaluation.image.types.iter().map(kind).collect(),
        curves: curves(evaluation, decisions),
        lowest_defects,
        highest_good,
    }
}

/// The test pictures that the model was fitted on, as they are named here; none if its pictures are not known.
pub(super) fn leaks(fitted: &Fitted, evaluation: &Evaluation, leaks: &[Leak]) -> Option<Vec<Duplicate>> {
    let name = |leak: &Leak| {
        let judged = evaluation.pictures.iter().find(|j| j.sample.path.to_string_lossy() == leak.picture)?;
        Some(super::safe(&judged.name))
    };
    let leak = |leak: &Leak| {
        let (like, exact) = (super::safe(&leak.trained), leak.kind == Likeness::Exact);
        Some(Duplicate { picture: name(leak)?, like, exact })
    };
    (!fitted.training.fingerprints.is_empty()).then(|| leaks.iter().filter_map(leak).collect())
}

fn by_path(evaluation: &Evaluation) -> BTreeMap<&PathBuf, &Judged> {
    evaluation.pictures.iter().map(|j| (&j.sample.path, j)).collect()
}

fn picture(judged: &Judged) -> TestPicture {
    TestPicture {
        name: super::safe(&judged.name),
        kind: super::safe(&judged.sample.defect),
        anomalous: judged.sample.is_anomalous(),
        score: judged.image_score,
        verdict: judged.verdict.map(|verdict| match verdict {
            Verdict::Ok => Said::Ok,
            Verdict::Review => Said::Review,
            Verdict::Defect => Said::Defect,
        }),
    }
}

fn outcome(evaluation: &Evaluation, decisions: &Decisions) -> Outcome {
    let calls = |anomalous: bool| {
        let of_label =
            evaluation.pictures.iter().filter(|j| j.sample.is_anomalous() == anomalous).map(picture);
        let said: Vec<Option<Said>> = of_label.map(|p| p.verdict).collect();
        let count = |verdict| said.iter().filter(|v| **v == Some(verdict)).count() as u64;
        Calls { defect: count(Said::Defect), review: count(Said::Review), ok: count(Said::Ok) }
    };
    Outcome {
        good: calls(false),
        defects: calls(true),
        false_alarm_rate: decisions.overkill_rate.as_ref().ok().map(rate),
        escape_rate: decisions.escape_rate.as_ref().ok().map(rate),
    }
}

fn rate(rate: &Rate) -> patchcore_report::Rate {
    let Rate { share, bounds } = rate;
    patchcore_report::Rate { count: share.count(), of: share.of(), lower: bounds.lower, upper: bounds.upper }
}

fn kind(kind: &DefectMetrics) -> KindRow {
    KindRow {
        name: super::safe(&kind.name),
        pictures: kind.pictures,
        escapes: kind.escapes.as_ref().ok().map(rate),
        auroc: kind.auroc.clone().ok(),
        undefined: kind.auroc.as_ref().err().map(ToString::to_string),
    }
}

/// Names for people, with what each number is about.
const NAMES: [(&str, &str, &str); 19] = [
    ("image_auroc", "Image AUROC", PICTURES),
    ("image_auroc_mean_of_types", "Image AUROC, mean over the kinds of defects", PICTURES),
    ("image_ap", "Image average precision", PICTURES),
    ("oracle_image_f1_max", "Best image F1", PICTURES),
    ("escape_rate", "Escape rate", AT_THRESHOLD),
    ("overkill_rate", "False-alarm rate", AT_THRESHOLD),
    ("image_precision", "Precision", AT_THRESHOLD),
    ("image_recall", "Recall", AT_THRESHOLD),
    ("image_f1", "F1", AT_THRESHOLD),
    ("pixel_auroc", "Pixel AUROC", PIXELS),
    ("pixel_auroc_anomalous_only", "Pixel AUROC, pictures with a defect only", PIXELS),
    ("pixel_ap", "Pixel average precision", PIXELS),
    ("oracle_pixel_f1_max", "Best pixel F1", PIXELS),
    ("oracle_pixel_iou_max", "Best intersection over union", PIXELS),
    ("aupimo", "AUPIMO", PIXELS),
    ("pixel_precision", "Pixel precision", AT_PIXEL_THRESHOLD),
    ("pixel_recall", "Pixel recall", AT_PIXEL_THRESHOLD),
    ("pixel_f1", "Pixel F1", AT_PIXEL_THRESHOLD),
    ("au_spro_0.05", "AU-sPRO up to 0.05", PIXELS),
];
const PICTURES: &str = "pictures, over all thresholds";
const AT_THRESHOLD: &str = "pictures, at the deployed threshold";
const PIXELS: &str = "pixels, over all thresholds";
const AT_PIXEL_THRESHOLD: &str = "pixels, at the pixel threshold";

fn metric(figure: Figure) -> MetricRow {
    let known = NAMES.iter().find(|(key, ..)| *key == figure.name);
    let (name, group) = match (known, figure.name.strip_prefix("aupro_")) {
        (Some((_, name, group)), _) => ((*name).to_string(), *group),
        (None, Some(limit)) => (format!("AUPRO {limit}"), PIXELS),
        (None, None) => (figure.name.clone(), PICTURES),
    };
    MetricRow {
        oracle: figure.name.starts_with("oracle_"),
        key: figure.name,
        name,
        group: group.into(),
        interval: figure.bounds.filter(|_| figure.value.is_ok()).map(|b| [b.lower, b.upper]),
        undefined: figure.value.as_ref().err().cloned(),
        value: figure.value.ok(),
    }
}

fn curves(evaluation: &Evaluation, decisions: Option<&Decisions>) -> Curves {
    let points = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(&x, &y)| [x, y]).collect();
    let image = &evaluation.image;
    let counts = decisions.map(|d| d.counts);
    let share = |rate: Result<patchcore_metrics::Share, _>| rate.ok().map(patchcore_metrics::Share::value);
    let (fpr, recall, precision) = match &counts {
        Some(c) => (share(c.false_alarm_rate()), share(c.recall()), share(c.precision())),
        None => (None, None, None),
    };
    let pixel = evaluation.pixel.as_ref().ok();
    Curves {
        roc: image.roc.as_ref().ok().map(|curve| Curve {
            points: points(&curve.fpr, &curve.tpr),
            area: image.auroc.clone().ok(),
            deployed: fpr.zip(recall).map(<[f64; 2]>::from),
        }),
        precision_recall: image.precision_recall.as_ref().ok().map(|curve| Curve {
            points: points(&curve.recall, &curve.precision),
            area: image.average_precision.clone().ok(),
            deployed: recall.zip(precision).map(<[f64; 2]>::from),
        }),
        pro: pixel.and_then(|p| p.pro_curve.as_ref().ok()).map(|curve| Curve {
            points: points(&curve.fpr, &curve.pro),
            area: pixel.and_then(|p| p.aupro.first()).and_then(|at| at.value.clone().ok()),
            deployed: None,
        }),
    }
}

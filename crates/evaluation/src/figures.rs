//! All numbers of an evaluation under the names that they have in every table, file and report.

use crate::decisions::{Decisions, PixelDecisions, Rate};
use crate::evaluation::{Evaluation, PixelMetrics};
use crate::saturated::LIMIT as SPRO_LIMIT;
use patchcore_metrics::{Bounds, Metric, Undefined};

/// One number; its name begins with `oracle_` where the labels that it is measured on chose a threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Lower case, words joined by `_`.
    pub name: String,
    /// The value, or why there is none.
    pub value: Result<f64, String>,
    /// Where it lies with 95 % confidence, where that is known.
    pub bounds: Option<Bounds>,
}

impl Figure {
    fn new(name: &str, value: Result<f64, String>) -> Self {
        Self { name: name.to_string(), value, bounds: None }
    }

    fn between(self, bounds: &Result<Bounds, Undefined>) -> Self {
        Self { bounds: bounds.as_ref().ok().copied(), ..self }
    }
}

impl Evaluation {
    /// All numbers of the category, in the order in which tables show them: the same names for every category, but for
    /// `au_spro_*`, which only data sets with saturations have.
    ///
    /// Thresholds are no numbers of this kind: their mean over categories says nothing.
    pub fn figures(&self) -> Vec<Figure> {
        let image = &self.image;
        let decisions = image.at_threshold.as_ref().map_err(Clone::clone);
        let rate = |name: &str, pick: fn(&Decisions) -> &Result<Rate, Undefined>| {
            let rate = decisions.clone().and_then(|decisions| pick(decisions).clone().map_err(text));
            let bounds = rate.as_ref().ok().map(|rate| rate.bounds);
            Figure { bounds, ..Figure::new(name, rate.map(|rate| rate.share.value())) }
        };
        let mut all = vec![
            Figure::new("image_auroc", told(image.auroc.clone())).between(&image.auroc_bounds),
            Figure::new("image_auroc_mean_of_types", told(image.auroc_mean_of_types.clone())),
            Figure::new("image_ap", told(image.average_precision.clone()))
                .between(&image.average_precision_bounds),
            Figure::new("oracle_image_f1_max", told(image.oracle_f1_max.clone().map(|best| best.f1))),
            rate("escape_rate", |d| &d.escape_rate),
            rate("overkill_rate", |d| &d.overkill_rate),
            rate("image_precision", |d| &d.precision),
            rate("image_recall", |d| &d.recall),
            Figure::new("image_f1", decisions.clone().and_then(|d| told(d.f1.clone()))),
        ];
        all.extend(self.pixel_figures());
        all
    }

    fn pixel_figures(&self) -> Vec<Figure> {
        let pixel = self.pixel.as_ref().map_err(Clone::clone);
        let of = |name: &str, pick: &dyn Fn(&PixelMetrics) -> Metric| {
            Figure::new(name, pixel.clone().and_then(|p| told(pick(p))))
        };
        let mut all = vec![
            of("pixel_auroc", &|p| p.auroc.clone()),
            of("pixel_auroc_anomalous_only", &|p| p.auroc_anomalous_only.clone()),
            of("pixel_ap", &|p| p.average_precision.clone()),
            of("oracle_pixel_f1_max", &|p| p.oracle_f1_max.clone().map(|best| best.f1)),
            of("oracle_pixel_iou_max", &|p| p.oracle_iou_max.clone().map(|best| best.iou)),
        ];
        let aupro = |(i, limit): (usize, &f64)| {
            let value =
                |p: &PixelMetrics| p.aupro.get(i).map_or(Err(Undefined::Empty), |at| at.value.clone());
            of(&format!("aupro_{limit}"), &value)
        };
        all.extend(self.pro_limits.iter().enumerate().map(aupro));
        let aupimo = of("aupimo", &|p| p.aupimo.as_ref().map(|found| found.mean).map_err(Clone::clone));
        all.push(match pixel {
            Ok(p) => aupimo.between(&p.aupimo_bounds),
            Err(_) => aupimo,
        });
        if let Ok(PixelMetrics { au_spro: Some(area), .. }) = pixel {
            all.push(Figure::new(&format!("au_spro_{SPRO_LIMIT}"), area.clone()));
        }
        let decided = |name, pick: fn(&PixelDecisions) -> &Metric| {
            let decisions = pixel.clone().and_then(|p| p.at_threshold.as_ref().map_err(Clone::clone));
            Figure::new(name, decisions.and_then(|decisions| told(pick(decisions).clone())))
        };
        all.extend([
            decided("pixel_precision", |d| &d.precision),
            decided("pixel_recall", |d| &d.recall),
            decided("pixel_f1", |d| &d.f1),
        ]);
        all
    }
}

fn told(metric: Metric) -> Result<f64, String> {
    metric.map_err(text)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn text(reason: Undefined) -> String {
    reason.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Judged;
    use crate::image_metrics::image_metrics;
    use patchcore::{Thresholds, Verdict};
    use patchcore_image::{Label, Sample};
    use patchcore_metrics::{Resampling, Share};

    const THRESHOLDS: Thresholds = Thresholds { review: 1.0, defect: 2.0 };

    /// Scores of good pictures, of dents and of scratches; no masks.
    fn evaluation(scores: [&[f32]; 3], thresholds: Result<Thresholds, String>) -> Evaluation {
        let mut pictures = Vec::new();
        for (kind, scores) in ["good", "dent", "scratch"].into_iter().zip(scores) {
            for (i, &image_score) in scores.iter().enumerate() {
                let label = if kind == "good" { Label::Normal } else { Label::Anomaly };
                let name = format!("{kind}/{i}.png");
                let sample = Sample { path: (&name).into(), defect: kind.into(), label, masks: Vec::new() };
                let verdict = thresholds.as_ref().ok().map(|&t| Verdict::of(image_score, t));
                pictures.push(Judged { sample, name, image_score, verdict });
            }
        }
        let image = image_metrics(&pictures, thresholds, Resampling::default());
        let pixel = Err("no masks".to_string());
        Evaluation { category: "bolt".into(), pictures, image, pixel, pro_limits: vec![0.3] }
    }

    fn value(evaluation: &Evaluation, name: &str) -> Result<f64, String> {
        evaluation.figures().into_iter().find(|figure| figure.name == name).unwrap().value
    }

    #[test]
    fn what_is_for_review_is_no_escape_and_no_overkill() {
        let found = evaluation([&[0.5, 1.5, 2.5, 0.1], &[0.5, 0.6, 1.5], &[3.0]], Ok(THRESHOLDS));
        assert_eq!(value(&found, "escape_rate"), Ok(0.5));
        assert_eq!(value(&found, "overkill_rate"), Ok(0.25));
        assert_eq!(value(&found, "image_recall"), Ok(0.25));
        assert_eq!(value(&found, "image_precision"), Ok(0.5));
        let at = found.image.at_threshold.as_ref().unwrap();
        assert_eq!((at.for_review, at.counts.escapes), ([1, 1], 3));
        let escapes: Vec<Share> =
            found.image.types.iter().map(|t| t.escapes.clone().unwrap().share).collect();
        assert_eq!(escapes, [Share::new(2, 3).unwrap(), Share::new(0, 1).unwrap()]);
    }

    #[test]
    fn the_mean_of_types_weighs_types_not_pictures() {
        // Each dent beats half of the good ones, the scratch all of them.
        let found = evaluation([&[0.0, 1.0], &[0.5, 0.5, 0.5], &[2.0]], Ok(THRESHOLDS));
        assert_eq!(value(&found, "image_auroc_mean_of_types"), Ok(0.75));
        assert_eq!(value(&found, "image_auroc"), Ok(5.0 / 8.0));
    }

    #[test]
    fn every_name_stands_for_one_number_and_every_gap_has_a_reason() {
        let found = evaluation([&[0.0, 1.0], &[3.0], &[]], Err("no threshold".into()));
        let figures = found.figures();
        let mut names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        assert_eq!(names.iter().filter(|name| name.contains("_max")).count(), 3);
        assert!(names.iter().all(|name| !name.contains("_max") || name.starts_with("oracle_")));
        assert_eq!(value(&found, "escape_rate"), Err("no threshold".into()));
        assert_eq!(value(&found, "aupro_0.3"), Err("no masks".into()));
        assert_eq!(value(&found, "pixel_f1"), Err("no masks".into()));
        let auroc = figures.iter().find(|figure| figure.name == "image_auroc").unwrap();
        assert_eq!(auroc.bounds.map(|b| (b.lower, b.upper)), Some((1.0, 1.0)));
        let without_defects = evaluation([&[0.0], &[], &[]], Ok(THRESHOLDS));
        let reason = Err("nothing is labelled anomalous".to_string());
        assert_eq!(value(&without_defects, "image_auroc_mean_of_types"), reason);
        assert_eq!(value(&without_defects, "escape_rate"), reason);
    }
}

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
